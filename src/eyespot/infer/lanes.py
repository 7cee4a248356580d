"""Lanes: several sessions of one model side by side, one thread and one session each.

Owns the threads and a bounded queue between them and the caller: the highest priority first, equal ones in order of
arrival. Where the session says that several pictures at once cost less, a lane takes as many as wait already and no
other lane is free for; none is ever held back for another. Results come as futures, so a caller that keeps its futures
in order has its results in order. Two one-thread lanes do more work than one session of two threads.
"""

import itertools
import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from eyespot.infer.session import Image, Outputs
from eyespot.kernel.clock import NS_PER_MS, Clock, SystemClock, from_seconds
from eyespot.kernel.errors import EyespotError, Kind

R = TypeVar("R")
RECENT_S, MOST_RECENT, LEAST_RUNS = 10.0, 32, 5
"""The cost of a run is the median of the runs of so many seconds, the last so many, known after so many."""


class Runs(Protocol):
    """A session, here or in another process."""

    def run(self, image: Image, *, borrow: bool = False) -> Outputs:
        """As ``Session.run``."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class RunsBatches(Protocol):
    """A session that may take several pictures at once, as ``Session``."""

    batch_sizes: tuple[int, ...]

    def run_batch(self, images: Sequence[Image]) -> Outputs:
        """As ``Session.run_batch``."""
        ...


@dataclass(slots=True)
class LaneStats:
    """Counters since the lanes were made; ``batches`` are runs of several pictures."""

    submitted: int = 0
    refused: int = 0
    failed: int = 0
    batches: int = 0


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[R]):
    image: Image
    context: Any
    future: Future[R]


class Lanes(Generic[R]):
    """Runs pictures on ``count`` sessions.

    Args:
        make_session: called once in each lane's own thread.
        count: number of lanes.
        run: runs a picture on a session without a copy, one at a time; the third argument is ``context``. None: the
            session's ``run``, or ``run_batch``.
        finish: turns a run's outputs into the result, in the lane's thread and without a copy: usually the head. The
            second argument is what ``submit`` was given as ``context``. None: the result is a copy of the outputs.
        max_waiting: pictures that may wait for a free lane.
        clock: times the runs.
    """

    def __init__(
        self,
        make_session: Callable[[], Runs],
        count: int,
        *,
        run: Callable[[Any, Image, Any], Outputs] | None = None,
        finish: Callable[[Outputs, Any], R] | None = None,
        max_waiting: int = 4,
        clock: Clock | None = None,
    ) -> None:
        self._make_session = make_session
        self._run = run or _run
        self._batches = run is None
        self._idle = 0
        self._picking = threading.Lock()
        self._finish = finish
        self._work: queue.PriorityQueue[tuple[float, int, _Waiting[R] | None]]
        self._work = queue.PriorityQueue(max_waiting + count)
        self._number = itertools.count()
        self._closed = False
        self._clock = clock or SystemClock()
        self._recent: deque[tuple[int, int]] = deque(maxlen=MOST_RECENT)
        self.stats = LaneStats()
        self._threads = [
            threading.Thread(target=self._lane, name=f"lane-{index}", daemon=True) for index in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, image: Image, context: Any = None, *, priority: int = 0) -> Future[R]:
        """Queue one picture; never blocks. Raises ``EXHAUSTED`` (counted) when all lanes and places are taken."""
        future: Future[R] = Future()
        try:
            if self._closed:
                raise queue.Full
            self._work.put_nowait((-priority, next(self._number), _Waiting(image, context, future)))
        except queue.Full:
            self.stats.refused += 1
            raise EyespotError(Kind.EXHAUSTED, "All inference lanes are busy.") from None
        self.stats.submitted += 1
        return future

    @property
    def waiting(self) -> int:
        """Pictures that no lane has taken yet."""
        return self._work.qsize()

    @property
    def cost_ms(self) -> float | None:
        """What a picture of late takes on one lane, ``finish`` included; None while there are too few."""
        since_ns = self._clock.monotonic_ns() - from_seconds(RECENT_S)
        recent = [run_ns for end_ns, run_ns in tuple(self._recent) if end_ns >= since_ns]
        return median(recent) / NS_PER_MS if len(recent) >= LEAST_RUNS else None

    def close(self) -> None:
        """Finish what was submitted, then end the lanes."""
        self._closed = True
        for _ in self._threads:
            self._work.put((math.inf, next(self._number), None))
        for thread in self._threads:
            thread.join()

    def status(self) -> dict[str, Any]:
        """JSON-ready counters."""
        return {"lanes": len(self._threads), "waiting": self.waiting, **asdict(self.stats)}

    def _lane(self) -> None:
        session: Runs | None = None
        while items := self._take(session):
            items = [item for item in items if item.future.set_running_or_notify_cancel()]
            while items:
                count = max((size for size in self._sizes(session) if size <= len(items)), default=1)
                some, items = items[:count], items[count:]
                try:
                    session = session or self._make_session()
                    self._serve(session, some)
                except BaseException as error:  # noqa: BLE001 - even a runtime that exits; it goes to whoever waits, the lane lives on
                    self.stats.failed += len(some)
                    for item in some:
                        item.future.set_exception(error)
        if session is not None:
            session.close()

    def _take(self, session: Runs | None) -> list[_Waiting[R]]:
        """Wait for a picture, and take with it what else waits, where several cost less; empty once closed."""
        with self._picking:
            self._idle += 1
        first = self._work.get()[2]
        with self._picking:
            self._idle -= 1
            if first is None:
                return []
            items = [first]
            spare = 1 + self._work.qsize() - self._idle
            count = max((size for size in self._sizes(session) if size <= spare), default=1)
            while len(items) < count:
                try:
                    entry = self._work.get_nowait()
                except queue.Empty:
                    break
                if entry[2] is None:
                    self._work.put(entry)  # of the lanes' end: it comes after all work, and is another lane's or next
                    break
                items.append(entry[2])
        return items

    def _sizes(self, session: Runs | None) -> tuple[int, ...]:
        return session.batch_sizes if self._batches and isinstance(session, RunsBatches) else ()

    def _serve(self, session: Runs, items: Sequence[_Waiting[R]]) -> None:
        """Run what one run takes; raises, before any future is set, what the session or ``finish`` raised."""
        begin_ns = self._clock.monotonic_ns()
        if len(items) > 1 and isinstance(session, RunsBatches):
            together = session.run_batch([item.image for item in items])
            parts = [tuple(array[place : place + 1] for array in together) for place in range(len(items))]
            results = [self._finished(outputs, item.context) for outputs, item in zip(parts, items, strict=True)]
            self.stats.batches += 1
        else:
            results = [self._finished(self._run(session, item.image, item.context), item.context) for item in items]
        end_ns = self._clock.monotonic_ns()
        for item, result in zip(items, results, strict=True):
            self._recent.append((end_ns, (end_ns - begin_ns) // len(items)))
            item.future.set_result(result)

    def _finished(self, outputs: Outputs, context: Any) -> Any:
        if self._finish is None:
            return tuple(array.copy() for array in outputs)
        return self._finish(outputs, context)


def _run(session: Runs, image: Image, _: Any) -> Outputs:
    return session.run(image, borrow=True)
