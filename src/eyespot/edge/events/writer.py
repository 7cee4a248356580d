"""From finder to store to bus: events are stored in batches, and published once they are safe."""

import asyncio
from collections.abc import Collection
from typing import Any

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.event import Event
from eyespot.edge.batches import Batches
from eyespot.edge.events.store import EventStore
from eyespot.kernel.clock import Clock

MAX_PENDING = 4096
RETRY_S = 2.0
GATHER_S = 0.05


class EventWriter:
    """A service of a process; see ``Batches``."""

    name = "events"

    def __init__(self, store: EventStore, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._batches: Batches[Event] = Batches(
            store.put_many, clock, most=MAX_PENDING, gather_s=GATHER_S, retry_s=RETRY_S, stored=self._publish
        )

    def submit(self, event: Event) -> None:
        """Take a new state of ``event`` to be stored and published; never waits."""
        self._batches.take(event.id, event)

    async def run(self, stop: asyncio.Event) -> None:
        """See ``Batches.run``."""
        await self._batches.run(stop)

    async def flush(self) -> bool:
        """Store and publish what is pending; False when the store refused (it stays pending)."""
        return await self._batches.flush()

    def status(self) -> dict[str, Any]:
        return self._batches.status()

    async def _publish(self, events: Collection[Event]) -> None:
        for event in events:
            await self._bus.publish(subjects.events(event.camera), event.model_dump_json().encode())
