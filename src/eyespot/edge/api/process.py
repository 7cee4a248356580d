"""The API process: opens its stores, puts its parts together, serves until told to stop, and says where it is."""

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Any

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.status import StatusMessage
from eyespot.edge.api import tls
from eyespot.edge.api.addresses import host_names, is_loopback, link_host, own_addresses
from eyespot.edge.api.app import create_app
from eyespot.edge.api.deps import Deps
from eyespot.edge.api.feeds import Feeds
from eyespot.edge.api.footage import Footage
from eyespot.edge.api.live_pool import LivePool
from eyespot.edge.api.passwords import Passwords
from eyespot.edge.api.principal import Auth
from eyespot.edge.api.server import WebServer, listen
from eyespot.edge.api.settings_now import SettingsNow
from eyespot.edge.api.setup_token import SetupToken
from eyespot.edge.api.socket_limits import SocketLimits
from eyespot.edge.api.store_accounts import AccountStore
from eyespot.edge.config import WebSettings
from eyespot.edge.events.store import EventStore
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.media.packet_socket import PacketClient
from eyespot.record.index import SegmentIndex

log = logging.getLogger(__name__)

STATUS_S = 10.0


class ApiProcess:
    """Everything the process holds open. A ``Service``; raises ``INVALID`` on a config it cannot serve.

    Args:
        config: the host's config file.
        state: the host's state folder.
    """

    name = "api"

    def __init__(self, config: Path, state: Path, bus: Bus, clock: Clock) -> None:
        self._state = state
        self._bus = bus
        self._clock = clock
        self._settings = SettingsNow(config)
        web = self._settings.config.web
        self._certificate = _certificate(web, state, clock)
        self._accounts = AccountStore(state / "api.db")
        self._passwords = Passwords()
        self._events = EventStore(state / "events.db")
        self._index = SegmentIndex(state / "index.db")
        self._started_ns = clock.monotonic_ns()
        self.deps = self._deps()
        self._listener = listen(web.bind, web.port)
        self.url = self._url(web)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``."""
        server = WebServer(create_app(self.deps), self._listener, self._certificate, self._ready)
        reporting = asyncio.create_task(self._report())
        try:
            await server.run(stop)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
            self.deps.footage.close()
            self._passwords.close()
            for store in (self._accounts, self._events, self._index):
                store.close()
            (self._state / "run" / "api-url").unlink(missing_ok=True)

    def status(self) -> dict[str, Any]:
        return {"url": self.url, "sockets": self.deps.sockets.open, "live": self.deps.live.status()}

    def _deps(self) -> Deps:
        clock, accounts = self._clock, self._accounts
        needed = not accounts.any_user()
        return Deps(
            clock=clock,
            settings=self._settings,
            state=self._state,
            auth=Auth(accounts, self._passwords, clock),
            setup=SetupToken(self._state / "run" / "setup-token", clock, needed=needed),
            bus=self._bus,
            feeds=Feeds(self._bus, clock),
            live=LivePool(PacketClient(self._state / "run" / "packets.sock"), clock),
            events=self._events,
            footage=Footage(self._index, self._state / "cache"),
            sockets=SocketLimits(),
            secure=self._certificate is not None,
            started_ns=self._started_ns,
            hosts=(*host_names(), self._settings.config.web.bind),
        )

    def _url(self, web: WebSettings) -> str:
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{link_host(web.bind)}:{self._listener.getsockname()[1]}"

    def _ready(self) -> None:
        """Tell where it is: on the log, in ``run/api-url`` for the supervisor, and once how to begin."""
        (self._state / "run").mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._state / "run" / "api-url").write_text(self.url + "\n", encoding="ascii")
        log.info("serving on %s", self.url)
        if self._certificate and self._settings.config.web.tls != "files":
            log.info("own certificate, SHA-256 %s", tls.fingerprint(self._certificate[0]))
        if self.deps.setup.value is not None:
            print(f"Set up this camera once at {self.url}/setup#{self.deps.setup.value}", file=sys.stderr, flush=True)

    async def _report(self) -> None:
        while True:
            totals = {**self.status(), "sockets_refused": self.deps.sockets.refused}
            report = StatusMessage(
                role="api",
                pid=os.getpid(),
                wall_ns=self._clock.wall_ns(),
                uptime_s=(self._clock.monotonic_ns() - self._started_ns) / NS_PER_S,
                totals=totals,
            )
            await self._bus.publish(subjects.status("api"), report.model_dump_json().encode())
            await self._clock.sleep(STATUS_S)


def _certificate(web: WebSettings, state: Path, clock: Clock) -> tuple[Path, Path] | None:
    """What TLS is served with; None for plain HTTP."""
    if web.tls == "off" or (web.tls == "auto" and is_loopback(web.bind)):
        if not is_loopback(web.bind):
            log.warning("plain HTTP on %s: passwords and pictures can be read on the way", web.bind)
        return None
    if web.tls == "files" and web.cert and web.key:
        tls.check_pair(web.cert, web.key)
        return web.cert, web.key
    names = list(dict.fromkeys([*host_names(), *own_addresses()]))
    return tls.own_certificate(state / "tls", names, clock.wall_ns())
