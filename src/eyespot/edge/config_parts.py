"""The smaller parts of the host's configuration: streams, recording, detection, zones, storage and retention."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from eyespot.kernel.config import Settings
from eyespot.kernel.ids import is_slug

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
"""``x, y`` in fractions of the picture's width and height, from its upper left corner."""

Label = Annotated[str, Field(min_length=1, max_length=64)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
DEFAULT_LABELS = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "cat", "dog")


class StreamSettings(Settings):
    """One stream of a camera."""

    name: str = "main"
    """Short name: a-z, 0-9, - and _; for example main and small."""
    source: str = Field(min_length=1, max_length=2048)
    """rtsp:// or rtsps:// address, /dev/video*, a file, or synthetic:"""
    transport: Literal["tcp", "udp"] = "tcp"
    """How RTSP media travels."""
    audio: bool = False
    """Keep the sound, where the owner allows it."""
    pace: Literal["live", "fast"] = "live"
    """Files: as live, or as fast as can be."""
    loop: bool = True
    """Files: start again at the end."""
    stall_s: float = Field(default=10.0, gt=0, le=600)
    """Seconds of silence after which the stream is opened anew."""

    @model_validator(mode="after")
    def _named(self) -> "StreamSettings":
        if not is_slug(self.name):
            raise ValueError(f"stream name '{self.name[:80]}' may hold a-z, 0-9, - and _ only")
        return self


class RecordSettings(Settings):
    """What is recorded of a camera."""

    mode: Literal["off", "events", "continuous"] = "continuous"
    """off: nothing; events: around events only; continuous: everything."""
    pre_roll_s: float = Field(default=5.0, ge=0, le=60)
    """events: seconds kept from before an event."""
    post_roll_s: float = Field(default=10.0, ge=0, le=600)
    """events: seconds kept after an event."""


class DetectSettings(Settings):
    """What is looked for in a camera's picture."""

    enabled: bool = True
    """Off: the camera records and shows, but does not look."""
    package: str = "nanodet-g"
    """Model package that finds objects."""
    rate_hz: float = Field(default=5.0, gt=0, le=60)
    """Detections a second while something moves; less when the machine is short of time."""
    labels: tuple[Label, ...] = Field(default=DEFAULT_LABELS, max_length=256)
    """Classes that matter; empty: all that the model knows."""
    score: Fraction = 0.4
    """Least score at which a new object is believed."""


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

    @model_validator(mode="after")
    def _long_enough(self) -> "LineSettings":
        if self.a == self.b:
            raise ValueError(f"line '{self.name}' begins where it ends")
        return self


class StorageRoot(Settings):
    """One disk or folder that holds footage."""

    path: Path = Path("archive")
    """Folder; a relative one is below the state folder."""
    tier: Literal["hot", "cold"] = "hot"
    """hot: new footage lands here; cold: older footage is moved here."""
    max_bytes: int | None = Field(default=None, ge=1 << 20)
    """Most bytes of footage here, empty: as much as the free-space floor allows."""
    min_free_bytes: int = Field(default=2 << 30, ge=0)
    """Bytes of the disk that stay free: the oldest footage goes first."""


class StorageSettings(Settings):
    """Where footage is kept."""

    root: tuple[StorageRoot, ...] = Field(default=(StorageRoot(),), min_length=1, max_length=16)
    """The folders, hot ones first."""


class RetentionSettings(Settings):
    """How long things are kept, when there is room."""

    days: float = Field(default=14.0, gt=0, le=3650)
    """Days that footage is kept."""
    event_days: float = Field(default=30.0, gt=0, le=3650)
    """Days that footage with events, and the events themselves, are kept."""
