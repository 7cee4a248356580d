"""A shared accelerator at work: clients hand in work, lanes (one thread each) run it in the fair queue's order.

A model is opened once in each lane that runs it, and shared by all clients. What a client hands in is a function of the
opened model, run in a lane's thread; requests carry what that function holds, typically a reference to a frame.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from eyespot.infer.share.fair_queue import ClientStats, FairQueue, Request, Terms
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind, unavailable

R = TypeVar("R")


class Opened(Protocol):
    """A model opened in a lane: a ``Session`` or what an accelerator loaded."""

    def close(self) -> None: ...


M = TypeVar("M", bound=Opened)


class SharedModel(Generic[M]):
    """A model that clients may run; ``open_one`` is called once in each lane that needs it."""

    def __init__(self, name: str, open_one: Callable[[], M]) -> None:
        self.name = name
        self.open_one = open_one
        self.forgotten = False


@dataclass(frozen=True, slots=True)
class _Work:
    model: SharedModel[Any]
    run: Callable[[Any], Any]
    future: "Future[Any]"


class Client:
    """One user of a shared accelerator. Thread-safe."""

    def __init__(self, shared: "SharedAccelerator", name: str) -> None:
        self._shared = shared
        self.name = name

    def submit(self, model: SharedModel[M], run: Callable[[M], R], *, deadline_ns: int | None = None) -> "Future[R]":
        """Queue ``run`` of the opened ``model``; never blocks.

        The future raises what ``run`` raised, or ``UNAVAILABLE`` when the work had not been started at ``deadline_ns``
        (monotonic). Cancelling a future that waits frees its place. Raises ``EXHAUSTED`` (counted) when too many wait.
        """
        return self._shared.submit(self.name, model, run, deadline_ns)

    @property
    def stats(self) -> ClientStats:
        """Counters since it joined."""
        return self._shared.stats(self.name)

    def leave(self) -> None:
        """Give the share back; what waits fails with ``UNAVAILABLE``."""
        self._shared.leave(self.name)


class SharedAccelerator:
    """Runs the clients' work.

    Args:
        lanes: threads, and sessions of each model, side by side.
        burst_ns: run time that priority may take ahead of a client's share.
    """

    def __init__(self, clock: Clock, *, lanes: int = 1, burst_ns: int = 50_000_000) -> None:
        self._clock = clock
        self._queue: FairQueue[_Work] = FairQueue(burst_ns=burst_ns)
        self._changed = threading.Condition()
        self._closed = False
        self._opening_failed = 0
        self._threads = [
            threading.Thread(target=self._lane, name=f"share-{index}", daemon=True) for index in range(lanes)
        ]
        for thread in self._threads:
            thread.start()

    def join(self, name: str, terms: Terms) -> Client:
        """Admit a client; raises as ``FairQueue.join``."""
        with self._changed:
            self._queue.join(name, terms)
        return Client(self, name)

    def change(self, changed: Mapping[str, Terms], joining: Mapping[str, Terms], leaving: Collection[str]) -> None:
        """Other terms from now on, all at once; what those who leave have waiting fails. Raises as ``FairQueue``."""
        with self._changed:
            waiting = self._queue.change(changed, joining, leaving)
        for request in waiting:
            _fail((request,), unavailable(f"Inference client '{request.client}' has left."))

    def leave(self, name: str) -> None:
        """Let a client go; what it has waiting fails."""
        with self._changed:
            waiting = self._queue.leave(name)
        _fail(waiting, unavailable(f"Inference client '{name}' has left."))

    def submit(
        self, name: str, model: SharedModel[M], run: Callable[[M], R], deadline_ns: int | None = None
    ) -> "Future[R]":
        """See ``Client.submit``."""
        future: Future[R] = Future()
        with self._changed:
            if self._closed:
                raise unavailable("The shared accelerator is closed.")
            now_ns = self._clock.monotonic_ns()
            late = self._queue.drop_late(now_ns)
            try:
                request = self._queue.submit(name, _Work(model, run, future), now_ns, deadline_ns)
                self._changed.notify()
            finally:
                _fail(late, _late())
        future.add_done_callback(lambda done: self._withdraw(request) if done.cancelled() else None)
        return future

    def stats(self, name: str) -> ClientStats:
        """The counters of a client."""
        return self._queue.stats(name)

    def status(self) -> dict[str, Any]:
        """JSON-ready counters."""
        with self._changed:
            return {
                "lanes": len(self._threads), "waiting": self._queue.waiting,
                "unreserved": round(self._queue.unreserved, 4), "failed_to_open": self._opening_failed,
                "clients": self._queue.status(),
            }  # fmt: skip

    def forget(self, model: SharedModel[Any]) -> None:
        """Close ``model`` in every lane, each when it is next free; it is not submitted afterwards."""
        with self._changed:
            model.forgotten = True
            self._changed.notify_all()

    def close(self) -> None:
        """Finish what was submitted, close the models and end the lanes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _withdraw(self, request: Request[_Work]) -> None:
        with self._changed:
            self._queue.withdraw(request)

    def _lane(self) -> None:
        opened: dict[SharedModel[Any], Opened] = {}
        while (request := self._take(opened)) is not None:
            self._serve(request, opened)
        for model in opened.values():
            model.close()

    def _take(self, opened: dict[SharedModel[Any], Opened]) -> Request[_Work] | None:
        """Wait for work; None once closed and empty."""
        while True:
            for model in [model for model in opened if model.forgotten]:
                opened.pop(model).close()
            with self._changed:
                turn = self._queue.next(self._clock.monotonic_ns())
                if turn.run is None and not turn.late:
                    if self._closed:
                        return None
                    self._changed.wait()
            _fail(turn.late, _late())
            if turn.run is not None:
                return turn.run

    def _serve(self, request: Request[_Work], opened: dict[SharedModel[Any], Opened]) -> None:
        work = request.job
        if not work.future.set_running_or_notify_cancel():
            self._finish(request, None)
            return
        run_ns: int | None = None
        try:
            model = self._opened(work.model, opened)
            begin_ns = self._clock.monotonic_ns()
            try:
                result = work.run(model)
            finally:
                run_ns = self._clock.monotonic_ns() - begin_ns
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the future; the lane lives on
            self._finish(request, run_ns)
            work.future.set_exception(error)
        else:
            self._finish(request, run_ns)
            work.future.set_result(result)

    def _finish(self, request: Request[_Work], run_ns: int | None) -> None:
        """Before the future is set: whoever it wakes sees the counters."""
        with self._changed:
            self._queue.finish(request, run_ns)

    def _opened(self, model: SharedModel[Any], opened: dict[SharedModel[Any], Opened]) -> Any:
        """The model in this lane; opening it is not charged to the client that happens to come first."""
        if model not in opened:
            try:
                opened[model] = model.open_one()
            except Exception:  # counted, and raised on to the caller
                self._opening_failed += 1
                raise
        return opened[model]


def _late() -> EyespotError:
    return EyespotError(
        Kind.UNAVAILABLE, "The inference was dropped: its deadline passed while it waited.", "Ask less, or later."
    )


def _fail(requests: tuple[Request[_Work], ...], error: EyespotError) -> None:
    """Tell those who wait; their callbacks may submit again (the lock is one that its holder may take again)."""
    for request in requests:
        if request.job.future.set_running_or_notify_cancel():
            request.job.future.set_exception(error)
