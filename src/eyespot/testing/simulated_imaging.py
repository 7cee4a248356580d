"""A camera's imaging without a camera: every control, remembered, and told to fail on demand."""

from collections.abc import Mapping
from typing import Literal

from eyespot.contracts.lens import MAX_MASKS
from eyespot.hal.imaging.checks import check
from eyespot.hal.imaging.contract import Capability, Control, Value
from eyespot.kernel.errors import unavailable

_MODES = ("auto", "manual")


def every_capability() -> dict[Control, Capability]:
    """One capability of every control, with ranges of a middling camera."""
    number: Literal["number"] = "number"
    choice: Literal["choice"] = "choice"
    switch: Literal["switch"] = "switch"
    return {
        item.control: item
        for item in (
            Capability(Control.EXPOSURE_MODE, choice, "auto", options=_MODES),
            Capability(Control.EXPOSURE, number, 0.01, "s", 1e-4, 0.0333, 1e-4),
            Capability(Control.GAIN, number, 0.0, "dB", 0.0, 42.0, 0.3),
            Capability(Control.EXPOSURE_COMPENSATION, number, 0.0, "stops", -3.0, 3.0, 0.5),
            Capability(Control.WHITE_BALANCE_MODE, choice, "auto", options=_MODES),
            Capability(Control.WHITE_BALANCE, number, 5000.0, "K", 2300.0, 8000.0, 10.0),
            Capability(Control.RED_GAIN, number, 1.0, "factor", 0.25, 8.0),
            Capability(Control.BLUE_GAIN, number, 1.0, "factor", 0.25, 8.0),
            Capability(Control.FOCUS_MODE, choice, "auto", options=_MODES),
            Capability(Control.FOCUS, number, 0.0, "dioptres", 0.0, 10.0, 0.05),
            Capability(Control.DAY_NIGHT, choice, "auto", options=("auto", "day", "night")),
            Capability(Control.WDR, number, 0.0, "share", 0.0, 1.0, 0.25),
            Capability(Control.DENOISE, number, 0.5, "share", 0.0, 1.0, 0.1),
            Capability(Control.SHARPNESS, number, 0.5, "share", 0.0, 1.0, 0.1),
            Capability(Control.BRIGHTNESS, number, 0.5, "share", 0.0, 1.0, 0.1),
            Capability(Control.CONTRAST, number, 0.5, "share", 0.0, 1.0, 0.1),
            Capability(Control.SATURATION, number, 0.5, "share", 0.0, 1.0, 0.1),
            Capability(Control.FLIP_HORIZONTAL, switch, default=False),
            Capability(Control.FLIP_VERTICAL, switch, default=False),
            Capability(Control.ROTATION, choice, "0", "degrees", options=("0", "90", "180", "270")),
            Capability(Control.MAINS, choice, "50", options=("off", "50", "60")),
            Capability(Control.PRIVACY_MASKS, "polygons", (), high=MAX_MASKS),
        )
    }


class SimulatedImaging:
    """Keeps the contract of ``hal.imaging.contract.Imaging``; ``is_gone`` plays a device that was pulled out."""

    def __init__(self, capabilities: Mapping[Control, Capability] | None = None) -> None:
        self._capabilities = dict(every_capability() if capabilities is None else capabilities)
        self._values: dict[Control, Value] = {name: item.default for name, item in self._capabilities.items()}
        self.is_gone = False

    @property
    def name(self) -> str:
        return "simulator"

    def capabilities(self) -> Mapping[Control, Capability]:
        """See ``contract.Imaging``."""
        return self._capabilities

    def read(self) -> dict[Control, Value]:
        """See ``contract.Imaging``."""
        if self.is_gone:
            raise unavailable("The simulated camera does not answer.", "Set is_gone to False.")
        return dict(self._values)

    def apply(self, values: Mapping[Control, Value]) -> dict[Control, Value]:
        """See ``contract.Imaging``."""
        checked = check(self._capabilities, values, self.read())
        self._values |= checked
        return checked

    def close(self) -> None:
        """See ``contract.Imaging``."""
