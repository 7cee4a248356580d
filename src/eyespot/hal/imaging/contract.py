"""What every imaging driver is: controls with stated ranges and units, read and set together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from eyespot.contracts.lens import Polygon

Unit = Literal["s", "dB", "stops", "K", "dioptres", "degrees", "share", "factor", "device", ""]
"""``share``: 0 to 1. ``factor``: times; 1 changes nothing. ``device``: numbers that only this
device's maker can explain, as the device gives them."""
Value = float | bool | str | tuple[Polygon, ...]


class Control(StrEnum):
    """Everything that can be asked of a camera's imaging. A driver offers those that its hardware has."""

    EXPOSURE_MODE = "exposure_mode"
    EXPOSURE = "exposure"
    GAIN = "gain"
    EXPOSURE_COMPENSATION = "exposure_compensation"
    WHITE_BALANCE_MODE = "white_balance_mode"
    WHITE_BALANCE = "white_balance"
    RED_GAIN = "red_gain"
    BLUE_GAIN = "blue_gain"
    FOCUS_MODE = "focus_mode"
    FOCUS = "focus"
    DAY_NIGHT = "day_night"
    WDR = "wdr"
    DENOISE = "denoise"
    SHARPNESS = "sharpness"
    BRIGHTNESS = "brightness"
    CONTRAST = "contrast"
    SATURATION = "saturation"
    FLIP_HORIZONTAL = "flip_horizontal"
    FLIP_VERTICAL = "flip_vertical"
    ROTATION = "rotation"
    MAINS = "mains"
    PRIVACY_MASKS = "privacy_masks"


MODE_OF = {
    Control.EXPOSURE: Control.EXPOSURE_MODE,
    Control.GAIN: Control.EXPOSURE_MODE,
    Control.WHITE_BALANCE: Control.WHITE_BALANCE_MODE,
    Control.RED_GAIN: Control.WHITE_BALANCE_MODE,
    Control.BLUE_GAIN: Control.WHITE_BALANCE_MODE,
    Control.FOCUS: Control.FOCUS_MODE,
}
"""Controls that a loop of the camera moves by itself unless their mode is ``manual``."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What one control can do on one board.

    Attributes:
        kind: ``number`` takes a float from ``low`` to ``high`` in steps of ``step`` (0: any), in ``unit``; ``choice``
            one of ``options``; ``switch`` a bool; ``polygons`` up to ``high`` polygons in fractions of the picture.
        default: what the control holds when nobody set it.
    """

    control: Control
    kind: Literal["number", "choice", "switch", "polygons"]
    default: Value
    unit: Unit = ""
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    options: tuple[str, ...] = ()


class Imaging(Protocol):
    """The imaging of one camera. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """The driver and its device, fit for a log line."""
        ...

    def capabilities(self) -> Mapping[Control, Capability]:
        """What can be asked here; the same for as long as the driver is open."""
        ...

    def read(self) -> dict[Control, Value]:
        """What is in force: a value for every capability; while a loop runs, where it stands.

        Raises ``UNAVAILABLE`` when the device does not answer.
        """
        ...

    def apply(self, values: Mapping[Control, Value]) -> dict[Control, Value]:
        """Set ``values``, numbers rounded to their step, and return what was set. All are checked before any is set.

        Raises:
            EyespotError: ``INVALID`` when a control is not offered, or its value is of the wrong kind or outside its
                range; ``CONFLICT`` when a control is set whose mode is, and stays, ``auto``; ``UNAVAILABLE`` when the
                device does not answer or refuses. After the first two nothing was changed.
        """
        ...

    def close(self) -> None:
        """Let the device go; may be called twice. The camera keeps its settings."""
        ...
