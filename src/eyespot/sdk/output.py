"""One output of the host that the service was granted."""

import asyncio
from collections.abc import Callable

from eyespot.contracts.output import OutputCommand
from eyespot.kernel.errors import invalid

Switch = Callable[[str, OutputCommand], "asyncio.Task[None]"]


class Output:
    """``service.output("siren")``. Each call begins at once and never waits.

    Awaiting what a call returns waits until it was switched and raises ``EyespotError`` where it was not: ``FORBIDDEN``
    for an output that was not granted, ``THROTTLED`` for more than one a second, ``CONFLICT`` for a pulse of one that
    is not at rest, ``UNAVAILABLE``. A failure is logged in any case.
    """

    def __init__(self, name: str, switch: Switch) -> None:
        self._name, self._switch = name, switch

    def pulse(self, seconds: float | None = None) -> "asyncio.Task[None]":
        """Leave rest for ``seconds`` (0 to 3600; None: as the owner set it)."""
        try:
            command = OutputCommand(do="pulse", seconds=seconds)
        except ValueError as error:
            raise invalid(f"A pulse of {seconds} s is impossible.", "Choose more than 0, at most 3600.") from error
        return self._switch(self._name, command)

    def on(self) -> "asyncio.Task[None]":
        """Turn it on until further notice."""
        return self._switch(self._name, OutputCommand(do="on"))

    def off(self) -> "asyncio.Task[None]":
        """Turn it off until further notice."""
        return self._switch(self._name, OutputCommand(do="off"))
