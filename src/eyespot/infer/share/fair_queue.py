"""Who runs next on a shared accelerator. Pure and deterministic: time is handed in, nothing waits or runs here.

Start-time fair queueing over *measured* run time (Goyal, Vin and Cheng, SIGCOMM 1996), a client's weight being its
guaranteed share. Every client has a virtual time: the run time it had, divided by its share. The client that is
furthest behind goes next, so clients that always have work get run time in proportion to their shares, whatever one of
their runs costs. What a client does not use is split among the others (work-conserving); idling saves nothing up: a
client that comes back starts level with those at work.

Priority buys promptness, never share: a client of higher priority goes before others that are further behind, up to
``burst_ns`` of run time ahead of its share, and pays that back before it may do so again.

A request whose deadline has passed is never started: it is dropped and counted.
"""

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found

J = TypeVar("J")

MAX_CLIENTS = 64
MAX_WAITING = 1024
LEAST_SHARE = 0.01
_ROUNDING = 1e-9
_NEWEST = 0.25
"""Weight of the newest run in a client's expected run time."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a client was promised.

    Attributes:
        share: guaranteed part of the accelerator's run time, 0.01 to 1; all clients' together are 1 at most.
        priority: higher goes first within its share, -100 to 100.
        max_waiting: requests that may wait at a time.
    """

    share: float
    priority: int = 0
    max_waiting: int = 16

    def __post_init__(self) -> None:
        if not LEAST_SHARE <= self.share <= 1:
            raise invalid(f"A share of {self.share} is impossible.", f"Choose from {LEAST_SHARE} to 1.")
        if not -100 <= self.priority <= 100:
            raise invalid(f"Priority {self.priority} is impossible.", "Choose from -100 to 100.")
        if not 1 <= self.max_waiting <= MAX_WAITING:
            raise invalid(f"A queue of {self.max_waiting} is impossible.", f"Choose from 1 to {MAX_WAITING}.")


@dataclass(slots=True)
class ClientStats:
    """Counters since the client joined; ``late`` were dropped unstarted, ``refused`` found the queue full."""

    submitted: int = 0
    done: int = 0
    refused: int = 0
    late: int = 0
    withdrawn: int = 0
    run_ns: int = 0
    waited_ns: int = 0
    worst_wait_ns: int = 0


@dataclass(slots=True)
class _Client(Generic[J]):
    name: str
    terms: Terms
    order: int
    virtual_ns: float
    waiting: deque["Request[J]"] = field(default_factory=deque)
    running: int = 0
    expected_ns: float = 0.0
    stats: ClientStats = field(default_factory=ClientStats)


@dataclass(frozen=True, slots=True, eq=False)
class Request(Generic[J]):
    """One piece of work that waits or runs; ``charged_ns`` is the virtual time its client was charged in advance."""

    client: str
    job: J
    arrived_ns: int
    deadline_ns: int | None
    charged_ns: float = 0.0


@dataclass(frozen=True, slots=True)
class Turn(Generic[J]):
    """What ``next`` decided: the request to run, if any, and those dropped because their deadline has passed."""

    run: Request[J] | None
    late: tuple[Request[J], ...]


