"""Who of the services may join the bus, as the services process asks it of the supervisor, which owns the server."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from eyespot.contracts.service import Readable, Slug

MAX_SERVICES = 64

CameraId = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?$")]


class ServiceUser(BaseModel):
    """One service's place on the bus; what it may say and hear follows from this alone (``bus.access``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Slug
    public_key: str = Field(pattern=r"^U[A-Z2-7]{55}$")
    """Its NKey; the secret half stays in the memory of the services process."""
    cameras: tuple[CameraId, ...] = Field(default=(), max_length=256)
    read: tuple[Readable, ...] = Field(default=(), max_length=3)
    ask: tuple[Slug, ...] = Field(default=(), max_length=16)
    """Services whose requests it may send."""
    outputs: tuple[Slug, ...] = Field(default=(), max_length=16)
    """Outputs that it may switch."""


class ServiceUsers(BaseModel):
    """All of them: who is not named is no longer let in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1
    users: tuple[ServiceUser, ...] = Field(default=(), max_length=MAX_SERVICES)
