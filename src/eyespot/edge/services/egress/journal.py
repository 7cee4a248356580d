"""From the proxies to the store: what happened is stored in batches, off the event loop."""

import asyncio
import logging
from typing import Any

from eyespot.edge.services.egress.record import Connection
from eyespot.edge.services.egress.store import EgressStore
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)

MAX_PENDING = 2048
GATHER_S = 1.0
"""How long connections gather before a write: one disk flush then serves them all."""


class Journal:
    """A service of the process; ``note`` never waits. Of one connection only the newest state waits to be written.

    While the disk refuses, what happened is kept and tried again; beyond ``MAX_PENDING`` it is dropped and counted.
    """

    name = "egress-journal"

    def __init__(self, store: EgressStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._pending: dict[str, Connection] = {}
        self._ready = asyncio.Event()
        self._stored = self._dropped = 0
        self._error = ""

    def note(self, connection: Connection) -> None:
        """Take a new state of ``connection``."""
        if connection.id not in self._pending and len(self._pending) >= MAX_PENDING:
            self._dropped += 1
            return
        self._pending[connection.id] = connection
        self._ready.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop``, then write what is left once more."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                ready = asyncio.create_task(self._ready.wait())
                await asyncio.wait((ready, stopping), return_when=asyncio.FIRST_COMPLETED)
                ready.cancel()
                gathering = asyncio.create_task(self._clock.sleep(GATHER_S))
                await asyncio.wait((gathering, stopping), return_when=asyncio.FIRST_COMPLETED)
                gathering.cancel()
                await self.flush()
        finally:
            stopping.cancel()
        await self.flush()

    async def flush(self) -> None:
        """Store what is pending; it stays pending where the store refuses."""
        self._ready.clear()
        batch, self._pending = self._pending, {}
        if not batch:
            return
        try:
            await asyncio.to_thread(self._store.put, batch.values())
        except EyespotError as error:
            if str(error) != self._error:
                log.error("%s", error)
            self._error = str(error)
            self._pending = {**batch, **self._pending}
            self._ready.set()
            return
        self._error = ""
        self._stored += len(batch)

    def status(self) -> dict[str, Any]:
        return {
            "stored": self._stored, "pending": len(self._pending), "dropped": self._dropped, "error": self._error,
        }  # fmt: skip
