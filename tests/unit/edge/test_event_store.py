"""The event store: kept, found, ended, forgotten, and shared by several processes."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.contracts.event import Event, PathPoint
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import SCHEMA_VERSION, EventStore
from eyespot.kernel.errors import EyespotError, Kind


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EventStore]:
    made = EventStore(tmp_path / "events.db")
    yield made
    made.close()


def event(number: int, **fields: object) -> Event:
    base = {"id": f"e{number:04d}", "camera": "front", "kind": "object", "label": "person"}
    return Event.model_validate({**base, "start_wall_ns": number * 1000, "end_wall_ns": number * 1000 + 500, **fields})


def test_an_event_comes_back_as_it_was_and_later_states_replace_it(store: EventStore, tmp_path: Path) -> None:
    first = event(1, end_wall_ns=None, path=[PathPoint(wall_ns=1000, box=(0.1, 0.2, 0.3, 0.4))], detail={"x": 1.5})
    store.put(first)
    assert store.get("e0001") == first
    ended = first.model_copy(update={"end_wall_ns": 9000})
    store.put(ended)
    again = EventStore(tmp_path / "events.db")
    assert again.get("e0001") == ended
    assert again.count() == 1
    again.close()


def test_filters_and_pages_meet_every_event_once(store: EventStore) -> None:
    store.put_many(
        event(number, camera="back" if number % 3 == 0 else "front", zone="porch" if number % 2 else "")
        for number in range(1, 41)
    )
    seen: list[str] = []
    cursor = None
    while True:
        page, cursor = store.find(EventQuery(camera="front", zone="porch", limit=4, before=cursor))
        seen += [found.id for found in page]
        if cursor is None:
            break
    wanted = [f"e{number:04d}" for number in range(40, 0, -1) if number % 3 and number % 2]
    assert seen == wanted


def test_time_filter_means_overlap(store: EventStore) -> None:
    store.put_many([event(1), event(2, end_wall_ns=None), event(3), event(9)])
    found, _ = store.find(EventQuery(from_ns=3100, to_ns=9000))
    assert [one.id for one in found] == ["e0003", "e0002"]
    assert [one.id for one in store.between("front", 0, 2500)] == ["e0001", "e0002"]


@pytest.mark.parametrize("cursor", ["", "x", "1", "-1.a", "9" * 30 + ".a", "1." + "a" * 100])
def test_a_made_up_cursor_is_refused(store: EventStore, cursor: str) -> None:
    with pytest.raises(EyespotError) as raised:
        store.find(EventQuery(before=cursor))
    assert raised.value.kind is Kind.INVALID


def test_open_events_of_a_dead_finder_end_where_they_were_last_seen(store: EventStore) -> None:
    way = [PathPoint(wall_ns=1000, box=(0, 0, 1, 1)), PathPoint(wall_ns=7000, box=(0, 0, 1, 1))]
    store.put_many([event(1, end_wall_ns=None, path=way), event(2, kind="signal-lost", end_wall_ns=None), event(3)])
    ended = store.close_interrupted(("object", "zone"))
    assert [(one.id, one.end_wall_ns, one.detail) for one in ended] == [("e0001", 7000, {"interrupted": True})]
    assert [one.id for one in store.open_events(("signal-lost",))] == ["e0002"]


def test_old_events_are_forgotten_and_name_their_pictures(store: EventStore) -> None:
    store.put_many([event(1, picture="front/e1.jpg"), event(2), event(3, end_wall_ns=None), event(50)])
    assert store.forget_before(10_000) == ["front/e1.jpg"]
    found, _ = store.find(EventQuery())
    assert [one.id for one in found] == ["e0050", "e0003"]


def test_a_newer_file_is_refused_and_a_damaged_one_named(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    EventStore(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    raw.close()
    with pytest.raises(EyespotError, match="version"):
        EventStore(path)
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(EyespotError) as raised:
        EventStore(broken)
    assert raised.value.kind is Kind.CORRUPT


def test_several_processes_make_and_write_it_at_once(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from eyespot.contracts.event import Event\n"
        "from eyespot.edge.events.store import EventStore\n"
        "store = EventStore(pathlib.Path(sys.argv[1]))\n"
        "for n in range(30):\n"
        "    store.put(Event(id=f'{sys.argv[2]}-{n}', camera='front', kind='process', start_wall_ns=n))\n"
    )
    path = tmp_path / "events.db"
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), name]) for name in "abc"]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    store = EventStore(path)
    assert store.count() == 90
    store.close()
