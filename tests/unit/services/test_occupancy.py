"""Occupancy on tracks that are known exactly: counts, limits, totals by the hour, and what is kept."""

from pathlib import Path

import pytest
from stage import WALL_NS, moment, person, rehearse, square, walk

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError
from eyespot.services.occupancy.app.service import Occupancy

LEFT = {"name": "left", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}
HOUR_NS = 3600 * NS_PER_S


def test_people_and_vehicles_are_counted_in_the_picture_its_parts_and_zones(tmp_path: Path) -> None:
    show = rehearse(Occupancy, tmp_path, regions=[LEFT])
    here = person(1, (0.2, 0.5), zones=("door",)), person(2, (0.8, 0.5)), person(3, (0.3, 0.9), label="truck")
    show.tracks(moment(0, *here, person(4, (0.2, 0.9), label="dog")))
    assert show.said["now"] == {
        "picture": {"people": 2, "vehicles": 1},
        "left": {"people": 1, "vehicles": 1},
        "door": {"people": 1, "vehicles": 0},
    }
    assert show.ask("now") == {"wall_ns": WALL_NS, "now": show.said["now"], "passed": []}


def test_a_limit_is_told_once_it_lasted_and_dated_to_its_beginning(tmp_path: Path) -> None:
    limits = [{"place": "left", "more_than": 1, "for_s": 2}]
    show = rehearse(Occupancy, tmp_path, regions=[LEFT], limits=limits)
    flicker = lambda t: (0.2, 0.5) if 5 <= t < 6 or 10 <= t < 20 else (0.9, 0.5)  # noqa: E731 - a function of time
    for message in walk(30, lambda _: (0.3, 0.5), flicker):
        show.tracks(message)
    first, last = show.events
    assert (first.kind, first.zone, first.end_wall_ns, first.id) == ("over-limit", "left", None, last.id)
    assert first.start_wall_ns == last.start_wall_ns == WALL_NS + 10 * NS_PER_S
    assert last.end_wall_ns == WALL_NS + 20 * NS_PER_S
    assert last.detail == {"what": "people", "limit": 1, "most": 2}


def test_a_limit_ends_when_nobody_looks_any_more(tmp_path: Path) -> None:
    show = rehearse(Occupancy, tmp_path, limits=[{"more_than": 0, "for_s": 0}])
    show.tracks(moment(0, person(1, (0.5, 0.5))))
    show.tracks(moment(60, person(2, (0.5, 0.5))))
    show.configure(limits=[])
    assert [event.end_wall_ns is None for event in show.events] == [True, False, True, False]
    assert show.events[1].end_wall_ns == WALL_NS
    show.stop()
    assert len(show.events) == 4


def test_an_hour_comes_to_what_it_was_and_outlives_a_restart(tmp_path: Path) -> None:
    show = rehearse(Occupancy, tmp_path, regions=[LEFT])
    for message in walk(100, lambda t: (0.2, 0.5) if t < 50 else (0.8, 0.5), lambda t: (0.8, 0.5) if t < 25 else None):
        show.tracks(message)
    show.stop()
    again = rehearse(Occupancy, tmp_path)
    again.tracks(moment(0, wall_ns=WALL_NS + HOUR_NS))
    (hour,) = again.ask("totals", {"to_wall_ns": WALL_NS + NS_PER_S})["hours"]
    assert hour["start_wall_ns"] == WALL_NS // HOUR_NS * HOUR_NS
    assert hour["watched_s"] == pytest.approx(99.8)
    assert hour["places"]["picture"]["people"] == {
        "sum_s": pytest.approx(124.8), "busy_s": pytest.approx(99.8), "max": 2, "visits": 2,
    }  # fmt: skip
    assert hour["places"]["left"]["people"]["busy_s"] == pytest.approx(50)
    assert "vehicles" not in hour["places"]["picture"]


def test_a_long_answer_goes_on_where_it_stopped(tmp_path: Path) -> None:
    show = rehearse(Occupancy, tmp_path)
    for hour in range(600):
        for step in (0, 1):
            show.tracks(moment(hour * 3600 + step, person(1, (0.5, 0.5), zones=tuple(f"zone {n}" for n in range(8)))))
    found, after = [], 0
    while True:
        answer = show.ask("totals", {"from_wall_ns": after})
        found += [hour["start_wall_ns"] for hour in answer["hours"]]
        if "next_wall_ns" not in answer:
            break
        after = answer["next_wall_ns"]
    assert found == sorted(set(found))
    assert len(found) == 600
    with pytest.raises(EyespotError, match="whole numbers"):
        show.ask("totals", {"from_wall_ns": "yesterday"})


def test_a_slip_in_the_regions_is_said_and_costs_nothing_else(tmp_path: Path) -> None:
    show = rehearse(Occupancy, tmp_path, regions=[LEFT, LEFT])
    show.tracks(moment(0, person(1, (0.2, 0.5))))
    assert show.said["now"] == {"picture": {"people": 1, "vehicles": 0}}
    assert "Two regions are called 'left'" in show.said["trouble"]


def test_zones_that_hold_nobody_are_told_and_a_limit_at_none_is_trouble(tmp_path: Path) -> None:
    show = rehearse(Occupancy, tmp_path, drawn=[square("door", 0, 0.2)], limits=[{"place": "dor", "more_than": 1}])
    show.tracks(moment(0, person(1, (0.5, 0.5))))
    assert show.said["now"]["door"] == {"people": 0, "vehicles": 0}
    assert "'dor'" in show.said["trouble"]
    show.draw(square("dor", 0, 0.2))
    show.tracks(moment(20, person(1, (0.5, 0.5))))
    assert (show.said["trouble"], "door" in show.said["now"]) == ("", False)
