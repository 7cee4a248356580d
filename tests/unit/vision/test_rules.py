"""Rules on hand-made tracks."""

import numpy as np

from eyespot.vision.evidence import MAX_POINTS, Way
from eyespot.vision.rules import RuleEngine, RuleUpdate
from eyespot.vision.track import Tracks
from eyespot.vision.zones import Line, Zone

S = 1_000_000_000
RIGHT_HALF = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))


def tracks(
    at_s: float, *objects: tuple[int, float, float], state: int = 0, label: int = 0, score: float = 0.8
) -> Tracks:
    """Objects as id, foot x, foot y; 0.1 wide and 0.2 high."""
    count = len(objects)
    boxes = np.array([(x - 0.05, y - 0.2, x + 0.05, y) for _, x, y in objects], np.float32).reshape(-1, 4)
    return Tracks(
        capture_ns=round(at_s * S),
        ids=np.array([number for number, _, _ in objects], np.int64),
        boxes=boxes,
        scores=np.full(count, score, np.float32),
        labels=np.full(count, label, np.int32),
        velocity=np.zeros((count, 2), np.float32),
        states=np.full(count, state, np.int8),
        age_s=np.ones(count, np.float32),
        unseen_s=np.full(count, 0.5 if state == 1 else 0.0, np.float32),
        aspect=1.5,
    )


def kinds(updates: list[RuleUpdate]) -> list[tuple[str, str]]:
    return [(update.kind, update.phase) for update in updates]


def test_a_visit_starts_improves_and_ends_when_last_seen() -> None:
    engine = RuleEngine(["person"])
    updates = [u for n in range(30) for u in engine.update(tracks(n / 10, (7, 0.06 + n * 0.015, 0.6)))]
    updates += engine.update(tracks(5.0))
    assert kinds(updates)[0] == ("object", "start")
    assert ("object", "update") in kinds(updates)
    end = updates[-1]
    assert (end.kind, end.phase, end.label, end.track) == ("object", "end", "person", 7)
    assert (end.start_ns, end.end_ns) == (0, round(2.9 * S))
    assert end.best_ns is not None
    assert 0 < end.best_ns <= end.end_ns
    assert end.path[0][0] == 0
    assert end.path[-1][0] == end.end_ns
    assert len({update.number for update in updates}) == 1


def test_a_zone_is_entered_once_however_the_box_trembles() -> None:
    engine = RuleEngine(["person"], [Zone(name="door", points=RIGHT_HALF)])
    updates = []
    for n in range(100):
        tremble = 0.01 if n % 2 else -0.01
        x = 0.3 if n < 20 else 0.5 + tremble if n < 60 else 0.7
        updates += engine.update(tracks(n / 10, (1, x, 0.6)))
    zone = [u for u in updates if u.kind == "zone"]
    assert [u.phase for u in zone].count("start") == 1
    assert [u.phase for u in zone].count("end") == 0
    assert zone[0].start_ns == 6 * S - S // 10
    assert engine.zones_of(tracks(10, (1, 0.7, 0.6), (2, 0.7, 0.6))) == [("door",), ()]


def test_loitering_needs_the_whole_time_and_says_how_long() -> None:
    engine = RuleEngine(["person"], [Zone(name="door", points=RIGHT_HALF, loiter_s=3.0)])
    updates = []
    for n in range(120):
        updates += engine.update(tracks(n / 10, (1, 0.7 if n < 60 else 0.2, 0.6)))
    loiter = [u for u in updates if u.kind == "loiter"]
    assert [u.phase for u in loiter] == ["start", "end"]
    assert loiter[0].at_ns == 3 * S
    assert loiter[1].end_ns == 6 * S
    assert loiter[1].detail["dwell_s"] == 6.0


def test_hidden_objects_change_nothing() -> None:
    engine = RuleEngine(["person"], [Zone(name="door", points=RIGHT_HALF)])
    for n in range(20):
        engine.update(tracks(n / 10, (1, 0.7, 0.6)))
    hidden = [u for n in range(20, 60) for u in engine.update(tracks(n / 10, (1, 0.2, 0.6), state=1))]
    assert hidden == []
    assert engine.zones_of(tracks(6.0, (1, 0.2, 0.6))) == [("door",)]


