"""Switching something for a while: it goes back, whatever happens meanwhile."""

from eyespot.hal.outputs.contract import Output
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import invalid

MAX_PULSE_S = 3600.0


async def pulse(output: Output, clock: Clock, seconds: float, *, on: bool = True) -> None:
    """Switch ``output`` to ``on`` for ``seconds`` (above 0, at most ``MAX_PULSE_S``), then the other way.

    It goes back when the caller is cancelled too. Raises ``INVALID`` on other times, and as ``Output.switch``.
    """
    if not 0 < seconds <= MAX_PULSE_S:
        raise invalid(f"A pulse of {seconds:g} s cannot be given.", f"It may last up to {MAX_PULSE_S:g} s.")
    output.switch(on=on)
    try:
        await clock.sleep(seconds)
    finally:
        output.switch(on=not on)
