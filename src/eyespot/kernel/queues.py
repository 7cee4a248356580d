"""A bounded queue that says what it drops and counts it."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class QueueStats:
    """Counters since the queue was made."""

    accepted: int = 0
    dropped: int = 0
    peak_items: int = 0


class DroppingQueue(Generic[T]):
    """First in, first out; when ``max_items`` or ``max_bytes`` is passed the *oldest* goes and is counted.

    For one event loop. ``put`` never waits.
    """

    def __init__(
        self, max_items: int, *, max_bytes: int | None = None, size_of: Callable[[T], int] | None = None
    ) -> None:
        self._items: deque[T] = deque()
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._size_of = size_of
        self._bytes = 0
        self._ready = asyncio.Event()
        self.stats = QueueStats()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> int:
        """Add ``item``; returns how many older items were dropped for it."""
        self._items.append(item)
        self._bytes += self._size(item)
        dropped = 0
        while len(self._items) > 1 and self._over():
            self._bytes -= self._size(self._items.popleft())
            dropped += 1
        self.stats.accepted += 1
        self.stats.dropped += dropped
        self.stats.peak_items = max(self.stats.peak_items, len(self._items))
        self._ready.set()
        return dropped

    async def get(self) -> T:
        """The oldest item, waiting for one."""
        while not self._items:
            self._ready.clear()
            await self._ready.wait()
        item = self._items.popleft()
        self._bytes -= self._size(item)
        return item

    def clear(self) -> int:
        """Drop everything; returns how many items went (counted as dropped)."""
        gone = len(self._items)
        self._items.clear()
        self._bytes = 0
        self.stats.dropped += gone
        return gone

    def _size(self, item: T) -> int:
        return self._size_of(item) if self._size_of else 0

    def _over(self) -> bool:
        return len(self._items) > self._max_items or (self._max_bytes is not None and self._bytes > self._max_bytes)
