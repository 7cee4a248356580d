"""What services say on the bus: events, beats and live state, each as JSON with its version.

Subjects are in ``bus.subjects``. Whatever a service says is untrusted: bounded here, checked against its grants where
it is taken.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eyespot.contracts.service import MAX_NAME_CHARS, Slug

BEAT_EVERY_S = 2.0
MAX_DOCUMENT_BYTES = 32_768
"""Longest event, beat or state."""

WallNs = Annotated[int, Field(ge=0, lt=1 << 63)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, lt=1 << 63)]
EventId = Annotated[str, Field(pattern=r"^[0-9a-z]{26}$")]


class ServiceEvent(BaseModel):
    """What a service found: said when it starts, when more is known, and when it ends, always with the same id."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    id: EventId
    """The service's own id of the event, in the form of ``kernel.ids.new_id``."""
    kind: Slug
    """One of the manifest's ``emit``."""
    camera: Annotated[str, Field(min_length=1, max_length=64)]
    """Where; one of the service's cameras."""
    start_wall_ns: WallNs
    end_wall_ns: WallNs | None = None
    """None while it lasts; equal to the start for a moment."""
    zone: str = Field(default="", max_length=64)
    score: Fraction = 1.0
    best_wall_ns: WallNs | None = None
    best_box: tuple[Fraction, Fraction, Fraction, Fraction] | None = None
    """``x1 y1 x2 y2`` in fractions of the picture, as every box."""
    track: Annotated[int, Field(ge=1, lt=1 << 63)] | None = None
    detail: dict[str, Any] = Field(default_factory=dict, max_length=32)
    """Values of the service's own."""

    @model_validator(mode="after")
    def _in_order(self) -> "ServiceEvent":
        if self.end_wall_ns is not None and self.end_wall_ns < self.start_wall_ns:
            raise ValueError("it ends before it starts")
        return self


class Beat(BaseModel):
    """A service is alive: said every ``BEAT_EVERY_S`` seconds, from its own loop, so that a stuck one falls silent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    version: str = Field(max_length=64)
    uptime_s: float = Field(ge=0)
    frames: dict[Slug, Count] = Field(default_factory=dict, max_length=8)
    """Frames handled since the start, by the name of the view; a view that is left out is not watched."""
    events: Count = 0
    """Events said since the start."""
    errors: Count = 0
    """Defects in the service's own handlers that were survived."""
    busy_s: float = Field(default=0.0, ge=0)
    """How long the handler that runs now has been running; 0 when none does."""
    note: str = Field(default="", max_length=200)
    """How it is, in its own words."""


class ServiceState(BaseModel):
    """Live state of a service, for people to look at; each replaces the one before."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    wall_ns: WallNs
    values: dict[Annotated[str, Field(max_length=64)], Any] = Field(default_factory=dict, max_length=64)


def stored_id(service: str, event_id: str) -> str:
    """The id under which an event of ``service`` is stored: no service can replace an event that is not its own."""
    return f"{event_id}-{service[:MAX_NAME_CHARS]}"
