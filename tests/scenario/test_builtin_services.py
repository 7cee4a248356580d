"""The built-in services on the sample clip's real tracks: what they say agrees with what is plainly so."""

from pathlib import Path

import pytest

from eyespot.contracts.track import TracksMessage
from eyespot.edge.services.builtin import find_built_in
from eyespot.sdk.rehearsal import Rehearsal
from eyespot.services.direction.app.service import Direction
from eyespot.services.hotspots.app.service import Hotspots
from eyespot.services.occupancy.app.service import Occupancy

pytestmark = pytest.mark.footage
MIDDLE = {"name": "middle", "points": [[0.3, 0.2], [0.7, 0.2], [0.7, 0.9], [0.3, 0.9]]}


def people(message: TracksMessage) -> int:
    return sum(track.label == "person" for track in message.tracks)


def test_occupancy_comes_to_the_people_that_are_followed(sample_tracks: list[TracksMessage], tmp_path: Path) -> None:
    limits = [{"more_than": 7, "for_s": 1}]
    show = Rehearsal(Occupancy, find_built_in("occupancy"), tmp_path, settings={"limits": limits})
    for message in sample_tracks:
        show.tracks(message)
    show.stop()
    hours = show.ask("totals")["hours"]
    sums = [hour["places"]["picture"]["people"] for hour in hours]
    watched_s = sum(hour["watched_s"] for hour in hours)
    mean = sum(map(people, sample_tracks)) / len(sample_tracks)
    assert sum(one["sum_s"] for one in sums) / watched_s == pytest.approx(mean, rel=0.02)
    assert max(one["max"] for one in sums) == max(map(people, sample_tracks))
    begun = [event for event in show.events if event.end_wall_ns is None]
    assert len(show.events) == 2 * len(begun) > 0


def test_time_is_spent_on_the_path_where_people_walk(sample_tracks: list[TracksMessage], tmp_path: Path) -> None:
    show = Rehearsal(Hotspots, find_built_in("hotspots"), tmp_path)
    for message in sample_tracks:
        show.tracks(message)
    found = show.ask("map")
    followed_s = sum(map(people, sample_tracks)) / 5
    assert found["total_s"] == pytest.approx(followed_s, rel=0.1)
    rows = [sum(found["seconds"][row * 32 : row * 32 + 32]) for row in range(18)]
    assert sum(rows[:2]) < 0.02 * found["total_s"], "nobody walks in the sky"


def test_predictions_are_better_than_staying_and_come_true(sample_tracks: list[TracksMessage], tmp_path: Path) -> None:
    settings = {"regions": [MIDDLE], "labels": ["person"]}
    show = Rehearsal(Direction, find_built_in("direction"), tmp_path, settings=settings)
    for message in sample_tracks:
        show.tracks(message)
    assert show.said["judged"] > 200
    assert show.said["median_error"] < 0.6 * show.said["median_error_staying"]
    became = show.said["outcomes"]
    assert became["entered"] > became["turned"] + became["lost"]
