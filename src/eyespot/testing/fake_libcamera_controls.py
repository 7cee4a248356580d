"""The controls of ``fake_libcamera``: libcamera's own names and members, and what a Raspberry Pi's camera offers."""

from dataclasses import dataclass
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Any

PLAIN = (
    "AeEnable", "ExposureValue", "ExposureTime", "AnalogueGain", "AeFlickerPeriod", "Brightness", "Contrast",
    "AwbEnable", "ColourGains", "ColourTemperature", "Saturation", "Sharpness", "FrameDurationLimits", "LensPosition",
)  # fmt: skip
ENUMS = {
    "ExposureTimeMode": ("Auto", "Manual"),
    "AnalogueGainMode": ("Auto", "Manual"),
    "AeFlickerMode": ("Off", "Manual", "Auto"),
    "AfMode": ("Manual", "Auto", "Continuous"),
    "AfTrigger": ("Start", "Cancel"),
    "HdrMode": ("Off", "MultiExposureUnmerged", "MultiExposure", "SingleExposure", "Night"),
}
DRAFTS = {"NoiseReductionMode": ("Off", "Fast", "HighQuality", "Minimal", "ZSL")}
"""Controls with members, numbered from 0 in this order."""


class CameraConfigurationStatus(Enum):
    """As the binding's."""

    Valid = 0
    Adjusted = 1
    Invalid = 2


@dataclass(frozen=True)
class ControlId:
    """As the binding's, of which the name alone matters here."""

    name: str


@dataclass(frozen=True)
class ControlInfo:
    """As the binding's."""

    min: Any
    max: Any
    default: Any
    values: tuple[Any, ...] = ()


def _controls() -> SimpleNamespace:
    made, draft = SimpleNamespace(), SimpleNamespace()
    for name in PLAIN:
        setattr(made, name, ControlId(name))
    for home, enums in ((made, ENUMS), (draft, DRAFTS)):
        for name, members in enums.items():
            setattr(home, name, ControlId(name))
            setattr(home, f"{name}Enum", IntEnum(f"{name}Enum", members, start=0))
    made.draft = draft
    return made


CONTROLS = _controls()


def raspberry_pi() -> dict[ControlId, ControlInfo]:
    """What the pipeline of a Raspberry Pi with autofocus offers, as of libcamera 0.5 and later."""
    modes = ControlInfo(0, 1, 0, (0, 1))
    offered = {
        "AeEnable": ControlInfo(False, True, True, (False, True)),
        "ExposureTimeMode": modes,
        "AnalogueGainMode": modes,
        "ExposureTime": ControlInfo(0, 66_666, 20_000),
        "AnalogueGain": ControlInfo(1.0, 16.0, 1.0),
        "ExposureValue": ControlInfo(-8.0, 8.0, 0.0),
        "AeFlickerMode": ControlInfo(0, 1, 0, (0, 1)),
        "AeFlickerPeriod": ControlInfo(100, 1_000_000, None),
        "AwbEnable": ControlInfo(False, True, None),
        "ColourGains": ControlInfo(0.0, 32.0, None),
        "ColourTemperature": ControlInfo(100, 100_000, None),
        "Brightness": ControlInfo(-1.0, 1.0, 0.0),
        "Contrast": ControlInfo(0.0, 32.0, 1.0),
        "Saturation": ControlInfo(0.0, 32.0, 1.0),
        "Sharpness": ControlInfo(0.0, 16.0, 1.0),
        "AfMode": ControlInfo(0, 2, 0, (0, 1, 2)),
        "AfTrigger": ControlInfo(0, 1, 0, (0, 1)),
        "LensPosition": ControlInfo(0.0, 32.0, 1.0),
        "HdrMode": ControlInfo(0, 4, 0, (0, 1, 2, 3, 4)),
        "FrameDurationLimits": ControlInfo(33_333, 120_000, 33_333),
    }
    found = {getattr(CONTROLS, name): info for name, info in offered.items()}
    found[CONTROLS.draft.NoiseReductionMode] = ControlInfo(0, 4, 0, (0, 1, 2, 3, 4))
    return found
