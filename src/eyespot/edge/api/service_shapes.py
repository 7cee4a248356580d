"""What the API says of services, and takes for them; docs/design/api.md says what each field means."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from eyespot.contracts.service import Control, Host, PolicyClass
from eyespot.contracts.view import Form
from eyespot.edge.api.shapes import Taken
from eyespot.edge.services.asked import Key, Part
from eyespot.edge.services.granted import Granted

ServiceName = Annotated[str, Field(min_length=1, max_length=32)]


class ServiceBrief(BaseModel):
    """An installed service at a glance."""

    name: str
    version: str
    title: str
    summary: str
    vendor: str
    host: Host | None
    cameras: list[str]
    enabled: bool
    state: str
    why: str
    fault: str
    """Why its folder cannot be read; empty when it can."""


class ServicesAnswer(BaseModel):
    """All installed services."""

    services: list[ServiceBrief]


class ViewAnswer(BaseModel):
    """A view that a service was granted."""

    name: str
    camera: str
    form: Form
    has_pixels: bool
    words: str


class MomentAnswer(BaseModel):
    """A state that a service came into."""

    wall_ns: int
    state: str
    why: str


class LiveState(BaseModel):
    """What a service says of itself for people to look at."""

    wall_ns: int
    values: dict[str, Any]


class WishAnswer(BaseModel):
    """One thing that a service asks for: `value` of `key` in `granted`."""

    key: Key
    value: str
    part: Part
    words: str
    granted: bool
    """Of a package that waits: whether a version after the one that is installed is granted it by itself."""


class ServiceAnswer(ServiceBrief):
    """One installed service."""

    see: list[str]
    """What it can see, in plain sentences."""
    use: list[str]
    """What it can use."""
    send: list[str]
    """What it can send, and where to."""
    views: list[ViewAnswer]
    policy: list[PolicyClass]
    granted: Granted
    wishes: list[WishAnswer]
    """Everything that it asks for, granted or not."""
    image: str | None
    """Digest of the OCI image that it is, as a registry names it; null for a folder or a package."""
    needs_camera: bool
    controls: list[Control]
    config_schema: dict[str, Any]
    state_schema: dict[str, Any]
    way_back: str | None
    """The version to go back to."""
    states: list[MomentAnswer]
    """The last states, oldest first."""
    health: dict[str, Any]
    """Counters and breaches of its budget, as the services process says; empty when it does not run."""
    live: LiveState | None


class ServiceNews(BaseModel):
    """Over the WebSocket: how a service is now, all of it."""

    type: Literal["service"] = "service"
    service: ServiceAnswer


class LiveNews(BaseModel):
    """Over the WebSocket: what a service has just said of itself."""

    type: Literal["live"] = "live"
    live: LiveState


class ServiceEnabled(Taken):
    """Whether a service shall run; said again, it is started once more."""

    enabled: bool


class ServiceSettings(BaseModel):
    """A service's settings and what they may be."""

    settings: dict[str, Any]
    """What the owner set; secrets as stars."""
    in_force: dict[str, Any]
    """With defaults."""
    config_schema: dict[str, Any]


class ServiceSettingsChange(Taken):
    """All settings of a service; secrets that are still stars stay what they were."""

    settings: dict[str, Any] = Field(max_length=256)


class ServiceLog(BaseModel):
    """The newest lines that a service wrote."""

    lines: list[str]


class ControlRequest(Taken):
    """What is sent along with a control's request."""

    input: dict[str, Any] = Field(default_factory=dict, max_length=256)


class ControlAnswer(BaseModel):
    """What the service answered."""

    answer: Any


class UploadAnswer(BaseModel):
    """A package that waits for its owner's consent."""

    id: str
    sha256: str
    expires_ns: int
    name: str
    version: str
    title: str
    summary: str
    vendor: str
    host: Host
    policy: list[PolicyClass]
    forbidden: str
    """Why it will be refused; empty when it will not."""
    installed: str | None
    """The version that is installed now."""
    needs_camera: bool
    camera: str
    """The camera that the words speak of; empty: none was chosen."""
    wishes: list[WishAnswer]
    use: list[str]
    """What it uses of the machine."""
    granted: Granted
    """What a version after the one that is installed is granted by itself."""
    views: list[ViewAnswer]
    config_schema: dict[str, Any]


class BuiltInAnswer(BaseModel):
    """A service that came with the camera."""

    name: str
    version: str
    title: str
    summary: str
    installed: str | None
    """The version that is installed under its name; null when none is."""


class BuiltInsAnswer(BaseModel):
    """All services that came with the camera."""

    services: list[BuiltInAnswer]


class GrantRequest(Taken):
    """The owner's consent."""

    granted: Granted
