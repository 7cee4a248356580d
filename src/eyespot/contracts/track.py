"""Tracked objects of one frame: in-process form and bus document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TrackState = Literal["active", "occluded", "stationary"]


class Track(BaseModel):
    """One object followed over time, as seen at ``capture_ns`` of its message."""

    model_config = ConfigDict(frozen=True)

    id: int = Field(ge=1)
    """Unique within one camera and one run of its vision process."""
    label: str
    score: float = Field(ge=0, le=1)
    box: tuple[float, float, float, float]
    """``x1 y1 x2 y2`` in fractions of the picture."""
    velocity: tuple[float, float] = (0.0, 0.0)
    """Fractions of the picture's width and height per second."""
    state: TrackState = "active"
    age_s: float = 0.0
    zones: tuple[str, ...] = ()


class TracksMessage(BaseModel):
    """All live tracks of one camera at one moment; published at the detection rate."""

    model_config = ConfigDict(frozen=True)

    v: Literal[1] = 1
    camera: str
    capture_ns: int
    wall_ns: int
    moving: bool = True
    """False while the picture is still and detection rests."""
    aspect: float = Field(default=1.0, gt=0)
    """Width of the picture divided by its height: lengths across times this are in heights of the picture."""
    tracks: tuple[Track, ...] = ()
