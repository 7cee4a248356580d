"""Switching something for a while: it goes back, whatever happens meanwhile."""

from collections.abc import Awaitable, Callable

from eyespot.contracts.output import MAX_PULSE_S
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import invalid

Switch = Callable[[bool], Awaitable[None]]
"""Turns something on (true) or off; returns when the wire has changed, raises as ``contract.Output.switch``."""


async def pulse(switch: Switch, clock: Clock, seconds: float, *, on: bool = True) -> None:
    """``switch`` to ``on`` for ``seconds`` (above 0, at most ``MAX_PULSE_S``), then the other way.

    It goes back when the caller is cancelled too. Raises ``INVALID`` on other times, and as ``switch``.
    """
    if not 0 < seconds <= MAX_PULSE_S:
        raise invalid(f"A pulse of {seconds:g} s cannot be given.", f"It may last up to {MAX_PULSE_S:g} s.")
    try:
        await switch(on)
        await clock.sleep(seconds)
    finally:
        await switch(not on)
