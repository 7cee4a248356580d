"""Where tracked objects are at a picture's moment, how crops are laid out, and which pictures are due."""

from itertools import pairwise

import pytest

from eyespot.contracts.track import Track, TracksMessage
from eyespot.contracts.view import View
from eyespot.edge.frames.crops import fitted, grid
from eyespot.edge.frames.cut import Pace
from eyespot.edge.frames.objects import seen_in
from eyespot.kernel.clock import NS_PER_S

BOXES = View(camera="yard", form="boxes")
AT_NS = 100 * NS_PER_S


def one(*, moving: bool = True, box: tuple[float, float, float, float] = (0.25, 0.25, 0.5, 0.5)) -> TracksMessage:
    track = Track(id=1, label="person", score=0.9, box=box, velocity=(0.2, -0.1))
    return TracksMessage(camera="yard", capture_ns=AT_NS, wall_ns=0, moving=moving, tracks=(track,))


@pytest.mark.parametrize(("age_s", "move_s"), [(0.0, 0.0), (0.1, 0.1), (0.4, 0.4), (1.0, 0.5), (-0.1, -0.1)])
def test_objects_are_moved_on_for_a_while(age_s: float, move_s: float) -> None:
    [seen] = seen_in(BOXES, one(), AT_NS + round(age_s * NS_PER_S)).objects
    right, down = 0.2 * move_s, -0.1 * move_s
    assert seen.box == pytest.approx((0.25 + right, 0.25 + down, 0.5 + right, 0.5 + down))


@pytest.mark.parametrize(("moving", "age_s", "count"), [(True, 1.9, 1), (True, 2.1, 0), (False, 29, 1), (False, 31, 0)])
def test_old_tracks_say_nothing(moving: bool, age_s: float, count: int) -> None:
    sighting = seen_in(BOXES, one(moving=moving), AT_NS + round(age_s * NS_PER_S))
    assert len(sighting.objects) == count
    assert sighting.tracks_ns == (AT_NS if count else 0)


def test_what_is_outside_of_the_region_is_not_told() -> None:
    view = BOXES.model_copy(update={"region": (0.0, 0.0, 0.2, 1.0)})
    assert seen_in(view, one(), AT_NS).objects == ()
    view = BOXES.model_copy(update={"region": (0.3, 0.3, 0.4, 0.4)})
    assert [seen.box for seen in seen_in(view, one(), AT_NS).objects] == [(0, 0, 1, 1)], (
        "and no further than it reaches"
    )


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [(1, (640, 360), (1, 1)), (2, (640, 360), (2, 1)), (6, (640, 360), (3, 2)), (32, (128, 64), (8, 4))],
)
def test_the_grid_has_the_largest_cells(count: int, size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert grid(count, *size) == expected


@pytest.mark.parametrize(
    ("size", "cell", "expected"),
    [((40, 96), (160, 192), (40, 96)), ((400, 100), (200, 200), (200, 50)), ((0.3, 500), (16, 16), (2, 16))],
)
def test_crops_keep_their_shape_and_are_not_enlarged(
    size: tuple[float, float], cell: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted(size, cell) == expected


def due(rate_hz: float, times_s: list[float]) -> list[float]:
    pace = Pace(rate_hz)
    return [at for at in times_s if pace.is_due(AT_NS + round(at * NS_PER_S))]


def test_pictures_are_spread_evenly() -> None:
    chosen = due(10, [n / 30 for n in range(30)])
    assert len(chosen) == 10
    gaps = [later - earlier for earlier, later in pairwise(chosen)]
    assert max(gaps) < 0.1334
    assert min(gaps) > 0.066


def test_a_rate_is_kept_after_a_gap_without_a_burst() -> None:
    chosen = due(5, [n / 25 for n in range(25)] + [10 + n / 25 for n in range(25)])
    assert len([at for at in chosen if at >= 10]) in (5, 6)


def test_a_stream_that_reorders_or_begins_again_is_followed() -> None:
    assert due(60, [0, 0.08, 0.04, 0.12, 0.16]) == [0, 0.08, 0.12, 0.16]
    pace = Pace(5)
    assert pace.is_due(AT_NS)
    assert pace.is_due(AT_NS - 90 * NS_PER_S), "another run of the camera's clock"