class FairQueue(Generic[J]):
    """Requests of named clients for one accelerator. Not thread-safe.

    Args:
        burst_ns: run time that priority may take ahead of a client's share.
    """

    def __init__(self, *, burst_ns: int = 50_000_000) -> None:
        self._burst_ns = burst_ns
        self._clients: dict[str, _Client[J]] = {}
        self._virtual_ns = 0.0
        self._joined = 0

    def join(self, name: str, terms: Terms) -> None:
        """Admit a client; raises ``CONFLICT`` for a name taken, ``EXHAUSTED`` when that much share is not left."""
        if name in self._clients:
            raise EyespotError(Kind.CONFLICT, f"There is an inference client '{name}' already.")
        left = self.unreserved
        if len(self._clients) >= MAX_CLIENTS:
            raise EyespotError(Kind.EXHAUSTED, f"There are {MAX_CLIENTS} inference clients already.")
        if terms.share > left + _ROUNDING:
            raise EyespotError(
                Kind.EXHAUSTED,
                f"Client '{name}' asks for {terms.share:.0%} of the accelerator, {left:.0%} is left.",
                "Give it, or others, a smaller share.",
            )
        self._admit(name, terms)

    def change(
        self, changed: Mapping[str, Terms], joining: Mapping[str, Terms], leaving: Collection[str]
    ) -> list[Request[J]]:
        """Give clients other terms, admit some and let some go, all at once or, where it raises, none.

        What waits keeps its place and what was charged stays charged; from now on run time counts by the new shares.

        Returns:
            What those who leave had waiting.

        Raises:
            EyespotError: ``NOT_FOUND`` for a client to be changed or to leave that is not there, ``CONFLICT`` for one
                that joins and is, ``EXHAUSTED`` when the shares come to more than the whole or there are too many.
        """
        for name in (*changed, *leaving):
            self._client(name)
        if taken := [name for name in joining if name in self._clients]:
            raise EyespotError(Kind.CONFLICT, f"There is an inference client '{taken[0]}' already.")
        wanted = {name: item.terms for name, item in self._clients.items() if name not in leaving}
        wanted |= {**changed, **joining}
        total = sum(terms.share for terms in wanted.values())
        if total > 1 + _ROUNDING or len(wanted) > MAX_CLIENTS:
            text = f"{len(wanted)} inference clients ask for {total:.0%} of the accelerator together."
            raise EyespotError(Kind.EXHAUSTED, text, f"Give {MAX_CLIENTS} of them 100 % at most.")
        waiting = [request for name in leaving for request in self.leave(name)]
        for name, terms in changed.items():
            self._clients[name].terms = terms
        for name, terms in joining.items():
            self._admit(name, terms)
        return waiting

    def leave(self, name: str) -> tuple[Request[J], ...]:
        """Forget a client; returns its requests that were waiting. What it has running ends by itself."""
        client = self._clients.pop(name, None)
        return tuple(client.waiting) if client else ()

    @property
    def unreserved(self) -> float:
        """The part of the accelerator that is promised to nobody, 0 to 1."""
        return max(0.0, 1.0 - sum(client.terms.share for client in self._clients.values()))

    @property
    def waiting(self) -> int:
        """Requests that wait, of all clients."""
        return sum(len(client.waiting) for client in self._clients.values())

    def submit(self, name: str, job: J, now_ns: int, deadline_ns: int | None = None) -> Request[J]:
        """Let ``job`` wait for its turn.

        Raises ``EXHAUSTED`` (counted) when the client's queue is full, ``NOT_FOUND`` when there is no such client.
        """
        client = self._client(name)
        if len(client.waiting) >= client.terms.max_waiting:
            client.stats.refused += 1
            raise EyespotError(
                Kind.EXHAUSTED, f"Client '{name}' has {len(client.waiting)} inferences waiting already.", "Ask less."
            )
        if not client.waiting and not client.running:
            client.virtual_ns = max(client.virtual_ns, self._virtual_ns)
        request = Request(name, job, now_ns, deadline_ns)
        client.waiting.append(request)
        client.stats.submitted += 1
        return request

    def withdraw(self, request: Request[J]) -> bool:
        """Take back a request that still waits (counted); False when it runs or is gone."""
        client = self._clients.get(request.client)
        if client is None or request not in client.waiting:
            return False
        client.waiting.remove(request)
        client.stats.withdrawn += 1
        return True

    def next(self, now_ns: int) -> Turn[J]:
        """The request whose turn it is; the caller runs it and calls ``finish``."""
        late = self.drop_late(now_ns)
        client = self._whose_turn()
        if client is None:
            return Turn(None, late)
        waiting = client.waiting.popleft()
        waited_ns = now_ns - waiting.arrived_ns
        client.stats.waited_ns += waited_ns
        client.stats.worst_wait_ns = max(client.stats.worst_wait_ns, waited_ns)
        client.running += 1
        charged_ns = client.expected_ns / client.terms.share
        client.virtual_ns += charged_ns
        run = Request(client.name, waiting.job, waiting.arrived_ns, waiting.deadline_ns, charged_ns)
        return Turn(run, late)

    def finish(self, request: Request[J], run_ns: int | None) -> None:
        """Charge a request that ``next`` handed out with the run time it took, failed or not; None: it never ran."""
        client = self._clients.get(request.client)
        if client is None:
            return
        client.running = max(0, client.running - 1)
        client.virtual_ns += (run_ns or 0) / client.terms.share - request.charged_ns
        if run_ns is None:
            client.stats.withdrawn += 1
            return
        first = not client.stats.done
        client.expected_ns = float(run_ns) if first else client.expected_ns + _NEWEST * (run_ns - client.expected_ns)
        client.stats.done += 1
        client.stats.run_ns += run_ns

    def drop_late(self, now_ns: int) -> tuple[Request[J], ...]:
        """Drop and count what waits past its deadline."""
        late: list[Request[J]] = []
        for client in self._clients.values():
            gone = [item for item in client.waiting if item.deadline_ns is not None and item.deadline_ns <= now_ns]
            if gone:
                client.waiting = deque(
                    item for item in client.waiting if item.deadline_ns is None or item.deadline_ns > now_ns
                )
                client.stats.late += len(gone)
                late += gone
        return tuple(late)

    def status(self) -> dict[str, Any]:
        """JSON-ready terms and counters by client."""
        return {
            client.name: {
                "share": client.terms.share, "priority": client.terms.priority,
                "waiting": len(client.waiting), "running": client.running, **asdict(client.stats),
            }
            for client in self._clients.values()
        }  # fmt: skip

    def stats(self, name: str) -> ClientStats:
        """The client's counters; raises ``NOT_FOUND``."""
        return self._client(name).stats

    def _admit(self, name: str, terms: Terms) -> None:
        self._clients[name] = _Client(name, terms, self._joined, self._virtual_ns)
        self._joined += 1

    def _client(self, name: str) -> _Client[J]:
        client = self._clients.get(name)
        if client is None:
            raise not_found(f"There is no inference client '{name}'.")
        return client

    def _whose_turn(self) -> _Client[J] | None:
        at_work = [client for client in self._clients.values() if client.waiting or client.running]
        ready = [client for client in at_work if client.waiting]
        if not ready:
            return None
        behind_ns = min(client.virtual_ns for client in ready)
        self._virtual_ns = max(self._virtual_ns, min(client.virtual_ns for client in at_work))
        allowed = [item for item in ready if item.virtual_ns - behind_ns <= self._burst_ns / item.terms.share]
        return min(allowed, key=lambda item: (-item.terms.priority, item.virtual_ns, item.order))
