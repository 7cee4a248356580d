"""A service's manifest, ``service.toml``: what it is, what it wants to see, use and send. Schema version 1.

Shapes and bounds alone. What of it is granted is decided by ``edge.services``; the folder's life is there too.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from eyespot.contracts.destination import parse_destination
from eyespot.contracts.settings_schema import check_schema
from eyespot.contracts.view import NamedView
from eyespot.kernel.config import Settings, load_toml, validate
from eyespot.kernel.errors import EyespotError, invalid
from eyespot.kernel.ids import is_slug

MANIFEST_FILE = "service.toml"
MAX_NAME_CHARS = 32
OUTPUT_EVENT = "output"
"""Kind of the event that the host makes of every switch of an output by a service; none may make it itself."""
RESERVED = "eyespot-"
"""Names that begin so belong to the host's own processes on the bus."""

_VERSION = r"^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})(-[0-9A-Za-z.-]{1,32})?$"
_PYTHON = r"^[A-Za-z_]\w{0,63}(\.[A-Za-z_]\w{0,63}){0,7}:[A-Za-z_]\w{0,63}$"

Host = Literal["inline", "process", "container"]
"""Where a service runs, from the least to the most confined."""
Readable = Literal["tracks", "events", "zones"]
PolicyClass = Literal["biometric", "workplace", "minors", "audio"]
"""What the owner or the site can forbid altogether."""


def _slug(text: str) -> str:
    if not is_slug(text) or len(text) > MAX_NAME_CHARS:
        raise ValueError(f"'{text[:40]}' is not a name: 1 to {MAX_NAME_CHARS} of a-z, 0-9, - and _, ends alphanumeric")
    return text


def _destination(text: str) -> str:
    try:
        return str(parse_destination(text))
    except EyespotError as error:
        raise ValueError(str(error)) from error


Slug = Annotated[str, AfterValidator(_slug)]
Destination = Annotated[str, AfterValidator(_destination)]
Text = Annotated[str, Field(max_length=300)]
Word = Annotated[str, Field(min_length=1, max_length=1024)]


class About(Settings):
    """What the service is and how it starts."""

    name: Slug
    """Unique on a camera; a-z, 0-9, - and _."""
    version: str = Field(pattern=_VERSION)
    """Three numbers, for example 1.0.0."""
    title: str = Field(min_length=1, max_length=100)
    """What people call it."""
    summary: Text = ""
    """What it does, in a sentence."""
    vendor: str = Field(default="", max_length=100)
    """Who made it."""
    host: Host = "process"
    """What it is made for; the owner may choose a stricter one."""
    python: str = Field(default="", max_length=400)
    """``module:Class`` for the SDK, or nothing where there is a command."""
    command: tuple[Word, ...] = Field(default=(), max_length=32)
    """What to start in its folder, where it is not written for the SDK."""

    @model_validator(mode="after")
    def _startable(self) -> "About":
        if self.name.startswith(RESERVED):
            raise ValueError(f"names that begin with '{RESERVED}' belong to the host itself, choose another")
        if bool(self.python) == bool(self.command):
            raise ValueError('say either python = "module:Class" or command = [...]')
        if self.python and re.fullmatch(_PYTHON, self.python) is None:
            raise ValueError('python has the form "module:Class"')
        if self.host == "inline" and not self.python:
            raise ValueError('host = "inline" needs python = "module:Class"')
        return self


class ModelWish(Settings):
    """A model package it wants to run."""

    package: Slug
    """Name of the package."""
    rate_hz: float = Field(default=1.0, gt=0, le=240)
    """Inferences a second that it needs."""


class Permissions(Settings):
    """What it asks for beyond its views; the owner grants all of it, a part, or nothing."""

    read: tuple[Readable, ...] = Field(default=(), max_length=3)
    """What it may listen to, for its cameras."""
    emit: tuple[Slug, ...] = Field(default=(), max_length=32)
    """Kinds of event it may make: published as ``<service>.<kind>``."""
    record: tuple[Slug, ...] = Field(default=(), max_length=32)
    """Kinds of event, of those in ``emit``, that start a recording and keep their footage longer."""
    ask: tuple[Slug, ...] = Field(default=(), max_length=16)
    """Services whose requests it may send."""
    outputs: tuple[Slug, ...] = Field(default=(), max_length=16)
    """Outputs it may switch."""
    network: tuple[Destination, ...] = Field(default=(), max_length=16)
    """``host:port`` it may reach, through the logging proxy."""
    policy: tuple[PolicyClass, ...] = Field(default=(), max_length=4)
    """What it is, in classes that the owner or the site can forbid."""


