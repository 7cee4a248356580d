"""Hotspots on tracks that are known exactly: where time is put, what is kept, maps as numbers and as a picture."""

import base64
import io
import time
from pathlib import Path

import av
import pytest
from stage import WALL_NS, moment, person, rehearse, square, walk

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError
from eyespot.services.hotspots.app.asked import is_of_day
from eyespot.services.hotspots.app.grid import Grid
from eyespot.services.hotspots.app.service import Hotspots

HOUR_NS = 3600 * NS_PER_S
COARSE = {"columns": 4, "rows": 4}


def test_time_is_put_where_somebody_stood_and_walked(tmp_path: Path) -> None:
    show = rehearse(Hotspots, tmp_path, **COARSE)
    for message in walk(30.2, lambda t: (min(1.0, max(0.0, t - 10) / 20), 0.3), lambda _: (0.9, 0.9)):
        show.tracks(message)
    found = show.ask("map")
    row = found["seconds"][4:8]
    assert row == pytest.approx([15, 5, 5, 5], abs=0.3)
    assert found["seconds"][15] == pytest.approx(30, abs=0.3)
    assert found["total_s"] == pytest.approx(60, abs=0.5)
    assert (show.said["columns"], show.said["rows"], show.said["percent"][15]) == (4, 4, 100)
    assert show.said["percent"][4] == pytest.approx(50, abs=6)


def test_a_fast_one_leaves_time_in_every_cell_on_its_way() -> None:
    grid = Grid(10, 10)
    parts: dict[int, float] = {}
    for cell, spent_s in grid.spread((0.05, 0.05), (0.95, 0.05), 9.0):
        parts[cell] = parts.get(cell, 0.0) + spent_s
    assert set(parts) == set(range(10))
    assert sum(parts.values()) == pytest.approx(9.0)
    assert max(parts.values()) <= 1.1


def test_who_was_not_seen_for_a_while_or_does_not_count_leaves_nothing(tmp_path: Path) -> None:
    show = rehearse(Hotspots, tmp_path, **COARSE)
    show.tracks(moment(0, person(1, (0.1, 0.1)), person(2, (0.1, 0.1), label="dog")))
    show.tracks(moment(60, person(1, (0.9, 0.9)), person(2, (0.1, 0.1), label="dog")))
    show.tracks(moment(61, person(2, (0.1, 0.1), label="dog"), person(3, (0.5, 0.5))))
    assert show.ask("map")["total_s"] == 0


def test_lately_fades_and_hours_last(tmp_path: Path) -> None:
    show = rehearse(Hotspots, tmp_path, half_life_min=1, **COARSE)
    for message in walk(10.2, lambda _: (0.1, 0.1)):
        show.tracks(message)
    full_s = show.ask("now")["seconds"][0]
    show.tracks(moment(70.2))
    assert show.ask("now")["seconds"][0] == pytest.approx(full_s / 2, rel=0.02)
    show.stop()
    again = rehearse(Hotspots, tmp_path, **COARSE)
    assert again.ask("map")["seconds"][0] == pytest.approx(10, abs=0.1)
    assert again.ask("now")["total_s"] == 0


def test_a_map_of_a_span_and_of_hours_of_the_day(tmp_path: Path) -> None:
    show = rehearse(Hotspots, tmp_path, **COARSE)
    for hour in range(48):
        for step in range(2):
            show.tracks(moment(step, person(1, (0.1, 0.1)), wall_ns=WALL_NS + hour * HOUR_NS))
    assert show.ask("map")["hours"] == 48
    assert show.ask("map", {"from_wall_ns": WALL_NS, "to_wall_ns": WALL_NS + HOUR_NS})["hours"] == 2
    here = time.localtime(WALL_NS / NS_PER_S).tm_hour
    assert show.ask("map", {"of_day": [here, here + 1]})["hours"] == 2
    show.configure(columns=8, rows=4)
    assert show.ask("map") == {
        "columns": 8, "rows": 4, "total_s": 0, "seconds": [0.0] * 32, "hours": 0, "hours_of_other_grids": 48,
    }  # fmt: skip
    assert [hour for hour in range(24) if is_of_day(hour, (22, 3))] == [0, 1, 2, 22, 23]


def test_the_picture_shows_the_busiest_cell_white_and_nobody_black(tmp_path: Path) -> None:
    show = rehearse(Hotspots, tmp_path, **COARSE)
    for message in walk(5, lambda _: (0.9, 0.1)):
        show.tracks(message)
    data = base64.b64decode(show.ask("map", {"form": "png"})["png"])
    with av.open(io.BytesIO(data)) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert pixels.shape == (640, 640, 3)
    assert (pixels[:160, 480:] == 255).all()
    assert (pixels[160:] == 0).all()


@pytest.mark.parametrize(
    "body", [[], {"from": 1}, {"from_wall_ns": "1"}, {"of_day": [8]}, {"of_day": [8, 25]}, {"form": "bmp"}]
)
def test_what_cannot_be_asked_for_is_told(tmp_path: Path, body: object) -> None:
    with pytest.raises(EyespotError):
        rehearse(Hotspots, tmp_path).ask("map", body)


def test_time_counts_in_the_named_zone_alone(tmp_path: Path) -> None:
    show = rehearse(Hotspots, tmp_path, **COARSE, drawn=[square("queue", 0, 0.5)], zones=["queue"])
    for message in walk(10.2, lambda _: (0.1, 0.3), lambda _: (0.9, 0.9)):
        show.tracks(message)
    assert show.ask("map")["total_s"] == pytest.approx(10, abs=0.3)
    show.draw()
    for message in walk(10.2, lambda _: (0.1, 0.3), begin_s=60):
        show.tracks(message)
    assert show.ask("map")["total_s"] == pytest.approx(10, abs=0.3), "a zone that is gone counts nothing"
    assert "'queue'" in show.said["trouble"]
