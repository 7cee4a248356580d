"""``service.json``: what a service is told when it starts. Written by whoever starts it, read by the SDK."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from eyespot.contracts.service import Readable, Slug
from eyespot.contracts.zones import ZonesMessage

START_FILE = "service.json"


class ServiceStart(BaseModel):
    """One start of one service."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    name: Slug
    version: str = Field(max_length=64)
    instance: str = Field(min_length=1, max_length=64)
    """Unique among all that are running."""
    cameras: tuple[str, ...] = Field(default=(), max_length=256)
    """Ids of the cameras it was granted."""
    read: tuple[Readable, ...] | None = None
    """What it was granted to listen to; None: all that its manifest asks for."""
    outputs: tuple[Slug, ...] = Field(default=(), max_length=16)
    """Outputs it was granted."""
    zones: tuple[ZonesMessage, ...] = Field(default=(), max_length=256)
    """Zones and lines of its cameras as they were at the start, where it was granted them."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """As they were at the start, with defaults."""
