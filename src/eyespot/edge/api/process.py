"""The API process: opens its stores, puts its parts together, serves until told to stop, and says where it is."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Any

from eyespot.edge.api.addresses import host_names, is_loopback, link_host, own_addresses
from eyespot.edge.api.app import create_app
from eyespot.edge.api.deps import Deps
from eyespot.edge.api.exports import Exports
from eyespot.edge.api.feeds import Feeds
from eyespot.edge.api.footage import Footage
from eyespot.edge.api.live_pool import LivePool
from eyespot.edge.api.passwords import Passwords
from eyespot.edge.api.principal import Auth
from eyespot.edge.api.samples import Samples
from eyespot.edge.api.server import WebServer, listen
from eyespot.edge.api.service_states import ServiceStates
from eyespot.edge.api.service_uploads import ServiceUploads
from eyespot.edge.api.services_now import ServicesNow
from eyespot.edge.api.settings_now import SettingsNow
from eyespot.edge.api.setup_token import SetupToken
from eyespot.edge.api.socket_limits import SocketLimits
from eyespot.edge.api.store_accounts import AccountStore
from eyespot.edge.config import WebSettings
from eyespot.edge.events.store import EventStore
from eyespot.edge.process import HostProcess, StatusReporter, settle_memory
from eyespot.kernel.clock import Clock
from eyespot.media.packet_socket import PacketClient
from eyespot.record.index import SegmentIndex

log = logging.getLogger(__name__)


class ApiProcess:
    """Everything the process holds open. A ``Service``; raises ``INVALID`` on a config it cannot serve."""

    name = "api"

    def __init__(self, process: HostProcess) -> None:
        self._process = process
        self._layout = process.layout
        self._clock = clock = process.clock
        self._settings = SettingsNow(process.config_path)
        web = self._settings.config.web
        self._certificate = _certificate(web, self._layout.state, clock)
        self._accounts = AccountStore(self._layout.state / "api.db")
        self._passwords = Passwords()
        self._events = EventStore(self._layout.events_db)
        self._index = SegmentIndex(self._layout.index_db)
        self._started_ns = clock.monotonic_ns()
        self.deps = self._deps()
        self._listener = listen(web.bind, web.port)
        self.url = self._url(web)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``."""
        server = WebServer(create_app(self.deps), self._listener, self._certificate, self._ready)
        reporter = StatusReporter(self._process, self.status, dict)
        reporting = asyncio.create_task(reporter.run(stop), name="status")
        try:
            await server.run(stop)
        finally:
            stop.set()
            await asyncio.gather(reporting, return_exceptions=True)
            self.deps.footage.close()
            self.deps.exports.close()
            self.deps.uploads.close()
            self.deps.services.close()
            self._passwords.close()
            for store in (self._accounts, self._events, self._index):
                store.close()
            self._url_file.unlink(missing_ok=True)

    @property
    def _url_file(self) -> Path:
        return self._layout.run_dir / "api-url"

    def status(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "sockets": self.deps.sockets.open,
            "sockets_refused": self.deps.sockets.refused,
            "live": self.deps.live.status(),
        }

    def _deps(self) -> Deps:
        clock, accounts, layout = self._clock, self._accounts, self._layout
        needed = not accounts.any_user()
        feeds = Feeds(self._process.bus, clock)
        services = ServicesNow(layout, feeds, ServiceStates(self._process.bus))
        return Deps(
            clock=clock,
            settings=self._settings,
            layout=layout,
            auth=Auth(accounts, self._passwords, clock),
            setup=SetupToken(layout.run_dir / "setup-token", clock, needed=needed),
            bus=self._process.bus,
            feeds=feeds,
            live=LivePool(PacketClient(layout.packets_socket), clock),
            events=self._events,
            footage=Footage(self._index, layout.state / "cache" / "thumbnails", clock),
            exports=Exports(self._index, layout.state / "cache" / "exports"),
            sockets=SocketLimits(),
            services=services,
            uploads=ServiceUploads(services, layout, clock),
            samples=Samples(self._process.bus),
            secure=self._certificate is not None,
            started_ns=self._started_ns,
            hosts=(*host_names(), self._settings.config.web.bind),
        )

    def _url(self, web: WebSettings) -> str:
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{link_host(web.bind)}:{self._listener.getsockname()[1]}"

    def _ready(self) -> None:
        """Tell where it is: on the log, in ``run/api-url`` for the supervisor, and once how to begin."""
        self._layout.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._url_file.write_text(self.url + "\n", encoding="ascii")
        log.info("serving on %s", self.url)
        if self._certificate and self._settings.config.web.tls != "files":
            from eyespot.edge.api import tls

            log.info("own certificate, SHA-256 %s", tls.fingerprint(self._certificate[0]))
        settle_memory()
        if self.deps.setup.value is not None:
            print(f"Set up this camera once at {self.url}/setup#{self.deps.setup.value}", file=sys.stderr, flush=True)


def _certificate(web: WebSettings, state: Path, clock: Clock) -> tuple[Path, Path] | None:
    """What TLS is served with; None for plain HTTP."""
    if web.tls == "off" or (web.tls == "auto" and is_loopback(web.bind)):
        if not is_loopback(web.bind):
            log.warning("plain HTTP on %s: passwords and pictures can be read on the way", web.bind)
        return None
    from eyespot.edge.api import tls  # brings cryptography, which a host on loopback never needs

    if web.tls == "files" and web.cert and web.key:
        tls.check_pair(web.cert, web.key)
        return web.cert, web.key
    names = list(dict.fromkeys([*host_names(), *own_addresses()]))
    return tls.own_certificate(state / "tls", names, clock.wall_ns())
