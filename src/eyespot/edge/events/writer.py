"""From finder to store to bus: events are stored in batches off the event loop, and published once they are safe."""

import asyncio
import logging
from typing import Any

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.event import Event
from eyespot.edge.events.store import EventStore
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)

MAX_PENDING = 4096
RETRY_S = 2.0
GATHER_S = 0.05
"""How long events gather before a write: one disk flush then serves them all."""


class EventWriter:
    """A service; ``submit`` never waits. Of one event only the newest state waits to be written.

    While the disk refuses, events are kept and tried again; beyond ``MAX_PENDING`` new ones are dropped and counted.
    """

    name = "events"

    def __init__(self, store: EventStore, bus: Bus, clock: Clock) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._pending: dict[str, Event] = {}
        self._ready = asyncio.Event()
        self._stored = self._dropped = self._failures = 0
        self._error = ""

    def submit(self, event: Event) -> None:
        """Take a new state of ``event`` to be stored and published."""
        if event.id not in self._pending and len(self._pending) >= MAX_PENDING:
            self._dropped += 1
            return
        self._pending[event.id] = event
        self._ready.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until ``stop``, then write what is left once more."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                ready = asyncio.create_task(self._ready.wait())
                await asyncio.wait((ready, stopping), return_when=asyncio.FIRST_COMPLETED)
                ready.cancel()
                if not stop.is_set():
                    await self._clock.sleep(GATHER_S)
                if not await self.flush() and not stop.is_set():
                    await self._clock.sleep(RETRY_S)
        finally:
            stopping.cancel()
        await self.flush()

    async def flush(self) -> bool:
        """Store and publish what is pending; False when the store refused (it stays pending)."""
        self._ready.clear()
        batch, self._pending = self._pending, {}
        if not batch:
            return True
        try:
            await asyncio.to_thread(self._store.put_many, batch.values())
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
        for event in batch.values():
            await self._bus.publish(subjects.events(event.camera), event.model_dump_json().encode())
        return True

    def status(self) -> dict[str, Any]:
        return {
            "stored": self._stored,
            "dropped": self._dropped,
            "pending": len(self._pending),
            "failures": self._failures,
            "error": self._error,
        }
