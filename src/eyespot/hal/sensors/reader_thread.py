"""A blocking source read in its own thread, its items handed to the event loop through a bounded queue.

Owns the thread and the queue, not what is read. When the loop falls behind, the thread waits: the source's own buffers
(a socket's, a driver's) decide what is lost, as they do for any slow reader.
"""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_QUEUED = 64


class ReaderThread(Generic[T]):
    """Runs the blocking iterator that ``make`` returns.

    Args:
        make: called in the thread; given a function that says whether to stop. Its errors are raised in ``items``.
        name: the thread's name.
    """

    def __init__(self, make: Callable[[Callable[[], bool]], Iterator[T]], name: str) -> None:
        self._make = make
        self._stopping = threading.Event()
        self._room = threading.Condition()
        self._queue: deque[T] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    async def items(self) -> AsyncGenerator[T, None]:
        """What the iterator yields, in order; closing it tells the thread to stop and does not wait for it."""
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._thread.start()
        try:
            while True:
                await self._ready.wait()
                self._ready.clear()
                taken, ended = self._take()
                for item in taken:
                    yield item
                if ended:
                    break
            if self._error is not None:
                raise self._error
        finally:
            self._stopping.set()
            with self._room:
                self._room.notify_all()

    def _take(self) -> tuple[list[T], bool]:
        with self._room:
            taken = list(self._queue)
            self._queue.clear()
            self._room.notify_all()
            return taken, self._ended

    def _work(self) -> None:
        try:
            for item in self._make(self._stopping.is_set):
                if not self._put(item):
                    break
        except Exception as error:  # noqa: BLE001 - whatever it was, it is raised where the items are read
            self._error = error
        with self._room:
            self._ended = True
        self._wake()

    def _put(self, item: T) -> bool:
        with self._room:
            while len(self._queue) >= MAX_QUEUED and not self._stopping.is_set():
                self._room.wait()
            if self._stopping.is_set():
                return False
            self._queue.append(item)
            first = len(self._queue) == 1
        if first:
            self._wake()
        return True

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._ready.set)
        except RuntimeError:  # the loop is closed: nobody reads any more
            self._stopping.set()
