"""What every output is: something that is on or off, and falls back to a known state when nobody holds it."""

from dataclasses import dataclass
from typing import Protocol

from eyespot.kernel.errors import invalid

MAX_LINE = 4095


@dataclass(frozen=True, slots=True)
class OutputSettings:
    """One output.

    Attributes:
        name: the owner's word for it, for example ``gate``.
        chip: its GPIO chip, for example ``/dev/gpiochip0``.
        line: number of the line on the chip, or the name that the board gives it.
        active_low: on is a low voltage.
        rest: its state while nothing asks for another: when opened, and when closed.
    """

    name: str
    chip: str
    line: int | str
    active_low: bool = False
    rest: bool = False

    def __post_init__(self) -> None:
        if not self.name or len(self.name) > 64:
            raise invalid("An output needs a name of 1 to 64 characters.")
        if (isinstance(self.line, int) and not 0 <= self.line <= MAX_LINE) or self.line == "":
            raise invalid(f"Output {self.name} cannot be line {self.line!r}.", "Give a line's number or its name.")


class Output(Protocol):
    """One thing to switch. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """The owner's word for it."""
        ...

    def state(self) -> bool:
        """Whether it is on. Raises ``UNAVAILABLE`` when it does not answer or is closed."""
        ...

    def switch(self, *, on: bool) -> None:
        """Turn it on or off; returns when the wire has changed. Raises as ``state``."""
        ...

    def close(self) -> None:
        """Put it to rest and let it go; may be called twice, and never raises.

        A process that dies cannot do this: what the wire does then is up to the board (most keep it until the line is
        asked for again), so a dangerous load needs a board whose rest state is safe.
        """
        ...
