"""Events of services: what is granted is stored under a name of the service's own, everything else is counted."""

import json
from typing import Any

import pytest

from eyespot.bus import subjects
from eyespot.bus.contract import Message
from eyespot.contracts.event import Event
from eyespot.edge.services.service_events import MAX_LASTING, May, ServiceEvents
from eyespot.kernel.ids import new_id
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.sim_clock import SimClock


def taken(*documents: bytes, name: str = "counter") -> tuple[list[Event], dict[str, Any]]:
    events: list[Event] = []
    allowed = {"counter": May(("count", "left"), ("left",), ("yard",), "one")}
    found = ServiceEvents(MemoryBus(), allowed.get, events.append, SimClock())
    for each in documents:
        found.take(Message(subjects.service_event(name), each))
    return events, found.of(name)


def said(**changes: Any) -> bytes:
    document = {"id": new_id(7), "kind": "count", "camera": "yard", "start_wall_ns": 7, "detail": {"n": 2}}
    return json.dumps({**document, **changes}).encode()


def test_what_is_granted_is_taken_and_an_update_keeps_its_id() -> None:
    identity = new_id(7)
    events, counters = taken(said(id=identity), said(id=identity, end_wall_ns=9))
    assert [event.id for event in events] == [f"{identity}-counter"] * 2
    assert (events[0].kind, events[0].label, events[0].detail) == ("service", "counter.count", {"n": 2})
    assert (events[0].end_wall_ns, events[1].end_wall_ns) == (None, 9)
    assert (counters["events"], counters["events_refused"]) == (2, 0)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (said(kind="alarm"), "kind 'alarm', which is not granted"),
        (said(camera="street"), "camera 'street', which is not its own"),
        (said(camera="host"), "camera 'host'"),
        (said(v=2), "does not parse"),
        (said(label="person"), "does not parse"),
        (b"", "does not parse"),
        (b"[" * 1000, "does not parse"),
        (said(detail={"x": "y" * 40_000}), "more than"),
    ],
)
def test_everything_else_is_refused_counted_and_told(document: bytes, why: str) -> None:
    events, counters = taken(document)
    assert events == []
    assert (counters["events"], counters["events_refused"]) == (0, 1)
    assert why in counters["last_refused"]


def test_one_that_does_not_run_says_nothing() -> None:
    events, counters = taken(said(), name="stranger")
    assert (events, counters["events_refused"]) == ([], 0)


def test_only_kinds_that_were_granted_it_record() -> None:
    events, _ = taken(said(), said(id=new_id(8), kind="left"), said(id=new_id(9), records=True))
    assert [(event.label, event.records) for event in events] == [("counter.count", False), ("counter.left", True)]


def test_an_event_ends_with_the_life_of_who_said_it() -> None:
    lives = {"counter": May(("count",), (), ("yard",), "one")}
    events: list[Event] = []
    clock = SimClock()
    found = ServiceEvents(MemoryBus(), lives.get, events.append, clock)
    lasting, over = said(id=new_id(7)), said(id=new_id(8), end_wall_ns=9)
    for each in (lasting, over):
        found.take(Message(subjects.service_event("counter"), each))
    found.conclude()
    assert len(events) == 2
    lives["counter"] = May(("count",), (), ("yard",), "two")
    found.conclude()
    found.conclude()
    assert [(event.id, event.end_wall_ns) for event in events[2:]] == [(events[0].id, clock.wall_ns())]
    found.take(Message(subjects.service_event("counter"), said(id=new_id(9))))
    found.conclude(everything=True)
    assert events[-1].end_wall_ns == clock.wall_ns()


def test_no_more_than_so_many_last_at_a_time() -> None:
    first = said(id=new_id(1))
    more = [said(id=new_id(number)) for number in range(2, MAX_LASTING + 3)]
    events, counters = taken(first, *more, first)
    assert (len(events), counters["events_refused"]) == (MAX_LASTING + 1, 2)
    assert "last already" in counters["last_refused"]
