"""The smaller parts of the host's configuration: streams, the view, detection, zones and storage.

Zones and lines are told here again rather than taken from `vision.zones`, so that reading the configuration needs no
numpy: the supervisor and the media process stay small. A test holds the two equal.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from eyespot.contracts.lens import MAX_CORNERS, LensGeometry, Orientation
from eyespot.contracts.output import OutputName, PulseSeconds
from eyespot.contracts.service import PolicyClass
from eyespot.hal.sensors.chooser import can_pin
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.config import Settings
from eyespot.kernel.ids import is_slug
from eyespot.record.settings import RootSettings

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
"""``x, y`` in fractions of the picture's width and height, from its upper left corner."""

MAX_AREA_OUTPUTS = 8
OutputNames = Annotated[tuple[OutputName, ...], Field(max_length=MAX_AREA_OUTPUTS)]

Coefficient = Annotated[float, Field(ge=-100, le=100)]
Label = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
DEFAULT_LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "cat", "dog")


class StreamSettings(SensorSettings):
    """One stream of a camera."""

    name: str = "main"
    """Short name: a-z, 0-9, - and _; for example main and small."""
    source: str = Field(min_length=1, max_length=2048)
    """rtsp:// or rtsps:// address, /dev/video*, libcamera:0, a file, or synthetic:"""

    @model_validator(mode="after")
    def _named(self) -> "StreamSettings":
        if not is_slug(self.name):
            raise ValueError(f"stream name '{self.name[:80]}' may hold a-z, 0-9, - and _ only")
        if self.fingerprint and not can_pin(self.source, self.transport):
            raise ValueError('fingerprint pins the certificate of an rtsps:// source with transport = "tcp", no other')
        return self


class OrientationSettings(Settings):
    """How pictures are made upright: flipped first, then turned. Costs decoding and encoding of every stream."""

    flip_horizontal: bool = False
    """Left and right change places."""
    flip_vertical: bool = False
    """Top and bottom change places."""
    degrees: Literal[0, 90, 180, 270] = 0
    """Clockwise turn."""

    @property
    def orientation(self) -> Orientation:
        """As the streams announce it."""
        return Orientation(self.flip_horizontal, self.flip_vertical, self.degrees)


class LensSettings(Settings):
    """What the lens does to the picture. Fisheye pictures are straightened before objects are looked for."""

    model: Literal["unknown", "perspective", "equidistant", "polynomial"] = "unknown"
    """unknown and perspective: seen as they are; equidistant and polynomial (OpenCV's fisheye model): straightened."""
    focal_x: float = Field(default=0.32, ge=0.01, le=100)
    """Focal length in widths of the upright picture; equidistant: the circle's width / its field of view in radians."""
    focal_y: float = Field(default=0.32, ge=0.01, le=100)
    """Focal length in heights of the upright picture."""
    centre_x: float = Field(default=0.5, ge=-1, le=2)
    """Where the lens's axis meets the upright picture, in widths from the left."""
    centre_y: float = Field(default=0.5, ge=-1, le=2)
    """Where the lens's axis meets the upright picture, in heights from the top."""
    k: tuple[Coefficient, Coefficient, Coefficient, Coefficient] = (0.0, 0.0, 0.0, 0.0)
    """k1 to k4 of the polynomial model."""
    max_degrees: float = Field(default=90.0, gt=0, le=180)
    """Angle off the axis beyond which the lens shows nothing; half its field of view."""

    @property
    def geometry(self) -> LensGeometry | None:
        """As the streams announce it; None when nothing is known."""
        if self.model == "unknown":
            return None
        return LensGeometry(
            self.model, self.focal_x, self.focal_y, self.centre_x, self.centre_y, self.k, self.max_degrees
        )


class MaskSettings(Settings):
    """A part of the picture that nobody may see: black before anything is recorded, shown or looked at."""

    name: Name
    """What people call it; unique in its camera."""
    points: tuple[Point, ...] = Field(min_length=3, max_length=MAX_CORNERS)
    """Corners in order, as fractions of the upright picture."""


