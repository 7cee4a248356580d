"""`[camera.imaging]` in the host's configuration: the controls of ``hal.imaging.contract`` by their own names."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from eyespot.hal.imaging.contract import MODE_OF, Control, Value
from eyespot.kernel.config import Settings

Mode = Literal["auto", "manual"]
Share = Annotated[float, Field(ge=0, le=1)]
ColourGain = Annotated[float, Field(ge=0, le=100)]
DeviceNumber = Annotated[float, Field(ge=-1e9, le=1e9)]
"""In a unit that the device's maker alone may know; the device itself says what it takes."""


class ImagingSettings(Settings):
    """Imaging of a local camera (/dev/video*, libcamera:). What is left out stays as it is."""

    exposure_mode: Mode | None = None
    """auto, or manual: `exposure` and `gain` hold."""
    exposure: float | None = Field(default=None, gt=0, le=60)
    """Seconds that each picture is exposed; needs exposure_mode manual."""
    gain: DeviceNumber | None = None
    """Amplification, in dB or the device's own unit; needs exposure_mode manual."""
    exposure_compensation: float | None = Field(default=None, ge=-10, le=10)
    """Stops that automatic exposure aims above (or, negative, below) its usual brightness."""
    white_balance_mode: Mode | None = None
    """auto, or manual: `white_balance`, or `red_gain` and `blue_gain`, hold."""
    white_balance: float | None = Field(default=None, ge=1000, le=20_000)
    """Colour temperature of the light in kelvin; needs white_balance_mode manual."""
    red_gain: ColourGain | None = None
    """What red is multiplied by (libcamera), in place of `white_balance`; needs white_balance_mode manual."""
    blue_gain: ColourGain | None = None
    """What blue is multiplied by, likewise."""
    focus_mode: Mode | None = None
    """auto, or manual: `focus` holds."""
    focus: DeviceNumber | None = None
    """Distance of sharpness, in dioptres or the device's own unit; needs focus_mode manual."""
    day_night: Literal["auto", "day", "night"] | None = None
    """Infrared filter before the sensor: day, away: night."""
    wdr: Share | None = None
    """How much shadows are lifted, 0 to 1."""
    denoise: Share | None = None
    """How much noise is smoothed, 0 to 1."""
    sharpness: Share | None = None
    """How much edges are sharpened, 0 to 1."""
    brightness: Share | None = None
    """Added to every pixel, as a share of what the device can, 0 to 1."""
    contrast: Share | None = None
    """Contrast, as a share of what the device can, 0 to 1."""
    saturation: Share | None = None
    """Strength of colours, as a share of what the device can, 0 to 1."""
    flip_horizontal: bool | None = None
    """Left and right change places, in the device."""
    flip_vertical: bool | None = None
    """Top and bottom change places, in the device."""
    rotation: Literal["0", "90", "180", "270"] | None = None
    """Degrees clockwise that the device turns its picture."""
    mains: Literal["off", "50", "60"] | None = None
    """Hertz of the mains whose flicker the exposure avoids."""

    def values(self) -> dict[Control, Value]:
        """What is set, by control."""
        return {Control(name): value for name, value in self.model_dump(exclude_none=True).items()}

    @model_validator(mode="after")
    def _moved_by_nobody_else(self) -> "ImagingSettings":
        values = self.values()
        for control, mode in MODE_OF.items():
            if control in values and values.get(mode) == "auto":
                raise ValueError(f'{control.value} cannot be set with {mode.value} = "auto", set it to "manual"')
        if self.white_balance is not None and (self.red_gain, self.blue_gain) != (None, None):
            raise ValueError("white_balance cannot be set beside red_gain and blue_gain, leave out one or the others")
        return self
