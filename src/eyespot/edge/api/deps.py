"""What the routes need, in one typed bundle, and how a route gets at it and at its caller."""

import asyncio
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from eyespot.bus.contract import Bus
from eyespot.edge.api.exports import Exports
from eyespot.edge.api.feeds import Feeds
from eyespot.edge.api.footage import Footage
from eyespot.edge.api.live_pool import LivePool
from eyespot.edge.api.principal import Auth, Principal, unauthenticated
from eyespot.edge.api.samples import Samples
from eyespot.edge.api.service_uploads import ServiceUploads
from eyespot.edge.api.services_now import ServicesNow
from eyespot.edge.api.settings_now import SettingsNow
from eyespot.edge.api.setup_token import SetupToken
from eyespot.edge.api.socket_limits import SocketLimits
from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import StateLayout
from eyespot.kernel.clock import Clock


@dataclass(frozen=True)
class Deps:
    """The parts of the API process."""

    clock: Clock
    settings: SettingsNow
    layout: StateLayout
    auth: Auth
    setup: SetupToken
    bus: Bus
    feeds: Feeds
    live: LivePool
    events: EventStore
    footage: Footage
    exports: Exports
    sockets: SocketLimits
    services: ServicesNow
    uploads: ServiceUploads
    samples: Samples
    secure: bool
    """Served over TLS."""
    started_ns: int
    """Monotonic time of the start."""
    hosts: tuple[str, ...] = ()
    """Names under which this host may be addressed."""
    config_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the config file is changed."""


def _deps(connection: HTTPConnection) -> Deps:
    deps = connection.app.state.deps
    assert isinstance(deps, Deps)
    return deps


def _caller(connection: HTTPConnection) -> Principal:
    principal = connection.scope.get("state", {}).get("principal")
    if not isinstance(principal, Principal):
        raise unauthenticated()
    return principal


def _admin(connection: HTTPConnection) -> Principal:
    principal = _caller(connection)
    principal.need_admin()
    return principal


def address_of(connection: HTTPConnection) -> str:
    """The peer's address; forwarded headers are never believed."""
    return connection.client.host if connection.client else "local"


Needs = Annotated[Deps, Depends(_deps)]
Caller = Annotated[Principal, Depends(_caller)]
Admin = Annotated[Principal, Depends(_admin)]