class DetectSettings(Settings):
    """What is looked for in a camera's picture."""

    enabled: bool = True
    """Off: the camera records and shows, but does not look."""
    package: str = "nanodet-g"
    """Model package that finds objects."""
    rate_hz: float = Field(default=5.0, gt=0, le=60)
    """Detections a second while something moves; less when the machine is short of time."""
    schedule: Literal["steady", "adaptive"] = "steady"
    """steady: at that rate; adaptive: at that rate for what is new or in doubt, at half of it for what is known."""
    priority: int = Field(default=0, ge=-100, le=100)
    """Where not all detections fit, cameras of a higher priority keep theirs; equal ones give up the same part."""
    labels: tuple[Label, ...] = Field(default=DEFAULT_LABELS, max_length=256)
    """Classes that matter; empty: all that the model knows."""
    score: Fraction = 0.55
    """Least score at which a new object is believed."""
    regions: int = Field(default=1, ge=0, le=4)
    """Closer looks at far objects for each detection, while there is time; 0: the whole picture alone."""


class ServicesSettings(Settings):
    """Functions that are published to this camera, see `eyespot services`."""

    forbid: tuple[PolicyClass, ...] = Field(default=(), max_length=4)
    """Classes of services that may not run here, whoever installs them: biometric, workplace, minors, audio."""
    network_kb_per_s: float | None = Field(default=None, ge=1, le=1_000_000)
    """Kilobytes (2^10 bytes) a second that each service may send and receive over the network, empty: no bound."""
    disk_mb_per_s: float = Field(default=16.0, ge=0.1, le=1000)
    """Megabytes (2^20 bytes) a second that each service may write to disk at most, however much it asks for."""


class ZoneSettings(Settings):
    """An area of the picture."""

    name: Name
    """What people call it; unique in its camera."""
    points: tuple[Point, ...] = Field(min_length=3, max_length=64)
    """Corners in order, as fractions of the picture."""
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    """Classes that count here, empty: all that are looked for."""
    loiter_s: float | None = Field(default=None, gt=0, le=86_400)
    """Seconds of presence that make a loiter event, empty: none."""
    max_objects: int | None = Field(default=None, ge=0, le=1000)
    """More objects than this make an occupancy event, empty: none."""
    outputs: OutputNames = ()
    """Outputs of this host that an event of the zone pulses."""
    pulse_s: PulseSeconds | None = None
    """Seconds that they are pulsed, empty: as each output says."""
    pulse_on: Literal["zone", "loiter", "occupancy"] = "zone"
    """Which event pulses them: somebody is in the zone, stays too long, or there are too many."""

    @model_validator(mode="after")
    def _can_pulse(self) -> "ZoneSettings":
        if self.outputs and self.pulse_on == "loiter" and self.loiter_s is None:
            raise ValueError(f"zone '{self.name}': pulse_on = \"loiter\" needs loiter_s")
        if self.outputs and self.pulse_on == "occupancy" and self.max_objects is None:
            raise ValueError(f"zone '{self.name}': pulse_on = \"occupancy\" needs max_objects")
        return self


class LineSettings(Settings):
    """A tripwire. *In* is crossing from the left of a→b to its right."""

    name: Name
    """What people call it; unique in its camera."""
    a: Point
    """Where it begins."""
    b: Point
    """Where it ends."""
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    """Classes that count here, empty: all that are looked for."""
    outputs: OutputNames = ()
    """Outputs of this host that a crossing pulses."""
    pulse_s: PulseSeconds | None = None
    """Seconds that they are pulsed, empty: as each output says."""

    @model_validator(mode="after")
    def _long_enough(self) -> "LineSettings":
        if self.a == self.b:
            raise ValueError(f"line '{self.name}' begins where it ends")
        return self


class StorageRoot(RootSettings):
    """One disk or folder that holds footage."""

    path: Path = Path("archive")
    """Folder; a relative one is below the state folder."""


class StorageSettings(Settings):
    """Where footage is kept."""

    root: tuple[StorageRoot, ...] = Field(default=(StorageRoot(),), min_length=1, max_length=16)
    """The disks in the order in which they are filled."""
    cold_after_hours: float = Field(default=24.0, ge=0)
    """Footage older than this moves from hot to cold disks."""

    @model_validator(mode="after")
    def _needs_a_hot_root(self) -> "StorageSettings":
        if not any(root.tier == "hot" for root in self.root):
            raise ValueError("at least one root must be hot")
        return self
