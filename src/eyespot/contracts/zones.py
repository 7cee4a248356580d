"""Zones and lines of a camera, as its owner drew them, told to services that were granted them. Schema version 1."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]


class Zone(BaseModel):
    """An area of the picture, or a tripwire."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str = Field(max_length=64)
    """What people call it; unique in its camera."""
    kind: Literal["zone", "line"]
    points: tuple[Point, ...] = Field(min_length=2, max_length=64)
    """Corners of a zone in order; where a line begins and ends. Fractions of the upright picture, x then y."""


class ZonesMessage(BaseModel):
    """All zones and lines of one camera; each message replaces the one before."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: Literal[1] = 1
    camera: str = Field(max_length=64)
    zones: tuple[Zone, ...] = Field(default=(), max_length=128)
