"""From finder to store: what was found is stored in batches off the event loop, so that one disk flush serves many."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Generic, TypeVar

from eyespot.edge.pause import first_of
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Batches(Generic[T]):
    """``take`` never waits. Of one thing only the newest state waits to be written.

    While the disk refuses, what waits is kept and tried again; beyond ``most`` new things are dropped and counted.

    Args:
        store: writes a batch; blocks, and raises ``EyespotError`` when it cannot.
        most: things that may wait.
        gather_s: how long things gather before a write.
        retry_s: how long a store that refused is left alone.
        stored: told of each batch once it is safe.
    """

    def __init__(
        self,
        store: Callable[[Collection[T]], None],
        clock: Clock,
        *,
        most: int,
        gather_s: float,
        retry_s: float,
        stored: Callable[[Collection[T]], Awaitable[None]] | None = None,
    ) -> None:
        self._store, self._clock, self._after = store, clock, stored
        self._most, self._gather_s, self._retry_s = most, gather_s, retry_s
        self._pending: dict[str, T] = {}
        self._ready = asyncio.Event()
        self._stored = self._dropped = self._failures = 0
        self._error = ""

    def take(self, key: str, item: T) -> None:
        """``item`` is the newest state of what ``key`` names."""
        if key not in self._pending and len(self._pending) >= self._most:
            self._dropped += 1
            return
        self._pending[key] = item
        self._ready.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop``, then write what is left once more."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                ready = asyncio.create_task(self._ready.wait())
                await asyncio.wait((ready, stopping), return_when=asyncio.FIRST_COMPLETED)
                ready.cancel()
                await first_of(stop, self._clock, self._gather_s)
                if not await self.flush():
                    await first_of(stop, self._clock, self._retry_s)
        finally:
            stopping.cancel()
        await self.flush()

    async def flush(self) -> bool:
        """Store what is pending; False when the store refused (it stays pending)."""
        self._ready.clear()
        batch, self._pending = self._pending, {}
        if not batch:
            return True
        try:
            await asyncio.to_thread(self._store, batch.values())
        except EyespotError as error:
            self._failures += 1
            if str(error) != self._error:
                log.error("%s", error)
            self._error = str(error)
            self._pending = {**batch, **self._pending}
            self._ready.set()
            return False
        self._error = ""
        self._stored += len(batch)
        if self._after is not None:
            await self._after(batch.values())
        return True

    def status(self) -> dict[str, Any]:
        """JSON-ready counters."""
        return {
            "stored": self._stored,
            "dropped": self._dropped,
            "pending": len(self._pending),
            "failures": self._failures,
            "error": self._error,
        }