class Control(Settings):
    """A request that the service answers and that its owner finds as a control on its page."""

    verb: Slug
    """Sent as ``eyespot.service.<name>.request.<verb>``."""
    title: str = Field(min_length=1, max_length=100)
    """What the control is called."""
    description: Text = ""
    """What it does, in a sentence."""
    confirm: bool = False
    """Ask whether it is meant before it is sent."""
    input: dict[str, Any] = Field(default_factory=dict)
    """A JSON Schema (object) of what is sent along; empty: nothing."""

    @model_validator(mode="after")
    def _drawable(self) -> "Control":
        _check("input", self.input)
        return self


class Budget(Settings):
    """What it may use up."""

    cpu: float = Field(default=0.25, gt=0, le=64)
    """Processor cores."""
    memory_mb: int = Field(default=128, ge=16, le=65_536)
    """Megabytes (2^20 bytes) of memory."""
    accelerator: float = Field(default=0.0, ge=0, le=0.9)
    """Share of the inference process."""
    disk_mb: int = Field(default=16, ge=0, le=65_536)
    """Megabytes of its own storage."""
    disk_mb_per_s: float = Field(default=4.0, ge=0.1, le=1000)
    """Megabytes a second that it writes there; eight times as much may be read."""
    log_kb_per_min: int = Field(default=64, ge=1, le=10_240)
    """Kilobytes of log a minute."""
    pids: int = Field(default=64, ge=1, le=4096)
    """Processes and threads at once."""


class Manifest(Settings):
    """The whole of ``service.toml``."""

    service: About
    """What it is."""
    view: tuple[NamedView, ...] = Field(default=(), max_length=8)
    """What it wants to see."""
    model: tuple[ModelWish, ...] = Field(default=(), max_length=8)
    """Models it wants to run."""
    permissions: Permissions = Permissions()
    """What it asks for."""
    budget: Budget = Budget()
    """What it may use up."""
    config: dict[str, Any] = Field(default_factory=dict)
    """A JSON Schema (object) of its settings; see ``settings_schema``."""
    state: dict[str, Any] = Field(default_factory=dict)
    """A JSON Schema (object) that gives its live state titles and descriptions; other values are shown by their key."""
    control: tuple[Control, ...] = Field(default=(), max_length=16)
    """Requests that its owner can send from its page."""

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        _unique("views", (view.name for view in self.view))
        _unique("models", (model.package for model in self.model))
        _unique("controls", (control.verb for control in self.control))
        for name, values in self.permissions:
            _unique(f"entries of permissions.{name}", values)
        if OUTPUT_EVENT in self.permissions.emit:
            raise ValueError(f"permissions.emit names '{OUTPUT_EVENT}', which the host alone says, choose another")
        if silent := set(self.permissions.record) - set(self.permissions.emit):
            raise ValueError(f"permissions.record names '{min(silent)}', which is not in permissions.emit")
        if self.service.name in self.permissions.ask:
            raise ValueError("permissions.ask names the service itself")
        if self.model and not self.budget.accelerator:
            raise ValueError("a service with a model needs budget.accelerator above 0")
        _check("config", self.config)
        _check("state", self.state)
        return self


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the service in ``folder``; raises ``INVALID`` that lists every mistake by its place."""
    path = folder / MANIFEST_FILE
    if not path.is_file():
        raise invalid(f"{folder} has no {MANIFEST_FILE}.", "Name the folder of a service.")
    return validate(Manifest, load_toml(path), MANIFEST_FILE)


def _check(place: str, schema: dict[str, Any]) -> None:
    try:
        check_schema(schema)
    except EyespotError as error:
        raise ValueError(f"{place}: {error}") from error


def _unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"two {what} are called '{name}'")
        seen.add(name)
