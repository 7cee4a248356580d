"""Packets from the media process to its readers on the same host, over a Unix socket.

Owns both ends of the socket and its hello; the wire form of units is ``contracts.packet_wire``. Only processes of the
same user (or root) may connect. A slow client loses packets in its own hub reader and never slows the hub.

Hello: one JSON line from the client, ``{"v": 1, "camera", "stream", "reader", "max_bytes", "batch_ms"?, "lossless"?,
"from_key"?}``; one JSON line back, ``{"ok": true}`` or ``{"error": {"kind", "what", "todo"}}``. Later the client may
send ``{"batch_ms": N, "due_ns": T}`` lines at any time. With ``batch_ms`` the server collects packets for up to that
long before it writes, which saves both sides wake-ups; with ``due_ns`` only until a packet captured then has come.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from eyespot.contracts import packet_wire
from eyespot.contracts.packet import Unit
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found, unavailable
from eyespot.kernel.socket_path import reachable
from eyespot.media.hub import Hub, Reader

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 4096
MAX_CLIENTS = 512
MAX_BATCH_MS = 2_000
MAX_DUE_NS = 1 << 63
DEFAULT_MAX_BYTES = 8 << 20
MIN_READER_BYTES, MAX_READER_BYTES = 64 << 10, 256 << 20
HELLO_TIMEOUT_S = 5.0
_WRITE_BYTES = 1 << 20
_READ_BYTES = 256 << 10
_PEER = struct.Struct("3i")


class PacketServer:
    """Serves hubs on the Unix socket ``path`` (mode 0600 in a 0700 folder). A ``Service``.

    Args:
        path: where the socket is made; a stale one is replaced.
        hubs: by ``(camera, stream)``; read at each hello, so it may change while the server runs.
        allow_lossless: let clients ask to slow a ``pace="fast"`` source down to their own speed.
    """

    name = "packet-socket"

    def __init__(self, path: Path, hubs: Mapping[tuple[str, str], Hub], *, allow_lossless: bool = False) -> None:
        self._path = path
        self._hubs = hubs
        self._allow_lossless = allow_lossless
        self._clients: dict[asyncio.Task[None], str] = {}
        self._served = 0
        self._refused = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``; raises ``OSError`` when the socket cannot be made."""
        server = await self._listen()
        try:
            await stop.wait()
        finally:
            server.close()
            clients = list(self._clients)
            for task in clients:
                task.cancel()
            await asyncio.gather(*clients, return_exceptions=True)
            await server.wait_closed()
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def status(self) -> dict[str, Any]:
        return {"clients": sorted(self._clients.values()), "served": self._served, "refused": self._refused}

    async def _listen(self) -> asyncio.Server:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.parent.chmod(0o700)
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with reachable(self._path) as short:
                listener.bind(short)
            self._path.chmod(0o600)
            return await asyncio.start_unix_server(self._accept, sock=listener, limit=MAX_LINE_BYTES)
        except BaseException:  # whatever happened, what was opened is closed; raised on
            listener.close()
            raise

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = "?"
        try:
            await self._serve(task, reader, writer)
        except (ConnectionError, TimeoutError) as error:
            log.debug("packet client gone: %s", error)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            try:
                await _close(writer)
            finally:
                del self._clients[task]

    async def _serve(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            self._check_peer(writer)
            hello = _Hello(await asyncio.wait_for(_read_line(reader), HELLO_TIMEOUT_S))
            queue = self._join(hello)
        except EyespotError as error:
            self._refused += 1
            writer.write(_line({"error": {"kind": error.kind.name, "what": error.what, "todo": error.todo}}))
            await writer.drain()
            return
        self._served += 1
        self._clients[task] = f"{hello.camera}/{hello.stream}:{hello.reader}"
        control = asyncio.create_task(_follow_control(reader, hello, queue))
        try:
            writer.write(_line({"ok": True}))
            await _send_units(queue, writer, hello)
        finally:
            queue.close()
            control.cancel()
            await asyncio.gather(control, return_exceptions=True)

    def _check_peer(self, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("socket")
        credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
        uid = _PEER.unpack(credentials)[1]
        if uid not in (0, os.getuid()):
            raise EyespotError(Kind.FORBIDDEN, f"User {uid} may not read packets.", "Connect as the camera's own user.")
        if len(self._clients) > MAX_CLIENTS:
            raise EyespotError(Kind.EXHAUSTED, f"There are already {MAX_CLIENTS} packet readers.", "Close some.")

    def _join(self, hello: "_Hello") -> Reader:
        hub = self._hubs.get((hello.camera, hello.stream))
        if hub is None:
            raise not_found(
                f"There is no stream {hello.camera}/{hello.stream}.", "Name a camera and stream of the config."
            )
        lossless = hello.lossless and self._allow_lossless
        return hub.reader(hello.reader, max_bytes=hello.max_bytes, lossless=lossless, from_key=hello.from_key)


class PacketClient:
    """Reads streams from a ``PacketServer``; one connection per stream. Reconnecting is the caller's."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writers: dict[tuple[str, str, str], asyncio.StreamWriter] = {}

    async def units(
        self,
        camera: str,
        stream: str,
        *,
        reader: str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        batch_ms: int = 0,
        lossless: bool = False,
        from_key: bool = True,
    ) -> AsyncGenerator[Unit, None]:
        """The stream's units: a format first, then packets from a key frame on. Ends when the stream is over.

        Raises:
            EyespotError: ``UNAVAILABLE`` when the server is not there or goes away in the middle of a message or
                without an end; ``NOT_FOUND``, ``FORBIDDEN``, ``INVALID`` as the server says; ``CORRUPT`` on a broken
                message.
        """
        hello = {
            "v": packet_wire.WIRE_VERSION,
            "camera": camera,
            "stream": stream,
            "reader": reader,
            "max_bytes": max_bytes,
            "batch_ms": batch_ms,
            "lossless": lossless,
            "from_key": from_key,
        }
        source, writer = await self._connect()
        key = (camera, stream, reader)
        try:
            await _greet(source, writer, hello)
            self._writers[key] = writer
            async for unit in _parse(source):
                yield unit
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise unavailable("The media process went away.", "It is started again by itself.") from error
        finally:
            if self._writers.get(key) is writer:
                del self._writers[key]
            writer.close()

    def gather(self, camera: str, stream: str, reader: str, batch_ms: int, due_ns: int = 0) -> None:
        """Ask the server to collect packets for up to ``batch_ms``, or until one captured at ``due_ns`` has come (0:
        whatever they are). Ignored when that stream is not being read.
        """
        writer = self._writers.get((camera, stream, reader))
        if writer is not None and not writer.is_closing():
            writer.write(_line({"batch_ms": batch_ms, "due_ns": due_ns}))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            with reachable(self._path) as short:
                return await asyncio.open_unix_connection(short, limit=_READ_BYTES * 2)
        except OSError as error:
            raise unavailable(
                f"The media process does not answer on {self._path.name}.", "Start it, or wait until it is up."
            ) from error


class _Hello:
    """A checked hello line."""

    def __init__(self, line: dict[str, Any]) -> None:
        if line.get("v") != packet_wire.WIRE_VERSION:
            raise invalid(f"Hello of version {line.get('v')!r}; this program speaks {packet_wire.WIRE_VERSION}.")
        self.camera = _name(line, "camera")
        self.stream = _name(line, "stream")
        self.reader = _name(line, "reader")
        self.max_bytes = _number(line, "max_bytes", DEFAULT_MAX_BYTES, MIN_READER_BYTES, MAX_READER_BYTES)
        self.batch_ms = _number(line, "batch_ms", 0, 0, MAX_BATCH_MS)
        self.lossless = line.get("lossless") is True
        self.from_key = line.get("from_key", True) is True
        self.due_ns = 0

    def control(self, line: dict[str, Any]) -> None:
        """Apply a later line of the client."""
        self.batch_ms = _number(line, "batch_ms", self.batch_ms, 0, MAX_BATCH_MS)
        self.due_ns = _number(line, "due_ns", 0, 0, MAX_DUE_NS)


def _name(line: dict[str, Any], key: str) -> str:
    value = line.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise invalid(f"Hello without a usable '{key}'.", "It is a text of 1 to 64 characters.")
    return value


def _number(line: dict[str, Any], key: str, default: int, low: int, high: int) -> int:
    value = line.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"'{key}' is not a whole number.")
    return min(max(value, low), high)


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


async def _read_line(reader: asyncio.StreamReader) -> dict[str, Any]:
    try:
        raw = await reader.readuntil(b"\n")
        document = json.loads(raw)
    except asyncio.LimitOverrunError as error:
        raise invalid(f"A line longer than {MAX_LINE_BYTES} bytes.") from error
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("closed before a whole line") from error
    except (ValueError, RecursionError) as error:
        raise invalid("A line that is not JSON.") from error
    if not isinstance(document, dict):
        raise invalid("A line that is not a JSON object.")
    return document


async def _follow_control(reader: asyncio.StreamReader, hello: _Hello, queue: Reader) -> None:
    """Apply the client's later lines; when it hangs up or breaks the rules, end its queue."""
    try:
        while True:
            hello.control(await _read_line(reader))
            queue.wake()
    except (ConnectionError, EyespotError):
        queue.close()


async def _send_units(queue: Reader, writer: asyncio.StreamWriter, hello: _Hello) -> None:
    while not queue.ended:
        await queue.wait()
        if hello.batch_ms:
            await _collect(queue, hello)
        units = queue.take(_WRITE_BYTES)
        if writer.is_closing():  # uvloop raises RuntimeError for a write to a client that hung up meanwhile
            raise ConnectionResetError("the client hung up")
        writer.writelines([part for unit in units for part in packet_wire.encode_parts(unit)])
        await writer.drain()
    writer.write(packet_wire.END)
    await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    """Send what is left, then hang up; a client that never reads is cut off when the server stops."""
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError as error:
        log.debug("packet client gone: %s", error)
    except asyncio.CancelledError:
        writer.transport.abort()
        raise


async def _collect(queue: Reader, hello: _Hello) -> None:
    """Let packets gather for the batch time or up to the due one; the client's wishes may change meanwhile."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while (end_s := began_s + hello.batch_ms / 1000) > loop.time():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(end_s):
                await queue.wait(hello.due_ns or MAX_DUE_NS)
        if queue.has(hello.due_ns or MAX_DUE_NS):
            return


async def _greet(source: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: dict[str, Any]) -> None:
    writer.write(_line(hello))
    await writer.drain()
    answer = await _read_line(source)
    error = answer.get("error")
    if isinstance(error, dict):
        kind = Kind.__members__.get(str(error.get("kind")), Kind.INTERNAL)
        raise EyespotError(kind, str(error.get("what", "The media process refused.")), str(error.get("todo", "")))


async def _parse(source: asyncio.StreamReader) -> AsyncGenerator[Unit, None]:
    """Whole messages out of large reads; ends at the end mark, raises ``IncompleteReadError`` without it."""
    buffer = bytearray()
    while True:
        chunk = await source.read(_READ_BYTES)
        if not chunk:
            raise asyncio.IncompleteReadError(bytes(buffer[:64]), None)
        buffer += chunk
        at = 0
        while len(buffer) - at >= packet_wire.PREFIX_BYTES:
            prefix = bytes(buffer[at : at + packet_wire.PREFIX_BYTES])
            if prefix == packet_wire.END:
                return
            length = packet_wire.body_length(prefix)
            start = at + packet_wire.PREFIX_BYTES
            if len(buffer) - start < length:
                break
            unit = _decode_at(buffer, start, length)
            at = start + length
            yield unit
        del buffer[:at]


def _decode_at(buffer: bytearray, start: int, length: int) -> Unit:
    with memoryview(buffer) as whole, whole[start : start + length] as body:
        return packet_wire.decode(body)
