"""The way out of a service: connections to destinations that its owner granted, through the camera's proxy.

A service has no network of its own. ``net.sock`` in its run folder takes HTTP CONNECT and passes bytes on; whatever is
spoken over the connection (TLS, HTTP, MQTT) is between the service and the other end. Each connection is kept for the
owner to see.

Source: RFC 9110 section 9.3.6 (CONNECT).
"""

import asyncio
import http.client
import json
import socket
import ssl
import urllib.request
from pathlib import Path

from eyespot.kernel.config import read_env
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.kernel.socket_path import reachable

SOCKET = "net.sock"
PATIENCE_S = 30.0
MAX_ANSWER_BYTES = 65_536
_KINDS = {kind.value.http_status: kind for kind in reversed(Kind)}


def connect(host: str, port: int, timeout_s: float = PATIENCE_S, *, proxy: Path | None = None) -> socket.socket:
    """A connected stream socket to ``host``: use it like one of ``socket.create_connection``.

    Args:
        timeout_s: for the connection to be there; stays the socket's time-out.
        proxy: the proxy's socket; without it the one of this service.

    Raises:
        EyespotError: ``FORBIDDEN`` when it was not granted, ``UNAVAILABLE`` when it cannot be reached.
    """
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        door.settimeout(timeout_s)
        with reachable(proxy or own_proxy()) as short:
            door.connect(short)
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        door.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode("ascii"))
        _check(_head(door), door)
    except (OSError, UnicodeError) as error:
        door.close()
        raise unavailable(f"{host}:{port} cannot be reached: {error}.", "Try again later.") from error
    except EyespotError:
        door.close()
        raise
    return door


async def open_connection(
    host: str, port: int, timeout_s: float = PATIENCE_S, *, tls: ssl.SSLContext | bool = False
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As ``connect``, for ``asyncio``: streams like those of ``asyncio.open_connection``.

    Args:
        tls: True, or a context, to speak TLS with ``host``.
    """
    door = await asyncio.to_thread(connect, host, port, timeout_s)
    door.setblocking(False)
    context = ssl.create_default_context() if tls is True else tls or None
    return await asyncio.open_connection(sock=door, ssl=context, server_hostname=host if context else None)


def opener() -> urllib.request.OpenerDirector:
    """An opener of the standard library for ``http`` and ``https`` addresses: ``opener().open(url, timeout=10)``.

    A redirect is a connection like any other: where it leads must be granted too.
    """
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), _HttpHandler(), _HttpsHandler())


def own_proxy() -> Path:
    """The socket of this service's proxy."""
    return Path(read_env("RUN") or "/run/eyespot") / SOCKET


class _HttpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = connect(self.host, self.port, _patience(self.timeout))


class _HttpsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        door = connect(self.host, self.port, _patience(self.timeout))
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]  # set by the base class, not in typeshed
        self.sock = context.wrap_socket(door, server_hostname=self.host)


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpConnection, request)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_HttpsConnection, request)


def _patience(timeout: object) -> float:
    """http.client has an object that stands for "none was said", and None for ever."""
    return float(timeout) if isinstance(timeout, int | float) else PATIENCE_S


def _check(head: bytes, door: socket.socket) -> None:
    """Raise what the proxy refused with."""
    words = head.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    if status == 200:
        return
    body = b""
    while len(body) < MAX_ANSWER_BYTES and (data := door.recv(4096)):
        body += data
    try:
        said = json.loads(body)["error"]
        raise EyespotError(_KINDS.get(status, Kind.UNAVAILABLE), str(said["what"])[:500], str(said["todo"])[:500])
    except (ValueError, LookupError, TypeError) as error:
        raise unavailable(f"The camera's proxy refused with status {status}.") from error


def _head(door: socket.socket) -> bytes:
    """The head of the proxy's answer and no byte more: what follows belongs to the other end."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = door.recv(1)
        if not byte or len(head) >= MAX_ANSWER_BYTES:
            raise unavailable("The camera's proxy ended the connection.", "Try again later.")
        head += byte
    return head