def test_a_line_counts_each_direction_and_not_the_trembling() -> None:
    engine = RuleEngine(["person"], lines=[Line(name="gate", a=(0.5, 1.0), b=(0.5, 0.0))])
    xs = [0.3, 0.45, 0.499, 0.501, 0.499, 0.501, 0.6, 0.7, 0.501, 0.499, 0.3]
    updates = [u for n, x in enumerate(xs) for u in engine.update(tracks(n / 5, (1, x, 0.6)))]
    crossed = [u for u in updates if u.kind == "line"]
    assert [(u.phase, u.detail["direction"]) for u in crossed] == [
        ("start", "in"), ("end", "in"), ("start", "out"), ("end", "out"),
    ]  # fmt: skip
    assert crossed[-1].detail == {"direction": "out", "count_in": 1, "count_out": 1}
    assert engine.counts() == {"gate": (1, 1)}


def test_walking_around_the_end_of_a_line_is_no_crossing() -> None:
    engine = RuleEngine(["person"], lines=[Line(name="gate", a=(0.5, 0.3), b=(0.5, 0.5))])
    for n in range(20):
        engine.update(tracks(n / 5, (1, 0.2 + n * 0.03, 0.9)))
    assert engine.counts() == {"gate": (0, 0)}


def test_occupancy_counts_heads_and_keeps_the_peak() -> None:
    engine = RuleEngine(["person"], [Zone(name="lift", points=RIGHT_HALF, max_objects=2)])
    updates = []
    for n in range(100):
        count = 2 if n < 20 else 3 if n < 30 else 4 if n < 50 else 1
        people = [(k, 0.6 + 0.08 * k if k <= count else 0.2, 0.6) for k in range(1, 5)]
        updates += engine.update(tracks(n / 10, *people))
    crowd = [u for u in updates if u.kind == "occupancy"]
    assert [u.phase for u in crowd] == ["start", "update", "end"]
    assert crowd[-1].detail == {"peak": 4, "max_objects": 2}
    assert crowd[-1].track is None


def test_labels_that_do_not_count_open_nothing() -> None:
    zone = Zone(name="z", points=RIGHT_HALF, labels=("car",))
    line = Line(name="l", a=(0.5, 1), b=(0.5, 0), labels=("car",))
    engine = RuleEngine(["person", "car"], [zone], [line])
    updates = [u for n in range(20) for u in engine.update(tracks(n / 5, (1, 0.2 + n * 0.03, 0.6)))]
    assert {u.kind for u in updates} == {"object"}


def test_rules_change_while_events_are_open() -> None:
    kept = Zone(name="kept", points=RIGHT_HALF, loiter_s=1.0)
    gone = Zone(name="gone", points=RIGHT_HALF, max_objects=0)
    engine = RuleEngine(["person"], [kept, gone], [Line(name="l", a=(0.5, 1), b=(0.5, 0))])
    for n in range(20):
        engine.update(tracks(n / 10, (1, 0.7, 0.6)))
    updates = engine.replace([Zone(name="kept", points=RIGHT_HALF)], [], 2 * S)
    assert sorted((u.kind, u.zone, u.phase) for u in updates) == [
        ("loiter", "kept", "end"), ("occupancy", "gone", "end"), ("zone", "gone", "end"),
    ]  # fmt: skip
    assert engine.update(tracks(2.1, (1, 0.7, 0.6))) == []
    assert kinds(engine.finish(3 * S)) == [("zone", "end"), ("object", "end")]
    assert engine.finish(3 * S) == []


def test_a_long_way_is_thinned_and_keeps_both_ends() -> None:
    way = Way()
    for n in range(20_000):
        x = (n % 1000) / 1000
        way.add(n, (x, 0.4, x + 0.01, 0.42))
    points = way.thinned()
    assert len(points) <= MAX_POINTS
    assert (points[0][0], points[-1][0]) == (0, 19_999)
