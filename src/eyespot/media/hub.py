"""One stream, many readers: every unit is shared as it is, each reader has its own bound, and nobody slows the camera.

Owns the fan-out, the GOP cache for late joiners and the counting of what slow readers lose. Never copies a packet. For
one event loop. A reader that overflows loses its *oldest* packets up to a key frame, so what is left can always be
decoded and is the newest there is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.kernel.errors import EyespotError, Kind

GOP_CACHE_BYTES = 16 << 20
MAX_READERS = 256
_UNIT_OVERHEAD_BYTES = 128


@dataclass(slots=True)
class ReaderStats:
    """Counters of one reader since it joined."""

    delivered: int = 0
    dropped: int = 0
    dropped_bytes: int = 0
    overflows: int = 0
    queued: int = 0
    queued_bytes: int = 0


class Reader(AsyncIterator[Unit]):
    """One reader's bounded queue; iterate it, or ``wait`` and ``take`` in batches. Made by ``Hub.reader``."""

    def __init__(self, hub: "Hub", name: str, max_bytes: int, *, lossless: bool) -> None:
        self.name = name
        self.lossless = lossless
        self._hub = hub
        self._max_bytes = max_bytes
        self._queue: deque[Unit] = deque()
        self._bytes = 0
        self._keys = 0
        self._needs_key = True
        self._ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._newest_ns = self._awaited_ns = 0
        self._stats = ReaderStats()

    def stats(self) -> dict[str, Any]:
        """Counters as JSON-ready values."""
        self._stats.queued, self._stats.queued_bytes = len(self._queue), self._bytes
        return asdict(self._stats)

    @property
    def full(self) -> bool:
        """True when the next packet would pass the bound."""
        return self._bytes >= self._max_bytes

    @property
    def ended(self) -> bool:
        """True when nothing more will come and everything was taken."""
        return self._ended and not self._queue

    def close(self) -> None:
        """Leave the hub; drops what is queued and ends a running iteration."""
        self._queue.clear()
        self._bytes = self._keys = 0
        self.end()
        self._hub.leave(self)

    async def __anext__(self) -> Unit:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            await self.wait()
        return self._pop()

    async def wait(self, capture_ns: int = 0) -> None:
        """Return when there is something to take or the stream has ended. For one task at a time.

        With ``capture_ns``, when a packet captured then or later has come or the queue is half full; also after
        ``wake``, so the caller looks with ``has`` and waits again.
        """
        self._awaited_ns = capture_ns
        if self.has(capture_ns):
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def has(self, capture_ns: int) -> bool:
        """Whether ``wait(capture_ns)`` would return at once."""
        if self._ended:
            return True
        return bool(self._queue) and (self._newest_ns >= capture_ns or self._bytes * 2 >= self._max_bytes)

    def take(self, max_bytes: int) -> list[Unit]:
        """What is queued, oldest first, up to ``max_bytes`` of payload but at least one unit; never waits."""
        taken: list[Unit] = []
        room = max_bytes
        while self._queue and (not taken or room > 0):
            unit = self._pop()
            room -= _size(unit)
            taken.append(unit)
        return taken

    def offer(self, unit: Unit) -> None:
        """Queue ``unit``, dropping older packets when it does not fit. Called by the hub.

        A lossless reader takes one unit beyond its bound, and drops only what ``publish`` forces on it after that.
        """
        if self._ended:
            return
        if isinstance(unit, Packet):
            if unit.track == "video" and unit.is_key:
                self._needs_key = False
                self._keys += 1
            elif self._needs_key:
                self._count_drop(unit)
                return
            self._newest_ns = max(self._newest_ns, unit.capture_ns)
        else:
            self._needs_key = True
        was_full = self.full
        self._queue.append(unit)
        self._bytes += _size(unit)
        if self._bytes > self._max_bytes and (was_full or not self.lossless):
            self._make_room()
        if self.has(self._awaited_ns):
            self.wake()

    def end(self) -> None:
        """Nothing more will be offered."""
        self._ended = True
        self.wake()

    def wake(self) -> None:
        """Let a waiting task look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _pop(self) -> Unit:
        unit = self._queue.popleft()
        was_full = self.full
        self._forget(unit)
        self._stats.delivered += 1
        if was_full and self.lossless and not self.full:
            self._hub.room_made()
        return unit

    def _make_room(self) -> None:
        """Drop whole GOPs from the head until the rest fits; the newest dropped format stays at the head.

        The newest GOP alone may pass the bound: then it goes too, and the reader waits for the next key frame.
        """
        self._stats.overflows += 1
        kept: StreamFormat | None = None
        kept_bytes = 0
        while self._queue and self._bytes + kept_bytes > self._max_bytes:
            dropped = False
            while self._queue and not (dropped and _starts_gop(self._queue[0])):
                unit = self._queue.popleft()
                self._forget(unit)
                if isinstance(unit, StreamFormat):
                    kept, kept_bytes = unit, _size(unit)
                else:
                    dropped = True
                    self._count_drop(unit)
        if not self._keys:
            self._needs_key = True
        if kept is not None:
            self._queue.appendleft(kept)
            self._bytes += kept_bytes

    def _forget(self, unit: Unit) -> None:
        self._bytes -= _size(unit)
        if _starts_gop(unit):
            self._keys -= 1

    def _count_drop(self, packet: Packet) -> None:
        self._stats.dropped += 1
        self._stats.dropped_bytes += len(packet.data)


class Hub:
    """The meeting point of one camera stream.

    Args:
        name: for logs and status.
        gop_cache_bytes: most bytes kept since the last key frame for readers that join later; a longer GOP is not
            cached, and joiners wait for the next key frame.
    """

    def __init__(self, name: str, *, gop_cache_bytes: int = GOP_CACHE_BYTES) -> None:
        self.name = name
        self._readers: list[Reader] = []
        self._format: StreamFormat | None = None
        self._gop: list[Packet] = []
        self._gop_bytes = 0
        self._gop_cache_bytes = gop_cache_bytes
        self._room = asyncio.Event()
        self._closed = False
        self._waiting = False

    @property
    def is_waiting(self) -> bool:
        """True while ``publish_wait`` waits for a lossless reader."""
        return self._waiting

    @property
    def format(self) -> StreamFormat | None:
        """The format of the packets that flow now; None before the first."""
        return self._format

    def publish(self, unit: Unit) -> None:
        """Hand ``unit`` to every reader; never waits."""
        if isinstance(unit, StreamFormat):
            self._format = unit
            self._forget_gop()
        else:
            self._remember(unit)
        for reader in self._readers:
            reader.offer(unit)

    async def publish_wait(self, unit: Unit) -> None:
        """Like ``publish``, but wait first while a lossless reader is full."""
        try:
            while any(reader.lossless and reader.full for reader in self._readers):
                self._waiting = True
                self._room.clear()
                await self._room.wait()
        finally:
            self._waiting = False
        self.publish(unit)

    def reader(self, name: str, *, max_bytes: int, lossless: bool = False, from_key: bool = True) -> Reader:
        """Join: the format and, with ``from_key``, the packets since the last key frame come first; without it the
        reader starts at the next key frame.

        Raises:
            EyespotError: ``EXHAUSTED`` when the stream already has ``MAX_READERS`` readers.
        """
        if len(self._readers) >= MAX_READERS:
            raise EyespotError(
                Kind.EXHAUSTED, f"Stream {self.name} already has {MAX_READERS} readers.", "Close some viewers."
            )
        reader = Reader(self, name, max_bytes, lossless=lossless)
        if self._format is not None:
            reader.offer(self._format)
            for packet in self._gop if from_key else ():
                reader.offer(packet)
        if self._closed:
            reader.end()
        else:
            self._readers.append(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget ``reader``; does nothing when it is gone already."""
        if reader in self._readers:
            self._readers.remove(reader)
            self.room_made()

    def room_made(self) -> None:
        """A lossless reader took something: let a waiting publisher look again."""
        self._room.set()

    def close(self) -> None:
        """The stream is over: readers get what is queued, then end."""
        self._closed = True
        for reader in self._readers:
            reader.end()
        self._readers.clear()
        self.room_made()

    def status(self) -> dict[str, Any]:
        """Readers and cache as JSON-ready values."""
        return {
            "readers": {reader.name: reader.stats() for reader in self._readers},
            "gop_packets": len(self._gop),
            "gop_bytes": self._gop_bytes,
        }

    def _remember(self, packet: Packet) -> None:
        if packet.track == "video" and packet.is_key:
            self._forget_gop()
        elif not self._gop:
            return
        self._gop.append(packet)
        self._gop_bytes += _size(packet)
        if self._gop_bytes > self._gop_cache_bytes:
            self._forget_gop()

    def _forget_gop(self) -> None:
        self._gop = []
        self._gop_bytes = 0


def _size(unit: Unit) -> int:
    return (len(unit.data) if isinstance(unit, Packet) else len(unit.video.configuration)) + _UNIT_OVERHEAD_BYTES


def _starts_gop(unit: Unit) -> bool:
    return isinstance(unit, Packet) and unit.is_key and unit.track == "video"
