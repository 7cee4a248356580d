"""The bus inside a service: NATS on a Unix socket, passed on to the server by us, who sign in with the service's key.

The service holds no key and cannot be anyone else: who connects is told by the kernel, what it may say and hear is told
by the server to the key that we hold. Here its connections, its messages, bytes and subscriptions are bounded; what is
above the rate waits in the service's own socket, so a flood holds up nobody but its source. Everything refused is
counted and the last refusals are kept for its owner.
"""

import asyncio
import contextlib
import logging
import socket
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from eyespot.contracts.frames_door import Grant
from eyespot.edge.first_to_end import first_to_end
from eyespot.edge.frames.caller import check_caller
from eyespot.edge.services.bucket import Bucket
from eyespot.edge.services.own_socket import OwnSocket, hang_up
from eyespot.edge.services.relay_wire import (
    FROM_SERVER,
    FROM_SERVICE,
    MAX_LINE_BYTES,
    MAX_SERVER_LINE_BYTES,
    Frame,
    Wire,
    document,
    written,
)
from eyespot.edge.services.sign_in import Address, Place
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind, corrupt
from eyespot.kernel.unread import unread_bytes

log = logging.getLogger(__name__)

CONNECT_S = 5.0
_READ_BYTES = 65_536
_KEPT_REFUSALS = 16
_CLAIMS = ("nkey", "sig", "jwt", "user", "pass", "auth_token")
_FROM_CLIENT = ("verbose", "pedantic", "echo", "headers", "no_responders", "lang", "version", "protocol")
_TO_CLIENT = ("server_id", "server_name", "version", "proto", "headers", "max_payload", "ldm", "go")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one service may do on the bus."""

    connections: int = 4
    subscriptions: int = 64
    messages_per_s: float = 200.0
    bytes_per_s: float = 512 * 1024
    payload_bytes: int = 64 * 1024


@dataclass(slots=True)
class Counters:
    """Since the relay was made."""

    messages: int = 0
    bytes: int = 0
    delivered: int = 0
    throttled: int = 0
    refused: int = 0
    refusals: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT_REFUSALS))

    def refuse(self, why: str) -> None:
        """One more that was refused."""
        self.refused += 1
        self.refusals.append(why[:200])


class Relay:
    """One service's relay, from ``open`` to ``close``.

    Args:
        server: host and port of the bus server now.
        counters: go on where an earlier relay of the service ended.
    """

    def __init__(
        self,
        place: Place,
        grant: Grant,
        server: Address,
        clock: Clock,
        *,
        limits: Limits | None = None,
        counters: Counters | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self._place = place
        self._grant = grant
        self._server = server
        self._limits = limits or Limits()
        self._clock = clock
        self._messages = Bucket(self._limits.messages_per_s, clock)
        self._bytes = Bucket(self._limits.bytes_per_s, clock)
        self._socket = OwnSocket(grant, self._talk, _READ_BYTES)
        self._writers: set[asyncio.StreamWriter] = set()
        self._held_up = 0

    async def open(self) -> None:
        """Listen; a socket left by an earlier life is replaced."""
        await self._socket.open()

    async def close(self) -> None:
        """Hang up and take the socket away."""
        await self._socket.close()

    @property
    def busy(self) -> bool:
        """Something of what it says is held up by its bounds, or it has not read all that it was sent."""
        return bool(self._held_up) or any(_is_unread(writer) for writer in self._writers)

    def status(self) -> dict[str, Any]:
        """Counters and the last refusals."""
        now = self.counters
        return {
            "connections": len(self._socket), "messages": now.messages, "bytes": now.bytes, "delivered": now.delivered,
            "throttled": now.throttled, "refused": now.refused, "refusals": list(now.refusals),
        }  # fmt: skip

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            peer: socket.socket = writer.get_extra_info("socket")
            check_caller(peer, self._grant)
            if len(self._socket) > self._limits.connections:
                raise EyespotError(Kind.EXHAUSTED, f"More than {self._limits.connections} connections.")
            await self._serve(reader, writer)
        except EyespotError as error:
            self.counters.refuse(str(error))
            _say_error(writer, error)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.LimitOverrunError) as error:
            log.debug("%s: connection ended: %s", self._place.name, error)
        finally:
            self._writers.discard(writer)
            await hang_up(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self._server()
        from_server, to_server = await asyncio.wait_for(asyncio.open_connection(host, port), CONNECT_S)
        try:
            up = Wire(FROM_SERVICE, max_line_bytes=MAX_LINE_BYTES, max_payload_bytes=self._limits.payload_bytes)
            down = Wire(FROM_SERVER, max_line_bytes=MAX_SERVER_LINE_BYTES, max_payload_bytes=1 << 20)
            async with asyncio.timeout(CONNECT_S):
                info, *early = await _some(from_server, down)
                nonce = str(document(info).get("nonce", ""))
                writer.write(self._info(info))
                first, *more = await _some(reader, up)
                to_server.write(self._connect(first, nonce))
            await first_to_end(
                self._pump_up(reader, up, more, to_server), self._pump_down(from_server, down, early, writer)
            )
        finally:
            to_server.close()
            with contextlib.suppress(OSError):
                await writer.drain()

    def _info(self, frame: Frame) -> bytes:
        """What the service is told of the server: nothing to sign, no addresses, our own bounds."""
        said = document(frame)
        told = {key: said[key] for key in _TO_CLIENT if key in said}
        return written("INFO", {**told, "host": "relay", "port": 1, "max_payload": self._limits.payload_bytes})

    def _connect(self, frame: Frame, nonce: str) -> bytes:
        """The service's CONNECT with the service's identity in it, whatever it says of itself."""
        if frame.verb != b"CONNECT":
            raise corrupt("The first operation is not CONNECT.")
        said = document(frame)
        claims = [key for key in _CLAIMS if said.get(key)]
        if claims:
            raise EyespotError(
                Kind.FORBIDDEN,
                f"It signed in by itself ({', '.join(claims)}), claiming to be someone.",
                "Sign nothing.",
            )
        asked = {key: said[key] for key in _FROM_CLIENT if key in said}
        return written("CONNECT", {**asked, **self._place.credentials(nonce)})

    async def _pump_up(
        self, reader: asyncio.StreamReader, wire: Wire, frames: list[Frame], writer: asyncio.StreamWriter
    ) -> None:
        subscriptions: set[bytes] = set()
        while True:
            for frame in frames:
                self._check(frame, subscriptions)
                await self._wait_for_room(len(frame.raw))
                writer.write(frame.raw)
                await writer.drain()
            data = await reader.read(_READ_BYTES)
            if not data:
                return
            frames = wire.feed(data)

    def _check(self, frame: Frame, subscriptions: set[bytes]) -> None:
        if frame.verb == b"CONNECT":
            raise EyespotError(Kind.FORBIDDEN, "It said CONNECT a second time.", "Connect once more instead.")
        if frame.verb == b"SUB" and frame.words:
            subscriptions.add(frame.words[-1])
            if len(subscriptions) > self._limits.subscriptions:
                raise EyespotError(Kind.EXHAUSTED, f"More than {self._limits.subscriptions} subscriptions.")
        elif frame.verb == b"UNSUB" and len(frame.words) == 1:
            subscriptions.discard(frame.words[0])
        elif frame.verb in (b"PUB", b"HPUB"):
            self.counters.messages += 1
            self.counters.bytes += len(frame.raw)

    async def _wait_for_room(self, size_bytes: int) -> None:
        wait_s = max(self._messages.take(1), self._bytes.take(size_bytes))
        if wait_s > 0:
            self.counters.throttled += 1
            self._held_up += 1
            try:
                await self._clock.sleep(wait_s)
            finally:
                self._held_up -= 1

    async def _pump_down(
        self, reader: asyncio.StreamReader, wire: Wire, frames: list[Frame], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            for frame in frames:
                if frame.verb == b"INFO":
                    writer.write(self._info(frame))
                    continue
                if frame.verb == b"-ERR":
                    self.counters.refuse(frame.words[0].decode(errors="replace").strip("'"))
                elif frame.verb in (b"MSG", b"HMSG"):
                    self.counters.delivered += 1
                writer.write(frame.raw)
            await writer.drain()
            data = await reader.read(_READ_BYTES)
            if not data:
                return
            frames = wire.feed(data)


async def _some(reader: asyncio.StreamReader, wire: Wire) -> list[Frame]:
    """At least one frame; raises ``ConnectionError`` at the end."""
    while True:
        data = await reader.read(_READ_BYTES)
        if not data:
            raise ConnectionResetError("the connection ended before it began")
        frames = wire.feed(data)
        if frames:
            return frames


def _say_error(writer: asyncio.StreamWriter, error: EyespotError) -> None:
    text = error.what.replace("'", "").replace("\r", "").replace("\n", "")
    with contextlib.suppress(OSError):
        writer.write(f"-ERR '{text}'\r\n".encode())


def _is_unread(writer: asyncio.StreamWriter) -> bool:
    return writer.transport.get_write_buffer_size() > 0 or unread_bytes(writer.get_extra_info("socket")) > 0
