"""The web server: uvicorn with limits, TLS, and a stop that does not wait for viewers."""

import asyncio
import logging
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config as UvicornConfig
from uvicorn.protocols.http.h11_impl import H11Protocol

from eyespot.kernel.errors import unavailable

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
MAX_WS_MESSAGE_BYTES = 64 << 10
FIRST_REQUEST_S = 15.0
GONE_MS = 60_000
_STOP_S = 3


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on a connection whose first request has not come whole after 15 s (slowloris)."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(FIRST_REQUEST_S, transport.abort)

    def handle_events(self) -> None:
        super().handle_events()
        if self._deadline is not None and getattr(self, "scope", None) is not None:
            self._deadline.cancel()
            self._deadline = None

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)


def listen(bind: str, port: int) -> socket.socket:
    """A listening socket on ``bind`` and ``port`` (0: any free one); raises ``UNAVAILABLE``."""
    host = bind.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS)  # a peer that takes nothing is gone
        listener.bind((host, port))
        listener.listen(256)
    except OSError as error:
        listener.close()
        raise unavailable(
            f"Cannot listen on {bind} port {port}: {error.strerror}.",
            "Stop what uses that port, or change bind and port under [web].",
        ) from error
    listener.setblocking(False)
    return listener


class WebServer:
    """Serves ``app`` on ``listener`` until told to stop. A ``Service``.

    Args:
        certificate: paths of a PEM certificate chain and its key; None serves plain HTTP.
        on_ready: called once requests are answered.
    """

    name = "web-server"

    def __init__(
        self,
        app: ASGIApp,
        listener: socket.socket,
        certificate: tuple[Path, Path] | None,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._listener = listener
        self._server = _Server(_config(app, certificate))
        self._server.on_ready = on_ready

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; open connections get three seconds to end."""
        self._server.stop = stop
        await self._server.serve(sockets=[self._listener])

    def status(self) -> dict[str, Any]:
        return {"connections": len(self._server.server_state.connections)}


class _Server(uvicorn.Server):
    """Leaves signals to the process that it is part of, and sleeps until it is told to stop."""

    stop: asyncio.Event
    on_ready: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if not self.should_exit:
            self.on_ready()

    async def main_loop(self) -> None:
        """Nothing but waiting: uvicorn's own loop wakes ten times a second."""
        await self.stop.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: see ``stop_on_signals``."""
        yield


def _config(app: ASGIApp, certificate: tuple[Path, Path] | None) -> UvicornConfig:
    tls: dict[str, Any] = {}
    if certificate:
        tls = {"ssl_certfile": certificate[0], "ssl_keyfile": certificate[1], "ssl_context_factory": _tls}
    return UvicornConfig(
        app,
        http=PatientProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_WS_MESSAGE_BYTES,
        ws_max_queue=8,
        ws_per_message_deflate=False,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_STOP_S,
        h11_max_incomplete_event_size=32 << 10,
        **tls,
    )


def _tls(_config: UvicornConfig, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    context = default()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set ``stop`` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
