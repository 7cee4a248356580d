"""Direction on tracks that are known exactly: headings, speeds, places, and what becomes of those heading somewhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stage import moment, person, rehearse, square

from eyespot.contracts.track import TracksMessage
from eyespot.sdk.rehearsal import Rehearsal
from eyespot.services.direction.app.service import Direction

DOOR = {"name": "door", "points": [[0.8, 0], [1, 0], [1, 1], [0.8, 1]]}
Place = tuple[float, float]


def said(at_s: float, foot: Place, velocity: Place, aspect: float = 1.0) -> TracksMessage:
    return moment(at_s, person(1, foot).model_copy(update={"velocity": velocity}), aspect=aspect)


def play(show: Rehearsal, foot: Callable[[float], Place], seconds: float, begin_s: float = 0.0) -> None:
    """One person on the way ``foot``, whose velocity is its slope."""
    for step in range(round(seconds * 5)):
        at_s = begin_s + step / 5
        (x, y), (x2, y2) = foot(at_s), foot(at_s + 0.001)
        show.tracks(said(at_s, (x, y), ((x2 - x) * 1000, (y2 - y) * 1000)))


@pytest.mark.parametrize(
    ("velocity", "heading_deg"), [((0, -0.1), 0), ((0.1, 0), 90), ((0, 0.1), 180), ((-0.1, 0), 270), ((0.1, -0.1), 45)]
)
def test_headings_are_clockwise_from_up(tmp_path: Path, velocity: Place, heading_deg: float) -> None:
    show = rehearse(Direction, tmp_path)
    show.tracks(said(0, (0.5, 0.5), velocity))
    assert show.said["ways"][0]["heading_deg"] == heading_deg


def test_speed_and_place_do_not_depend_on_the_pictures_shape(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, horizon_s=2)
    show.tracks(said(0, (0.25, 0.5), (0.05, 0), aspect=2.0))
    (way,) = show.said["ways"]
    assert way["speed"] == 0.5  # a tenth of the picture's height a second, with a box of a fifth of it
    assert way["to"] == pytest.approx([0.25 + 0.05 * 6 * (1 - 2.718281828 ** (-2 / 6)), 0.5], abs=1e-3)


def outcomes(show: Rehearsal) -> list[Any]:
    return [event.detail.get("outcome", "told") for event in show.events]


def test_one_that_enters_was_told_before(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, regions=[DOOR], horizon_s=2)
    play(show, lambda t: (0.1 + 0.1 * t, 0.5), 9)
    first, last = show.events
    assert outcomes(show) == ["told", "entered"]
    assert (first.id, first.zone, first.track, first.end_wall_ns) == (last.id, "door", 1, None)
    assert 1.2 <= first.detail["in_s"] <= 2.0
    assert last.detail["after_s"] == pytest.approx(first.detail["in_s"], abs=0.4)
    assert show.said["outcomes"] == {"entered": 1, "turned": 0, "lost": 0}


def test_one_that_turns_or_is_lost_is_told_so(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, regions=[DOOR], horizon_s=2)
    play(show, lambda t: (0.1 + 0.1 * min(t, 10 - t), 0.5), 8)
    assert outcomes(show) == []
    play(show, lambda t: (0.6 + 0.1 * (t - 20 if t < 21 else 22 - t), 0.5), 2, begin_s=20)
    assert outcomes(show) == ["told", "turned"]
    play(show, lambda t: (0.6 + 0.1 * (t - 30), 0.5), 1, begin_s=30)
    show.tracks(moment(31.2))
    assert outcomes(show)[2:] == ["told", "lost"]


def test_who_stands_or_is_there_already_is_heading_nowhere(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, regions=[DOOR])
    play(show, lambda _: (0.79, 0.5), 5)
    play(show, lambda t: (0.95 - 0.01 * t, 0.5), 5, begin_s=60)
    assert show.events == []


def test_everything_ends_with_the_service(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, regions=[DOOR])
    play(show, lambda t: (0.65 + 0.1 * t, 0.5), 1)
    show.stop()
    assert outcomes(show) == ["told", "lost"]


def test_it_judges_itself_by_what_became_true(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, horizon_s=1)
    play(show, lambda t: (0.1 + 0.04 * t, 0.5), 20)
    assert show.said["judged"] == pytest.approx(19, abs=1)
    assert show.said["median_error_staying"] == pytest.approx(0.2, abs=0.01)
    assert show.said["median_error"] < 0.03


def test_zones_of_the_camera_are_watched_by_name_as_they_are_drawn(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, drawn=[square("drive", 0.8, 1)], zones=["drive"])
    play(show, lambda t: (0.1 + 0.1 * t, 0.5), 9)
    assert ([event.zone for event in show.events], outcomes(show)) == (["drive", "drive"], ["told", "entered"])
    assert (show.said["watching"], show.said["trouble"]) == (["drive"], "")
    show.draw(square("drive", 0.0, 0.2), square("other", 0.4, 0.6))
    play(show, lambda t: (2.9 - 0.1 * t, 0.5), 8, begin_s=20)
    assert outcomes(show)[2:] == ["told", "entered"]
    show.draw(square("other", 0.4, 0.6))
    show.tracks(moment(40))
    assert (show.said["watching"], "'drive'" in show.said["trouble"]) == ([], True)


def test_another_zone_that_changes_does_not_disturb_it(tmp_path: Path) -> None:
    show = rehearse(Direction, tmp_path, drawn=[square("drive", 0.8, 1)], zones=["drive"])
    play(show, lambda t: (0.62 + 0.1 * t, 0.5), 1)
    show.draw(square("drive", 0.8, 1), square("other", 0, 0.1))
    assert outcomes(show) == ["told"], "what is under way goes on"
