"""Something worth a person's attention, with a start, an end and evidence. Schema version 1."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SceneKind = Literal["object", "zone", "loiter", "line", "occupancy"]
"""What happens in the scene: an object's whole visit; presence in a zone; dwelling too long; a tripwire crossed;
more (or fewer) objects in a zone than allowed."""

HealthKind = Literal["blind", "covered", "moved", "frozen", "blurred", "signal-lost", "storage", "process", "clock"]
"""What happens to the camera itself."""

ServiceKind = Literal["service"]
"""What a service found; ``label`` is ``<service>.<kind>``."""

EventKind = SceneKind | HealthKind | ServiceKind
EVENT_KINDS: tuple[str, ...] = (
    "object", "zone", "loiter", "line", "occupancy",
    "blind", "covered", "moved", "frozen", "blurred", "signal-lost", "storage", "process", "clock",
    "service",
)  # fmt: skip


class PathPoint(BaseModel):
    """Where the object's box was at a moment."""

    model_config = ConfigDict(frozen=True)

    wall_ns: int
    box: tuple[float, float, float, float]
    """``x1 y1 x2 y2`` in fractions of the picture."""


class Event(BaseModel):
    """One event. It is stored and published when it starts, when its evidence improves, and when it ends."""

    model_config = ConfigDict(frozen=True)

    v: Literal[1] = 1
    id: str
    camera: str
    kind: EventKind
    label: str = ""
    """Object class, empty for health events; ``<service>.<kind>`` for events of services."""
    zone: str = ""
    """Zone or tripwire name, empty when none."""
    start_wall_ns: int
    end_wall_ns: int | None = None
    """None while it lasts."""
    score: float = Field(default=1.0, ge=0, le=1)
    """Best detection score seen, 0 to 1."""
    best_wall_ns: int | None = None
    """Moment of the best frame."""
    best_box: tuple[float, float, float, float] | None = None
    """Where the object was in it, ``x1 y1 x2 y2`` in fractions of the picture."""
    picture: str = ""
    """Path of the best frame's JPEG below the media folder, empty when there is none."""
    track: int | None = None
    path: tuple[PathPoint, ...] = Field(default=(), max_length=512)
    """The object's way through the picture, thinned to at most 512 points."""
    records: bool = False
    """Of a service that was granted it: the event starts a recording and keeps its footage longer."""
    detail: dict[str, Any] = Field(default_factory=dict)
    """Kind-specific values, for example ``{"direction": "in", "count_in": 3}`` or ``{"dwell_s": 12.5}``."""
