"""NATS over a Unix socket, which the client library cannot do by itself: a transport of its own kind given to it."""

import asyncio
from pathlib import Path
from urllib.parse import ParseResult

import eyespot.bus.lean  # noqa: F401 isort: skip - before the client
from nats.aio.client import Client
from nats.aio.transport import TcpTransport


def over_unix(socket: Path) -> Client:
    """A client that will connect, and reconnect, to ``socket`` whatever address it is told."""
    client = Client()
    client._transport = _UnixTransport(socket)
    return client


class _UnixTransport(TcpTransport):
    def __init__(self, socket: Path) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # the library's own class
        self._socket = socket

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        opening = asyncio.open_unix_connection(str(self._socket), limit=buffer_size)
        reader, writer = await asyncio.wait_for(opening, connect_timeout)
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    def __bool__(self) -> bool:
        """The client makes a TCP transport where it finds none."""
        return True
