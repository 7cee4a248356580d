"""Which driver an output gets."""

from typing import Literal

from eyespot.hal.outputs.contract import Output, OutputSettings
from eyespot.hal.outputs.simulated import SimulatedOutput

OutputKind = Literal["gpio", "simulated"]


def open_output(kind: OutputKind, settings: OutputSettings) -> Output:
    """The output, at rest; raises as its driver. ``simulated`` needs no hardware, and looks at no chip."""
    if kind == "simulated":
        return SimulatedOutput(settings.name, rest=settings.rest)
    from eyespot.hal.outputs.gpiod import GpiodOutput

    return GpiodOutput(settings)
