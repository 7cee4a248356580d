"""Simulated time: a clock that stands still until a test lets it go on: ten minutes of back-off take milliseconds."""

import asyncio
import heapq
import itertools

from eyespot.kernel.clock import NS_PER_S, from_seconds

SETTLE_TURNS = 20


class SimClock:
    """A ``kernel.clock.Clock`` whose time passes only in ``advance``.

    Sleepers wake in the order of their times, each seeing exactly its own time on the clock. Use it on one event loop;
    work done in threads is not waited for.
    """

    def __init__(self, *, monotonic_ns: int = 1_000 * NS_PER_S, wall_ns: int = 1_700_000_000 * NS_PER_S) -> None:
        self._now_ns = monotonic_ns
        self._wall_offset_ns = wall_ns - monotonic_ns
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def monotonic_ns(self) -> int:
        return self._now_ns

    def wall_ns(self) -> int:
        return self._now_ns + self._wall_offset_ns

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has advanced the clock by ``seconds``; 0 or less only yields to other tasks."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_ns + from_seconds(seconds), next(self._order), waiter))
        await waiter

    @property
    def sleeping(self) -> int:
        """How many tasks are asleep."""
        return sum(not waiter.done() for _, _, waiter in self._sleepers)

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward (or back, when negative) as an operator or NTP would; monotonic time stays."""
        self._wall_offset_ns += from_seconds(seconds)

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass: wake every sleeper that is due, in order, and let the tasks it wakes run."""
        until_ns = self._now_ns + from_seconds(seconds)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= until_ns:
            due_ns, _, waiter = heapq.heappop(self._sleepers)
            if waiter.done():
                continue
            self._now_ns = max(self._now_ns, due_ns)
            waiter.set_result(None)
            await settle()
        self._now_ns = until_ns
        await settle()


async def settle() -> None:
    """Let ready tasks run until they wait for something (``SETTLE_TURNS`` turns of the event loop)."""
    for _ in range(SETTLE_TURNS):
        await asyncio.sleep(0)
