"""From the proxies to the store: every connection is noted, and stored in batches."""

import asyncio
from typing import Any

from eyespot.edge.batches import Batches
from eyespot.edge.services.egress.record import Connection
from eyespot.edge.services.egress.store import EgressStore
from eyespot.kernel.clock import Clock

MAX_PENDING = 2048
GATHER_S = 1.0
RETRY_S = 1.0


class Journal:
    """A service of the process; see ``Batches``."""

    name = "egress-journal"

    def __init__(self, store: EgressStore, clock: Clock) -> None:
        self._batches: Batches[Connection] = Batches(
            store.put, clock, most=MAX_PENDING, gather_s=GATHER_S, retry_s=RETRY_S
        )

    def note(self, connection: Connection) -> None:
        """Take a new state of ``connection``; never waits."""
        self._batches.take(connection.id, connection)

    async def run(self, stop: asyncio.Event) -> None:
        """See ``Batches.run``."""
        await self._batches.run(stop)

    async def flush(self) -> bool:
        """Store what is pending; False when the store refused (it stays pending)."""
        return await self._batches.flush()

    def status(self) -> dict[str, Any]:
        return self._batches.status()
