"""Forgets events that are older than they are to be kept, and their pictures."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from eyespot.edge.events.store import EventStore
from eyespot.edge.process import HostProcess
from eyespot.kernel.clock import from_seconds
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)

EVERY_S = 600.0
_DAY_S = 86_400.0


class EventRetention:
    """A service; looks every ten minutes."""

    name = "event-retention"

    def __init__(self, store: EventStore, process: HostProcess, days: Callable[[], float]) -> None:
        self._store = store
        self._process = process
        self._days = days
        self._forgotten = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Forget until ``stop``."""
        while not stop.is_set():
            try:
                await asyncio.to_thread(self.forget)
            except EyespotError as error:
                log.warning("%s", error)
            try:
                await asyncio.wait_for(stop.wait(), EVERY_S)
            except TimeoutError:
                continue

    def forget(self) -> None:
        """Delete old events, a few hundred at a time, and their pictures."""
        before_ns = self._process.clock.wall_ns() - from_seconds(self._days() * _DAY_S)
        while True:
            before = self._store.count()
            for picture in self._store.forget_before(before_ns):
                (self._process.layout.media_dir / picture).unlink(missing_ok=True)
            gone = before - self._store.count()
            self._forgotten += max(0, gone)
            if gone <= 0:
                return

    def status(self) -> dict[str, Any]:
        return {"forgotten": self._forgotten}
