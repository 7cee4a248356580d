"""Footage handed to its readers a packet at a time, in place of the media process's socket.

Readers are what they are on a host (vision, frames); they only take packets from here. Nothing is dropped, because the
next packet is offered when everybody is done with the one before.
"""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from eyespot.contracts.packet import StreamFormat, Unit
from eyespot.media.packet_socket import PacketClient

MAX_UNTAKEN = 4
"""A format and a packet wait at most; more would be a defect, and is raised."""


class Tape(PacketClient):
    """A ``PacketClient`` whose one stream is what ``offer`` is given."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._queues: dict[str, asyncio.Queue[Unit]] = {}
        self._format: StreamFormat | None = None

    @property
    def readers(self) -> set[str]:
        """Who reads now."""
        return set(self._queues)

    @property
    def untaken(self) -> bool:
        """Whether a reader has not taken what was offered."""
        return any(not queue.empty() for queue in self._queues.values())

    def offer(self, unit: Unit) -> None:
        """Hand ``unit`` to all readers; ask ``untaken`` before the next."""
        if isinstance(unit, StreamFormat):
            self._format = unit
        for queue in self._queues.values():
            queue.put_nowait(unit)

    async def units(
        self,
        camera: str,
        stream: str,
        *,
        reader: str,
        max_bytes: int = 0,
        batch_ms: int = 0,
        lossless: bool = False,
        from_key: bool = True,
    ) -> AsyncGenerator[Unit, None]:
        """See ``PacketClient.units``; everybody gets everything from when they joined."""
        queue = self._queues[reader] = asyncio.Queue(MAX_UNTAKEN)
        if self._format is not None:
            queue.put_nowait(self._format)
        try:
            while True:
                yield await queue.get()
        finally:
            if self._queues.get(reader) is queue:
                del self._queues[reader]
