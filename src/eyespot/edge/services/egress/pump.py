"""Bytes both ways between two streams, counted, held to a rate, and ended when nothing comes any more."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from eyespot.edge.services.bucket import Bucket
from eyespot.edge.services.egress.limits import Counters
from eyespot.kernel.clock import Clock, from_seconds, seconds

STREAM_LIMIT_BYTES = 16_384
"""Read ahead of a stream; asyncio holds at most twice as much."""
_READ_BYTES = 32_768


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __post_init__(self) -> None:
        self.writer.transport.set_write_buffer_limits(high=_READ_BYTES)


class Pump:
    """Between ``inner`` (the service) and ``outer``, once.

    Args:
        counters: of the service; grow as bytes pass.
        bucket: bytes a second of the whole service; None: no bound.

    Attributes:
        sent_bytes: from ``inner`` to ``outer``.
    """

    def __init__(
        self, inner: End, outer: End, clock: Clock, idle_s: float, counters: Counters, bucket: Bucket | None
    ) -> None:
        self.sent_bytes = self.received_bytes = 0
        self._inner, self._outer = inner, outer
        self._clock = clock
        self._idle_s = idle_s
        self._counters = counters
        self._bucket = bucket
        self._heard_ns = clock.monotonic_ns()

    async def run(self, early: bytes) -> Literal["ended", "idle"]:
        """Until both ends are done, one breaks, or both are silent.

        Args:
            early: what the service had sent already.
        """
        ways = {asyncio.create_task(self._send(early)), asyncio.create_task(self._receive())}
        silence = asyncio.create_task(self._silence())
        try:
            pending: set[asyncio.Task[None]] = {*ways, silence}
            while pending & ways:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                if silence in done:
                    return "idle"
                if any(task.exception() for task in done):
                    return "ended"
            return "ended"
        finally:
            for task in (*ways, silence):
                task.cancel()
            await asyncio.gather(*ways, silence, return_exceptions=True)

    async def _send(self, data: bytes) -> None:
        while data or (data := await self._inner.reader.read(_READ_BYTES)):
            self.sent_bytes += len(data)
            self._counters.sent_bytes += len(data)
            await self._pass(data, self._outer.writer)
            data = b""
        self._outer.writer.write_eof()

    async def _receive(self) -> None:
        while data := await self._outer.reader.read(_READ_BYTES):
            self.received_bytes += len(data)
            self._counters.received_bytes += len(data)
            await self._pass(data, self._inner.writer)
        self._inner.writer.write_eof()

    async def _pass(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        self._heard_ns = self._clock.monotonic_ns()
        if self._bucket is not None and (wait_s := self._bucket.take(len(data))) > 0:
            await self._clock.sleep(wait_s)
        writer.write(data)
        await writer.drain()

    async def _silence(self) -> None:
        """Return once nothing was said for too long."""
        while (silent_ns := self._clock.monotonic_ns() - self._heard_ns) < from_seconds(self._idle_s):
            await self._clock.sleep(max(0.001, self._idle_s - seconds(silent_ns)))
