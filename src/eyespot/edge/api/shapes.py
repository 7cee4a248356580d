"""What the API takes and gives, as typed models; docs/design/api.md says what each field means."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from eyespot.contracts.event import Event
from eyespot.contracts.lens import MAX_MASKS
from eyespot.contracts.output import PulseSeconds
from eyespot.contracts.status import StatusMessage
from eyespot.edge.api.store_accounts import Role
from eyespot.edge.config_parts import LineSettings, MaskSettings, ZoneSettings

MAX_WALL_NS = (1 << 63) - 1

WallNs = Annotated[int, Field(ge=0, le=MAX_WALL_NS)]
Username = Annotated[str, Field(min_length=1, max_length=64)]
Password = Annotated[str, Field(min_length=1, max_length=256)]
CameraId = Annotated[str, Field(min_length=1, max_length=64)]
Title = Annotated[str, Field(min_length=1, max_length=64)]


class Taken(BaseModel):
    """What a caller sends: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Health(BaseModel):
    """The process answers."""

    ok: Literal[True] = True


class SetupState(BaseModel):
    """Whether the first account is still to be made."""

    needed: bool


class SetupRequest(Taken):
    """The first account."""

    token: str = Field(min_length=1, max_length=128)
    username: Username = Field(examples=["owner"])
    password: Password


class SignIn(Taken):
    """Credentials of an account."""

    username: Username = Field(examples=["owner"])
    password: Password


class SessionUser(BaseModel):
    """Who is signed in."""

    name: str
    role: Role
    cameras: list[str] | None = None
    """Cameras it may see; null: all."""


class SessionAnswer(BaseModel):
    """A live session. ``csrf`` goes into the ``X-CSRF-Token`` header of every request that changes something."""

    user: SessionUser
    csrf: str | None
    """Null for bearer tokens, which need none."""


class PasswordChange(Taken):
    """Change of one's own password."""

    current: Password
    new: Password


class NewUser(Taken):
    """A further account."""

    name: Username = Field(examples=["guest"])
    password: Password
    role: Role = "viewer"
    cameras: list[CameraId] | None = Field(default=None, max_length=256)
    """Cameras it may see; null: all."""


class UserChange(Taken):
    """New rights, and with ``password`` a new password, of an account."""

    role: Role
    cameras: list[CameraId] | None = Field(default=None, max_length=256)
    password: Password | None = None


class UserAnswer(BaseModel):
    """An account."""

    name: str
    role: Role
    cameras: list[str] | None
    created_ns: int


class UsersAnswer(BaseModel):
    """All accounts."""

    users: list[UserAnswer]


class NewToken(Taken):
    """A bearer token for a program; it never has more rights than the account that makes it."""

    name: Title = Field(examples=["doorbell script"])
    role: Role | None = None
    """Null: the account's own role."""


class TokenAnswer(BaseModel):
    """A bearer token without its secret."""

    id: str
    name: str
    role: Role
    created_ns: int
    last_used_ns: int | None


class MadeToken(TokenAnswer):
    """A new bearer token with its secret, which is shown this once."""

    token: str


class TokensAnswer(BaseModel):
    """The caller's tokens."""

    tokens: list[TokenAnswer]


CameraState = Literal["live", "connecting", "stalled", "backoff", "failed", "off"]


class StreamAnswer(BaseModel):
    """One stream of a camera; null where not known yet."""

    name: str
    codec: str | None = None
    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = None
    bitrate_bps: float | None = None


class RecordingAnswer(BaseModel):
    """What is recorded."""

    mode: str
    state: str
    bytes: int
    oldest_ns: int | None


class VisionAnswer(BaseModel):
    """What is seen."""

    state: str
    rate_hz: float
    moving: bool
    tracks: int
    latency_ms: float | None


class ImagingAnswer(BaseModel):
    """What became of a local device's imaging settings."""

    set: dict[str, Any] = {}
    """In force, as the device rounded it, by control."""
    refused: dict[str, str] = {}
    """Why not, by control; under `device` when the device itself does not answer."""


class CameraAnswer(BaseModel):
    """One camera."""

    id: str
    name: str
    enabled: bool
    state: CameraState
    error: str
    streams: list[StreamAnswer]
    live_stream: str
    """Stream that the live view plays when none is named."""
    recording: RecordingAnswer
    vision: VisionAnswer
    labels: list[str]
    imaging: dict[str, ImagingAnswer] = {}
    """By device; empty when the config sets nothing."""


class CamerasAnswer(BaseModel):
    """The cameras that the caller may see."""

    cameras: list[CameraAnswer]


class Span(BaseModel):
    """A stretch of wall time with footage."""

    from_ns: int
    to_ns: int


class EventMark(BaseModel):
    """An event on the timeline."""

    id: str
    kind: str
    label: str
    start_ns: int
    end_ns: int | None


class TimelineAnswer(BaseModel):
    """What there is between two moments; at most 2,000 of each, the newest."""

    coverage: list[Span]
    events: list[EventMark]


class RulesDocument(Taken):
    """Zones, lines and privacy masks of a camera."""

    zones: list[ZoneSettings] = Field(default=[], max_length=64)
    lines: list[LineSettings] = Field(default=[], max_length=64)
    masks: list[MaskSettings] | None = Field(default=None, max_length=MAX_MASKS)
    """Null or left out when sent: they stay as they are, so that a client that knows none uncovers nothing."""


class OutputSwitch(Taken):
    """What an output is to be."""

    on: bool


class OutputPulse(Taken):
    """How long an output leaves its rest state."""

    seconds: PulseSeconds | None = None
    """Null: as the output's settings say."""


class EventsAnswer(BaseModel):
    """A page of events, newest first; ``next`` goes into ``before`` for the page after it."""

    events: list[Event]
    next: str | None


class ProcessAnswer(StatusMessage):
    """The latest report of a process."""

    fresh: bool
    """False when it has not reported for half a minute."""


class StorageAnswer(BaseModel):
    """Disk space of the folders that hold footage."""

    roots: list[dict[str, Any]]


class DoctorNote(BaseModel):
    """Something that should be looked at."""

    what: str
    todo: str


class StatusAnswer(BaseModel):
    """How the host is."""

    host: str
    version: str
    uptime_s: float
    processes: list[ProcessAnswer]
    storage: StorageAnswer
    cameras: dict[str, CameraAnswer]
    doctor: list[DoctorNote]


class ConfigAnswer(BaseModel):
    """The config document, secrets masked, and what a change must be based on."""

    document: dict[str, Any]
    etag: str
    restart: list[str] = []
    """Keys whose values take effect only after a restart of the host, such as `web.port`; all else is in force."""


class ConfigChange(Taken):
    """A whole new config document."""

    document: dict[str, Any]
    etag: str = Field(min_length=1, max_length=128)
