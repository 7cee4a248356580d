"""The journal of connections: what is kept, what gives way, what a dead process leaves."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from eyespot.edge.services.egress.journal import MAX_PENDING, Journal
from eyespot.edge.services.egress.record import Connection
from eyespot.edge.services.egress.store import KEPT_MADE, KEPT_REFUSED, EgressStore
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import unavailable


def one(number: int, service: str = "probe", **more: object) -> Connection:
    return replace(Connection(f"{number:026}", service, number, "example.org", 443), **more)  # type: ignore[arg-type]


def test_the_newest_state_of_each_is_kept(tmp_path: Path) -> None:
    store = EgressStore(tmp_path / "egress.db")
    store.put([one(1), one(2, outcome="refused", why="not granted")])
    store.put([one(1, outcome="ended", sent_bytes=5)])
    assert [(found.outcome, found.sent_bytes) for found in store.newest("probe")] == [("ended", 5), ("refused", 0)]
    assert store.newest("other") == []
    store.close()


def test_those_of_one_millisecond_are_in_order_too(tmp_path: Path) -> None:
    store = EgressStore(tmp_path / "egress.db")
    store.put([replace(one(1), wall_ns=20), replace(one(2), wall_ns=10), one(30)])
    assert [found.wall_ns for found in store.newest("probe")] == [10, 20, 30]
    store.close()


def test_a_flood_of_refused_attempts_pushes_out_nothing_that_was_sent(tmp_path: Path) -> None:
    store = EgressStore(tmp_path / "egress.db")
    store.put([one(1, outcome="ended"), one(1_000_000, service="other", outcome="ended")])
    store.put(one(number, outcome="refused") for number in range(2, 3000))
    found = store.newest("probe", 10_000)
    assert (found[0].outcome, len(found)) == ("ended", 1 + KEPT_REFUSED)
    assert found[-1].id == one(2999).id
    store.put(one(number, outcome="ended") for number in range(3000, 3000 + 2 * KEPT_MADE))
    assert len(store.newest("probe", 10_000)) == KEPT_MADE + KEPT_REFUSED
    assert len(store.newest("other")) == 1
    store.close()


def test_what_was_open_when_the_process_died_is_told_as_such(tmp_path: Path) -> None:
    EgressStore(tmp_path / "egress.db").put([one(1), one(2, outcome="idle")])
    store = EgressStore(tmp_path / "egress.db")
    store.interrupt()
    assert [found.outcome for found in store.newest("probe")] == ["interrupted", "idle"]
    store.close()


class FailingStore(EgressStore):
    """Refuses as often as it is told."""

    failures = 1

    def put(self, connections: Iterable[Connection]) -> None:
        if self.failures:
            self.failures -= 1
            raise unavailable("The disk is away.")
        super().put(connections)


async def test_what_the_disk_refused_is_written_later_and_there_is_a_bound(tmp_path: Path) -> None:
    store = FailingStore(tmp_path / "egress.db")
    journal = Journal(store, SystemClock())
    for number in range(MAX_PENDING + 7):
        journal.note(one(number, service=f"s{number % 9}"))
    journal.note(one(0, service="s0", outcome="ended"))
    await journal.flush()
    assert journal.status() == {
        "stored": 0,
        "dropped": 7,
        "pending": MAX_PENDING,
        "failures": 1,
        "error": "The disk is away.",
    }
    stop = asyncio.Event()
    stop.set()
    await journal.run(stop)
    assert journal.status() == {"stored": MAX_PENDING, "dropped": 7, "pending": 0, "failures": 1, "error": ""}
    assert store.newest("s0", 10_000)[0].outcome == "ended"
    store.close()
