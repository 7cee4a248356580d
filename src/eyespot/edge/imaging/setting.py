"""Setting a device's controls one by one, so that what it refuses does not stand in the way of the rest. Blocks."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from eyespot.hal.imaging.contract import MODE_OF, Control, Imaging, Value
from eyespot.kernel.errors import EyespotError, Kind

OpenImaging = Callable[[str], Imaging]


@dataclass(frozen=True, slots=True)
class Setting:
    """What became of one device's settings.

    Attributes:
        done: what is in force, numbers as the device rounded them.
        refused: why not, by the control's name; under ``device`` when it could not be opened or was lost.
    """

    done: dict[Control, Value] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def set_controls(
    device: str, wanted: Mapping[Control, Value], before: Collection[Control], open_imaging: OpenImaging
) -> Setting:
    """Make ``device`` hold ``wanted``; controls in ``before`` that are wanted no more get their default back."""
    made = Setting()
    try:
        imaging = open_imaging(device)
    except EyespotError as error:
        made.refused["device"] = str(error)
        return made
    try:
        _give_back(imaging, [control for control in before if control not in wanted])
        for control, value in sorted(wanted.items(), key=lambda item: item[0] in MODE_OF):  # modes first
            try:
                made.done.update(imaging.apply({control: value}))
            except EyespotError as error:
                made.refused[control.value] = str(error)
    except EyespotError as error:
        made.refused["device"] = str(error)
    finally:
        imaging.close()
    return made


def _give_back(imaging: Imaging, controls: list[Control]) -> None:
    """Values before their modes: a value can be set only while its mode is manual."""
    offered = imaging.capabilities()
    for control in sorted(controls, key=lambda item: item not in MODE_OF):
        if control in offered:
            try:
                imaging.apply({control: offered[control].default})
            except EyespotError as error:
                if error.kind is not Kind.CONFLICT:  # a loop of the camera moves it by now, which is as good
                    raise
