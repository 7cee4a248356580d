"""`[[output]]` in the host's configuration: one relay or lamp."""

from typing import Annotated

from pydantic import Field, model_validator

from eyespot.contracts.output import MAX_PULSE_S
from eyespot.hal.outputs.chooser import OutputKind
from eyespot.hal.outputs.contract import MAX_LINE, OutputSettings
from eyespot.kernel.config import Settings
from eyespot.kernel.ids import is_slug

MAX_OUTPUTS = 32
LineNumber = Annotated[int, Field(ge=0, le=MAX_LINE)]
LineName = Annotated[str, Field(min_length=1, max_length=64)]


class HostOutput(Settings):
    """Something that this host switches."""

    name: str
    """Short name used in addresses, commands and rules: a-z, 0-9, - and _."""
    kind: OutputKind = "gpio"
    """gpio: a line of a GPIO chip, by libgpiod; simulated: nothing but a state, to try rules without a relay."""
    chip: str = Field(default="/dev/gpiochip0", min_length=1, max_length=255, pattern="^/dev/")
    """GPIO only: the chip; `gpiodetect` lists them."""
    line: LineNumber | LineName | None = None
    """GPIO only: number of the line on its chip, or the board's name for it; `gpioinfo` lists them."""
    active_low: bool = False
    """GPIO only: on is a low voltage."""
    rest: bool = False
    """Its state when nothing asks for another: at the start, at the end, and between pulses."""
    pulse_s: float = Field(default=1.0, gt=0, le=MAX_PULSE_S)
    """Seconds that a pulse lasts unless a rule or a request says otherwise."""
    pause_s: float = Field(default=1.0, ge=0, le=MAX_PULSE_S)
    """Seconds after a pulse in which events cannot begin another."""

    @property
    def wire(self) -> OutputSettings:
        """The same for its driver; a simulated output has no line."""
        return OutputSettings(self.name, self.chip, 0 if self.line is None else self.line, self.active_low, self.rest)

    @model_validator(mode="after")
    def _has_a_line(self) -> "HostOutput":
        if not is_slug(self.name):
            raise ValueError(f"output name '{self.name[:80]}' may hold a-z, 0-9, - and _ only")
        if self.kind == "gpio" and self.line is None:
            raise ValueError(f"output '{self.name}' needs a line, for example line = 17, or kind = \"simulated\"")
        return self


def check_outputs(outputs: tuple[HostOutput, ...]) -> None:
    """Raise ``ValueError`` when two outputs of the host have one name or one wire."""
    names: set[str] = set()
    wires: dict[tuple[str, int | str], str] = {}
    for output in outputs:
        if output.name in names:
            raise ValueError(f"two outputs are called '{output.name}'")
        names.add(output.name)
        if output.kind == "gpio" and output.line is not None:
            other = wires.setdefault((output.chip, output.line), output.name)
            if other != output.name:
                raise ValueError(f"outputs '{other}' and '{output.name}' are both line {output.line} of {output.chip}")
