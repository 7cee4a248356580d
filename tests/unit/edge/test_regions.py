"""Which parts of the picture are looked at closer, and how often."""

import numpy as np
import pytest

from eyespot.contracts.detections import Boxes, Detections
from eyespot.edge.regions import BARREN_S, LOST_S, Regions
from eyespot.kernel.clock import NS_PER_S, from_seconds
from eyespot.vision.regions import Box

PICTURE, INPUT = (3840, 2160), (224, 416)
STEP_NS = NS_PER_S // 5
FAR: Box = (0.80, 0.80, 0.82, 0.85)
OTHER: Box = (0.20, 0.20, 0.22, 0.25)
NOWHERE: Boxes = np.zeros((0, 4), np.float32)


def found(at: int, *boxes: Box, score: float = 0.8) -> Detections:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    count = len(rows)
    return Detections(
        at * STEP_NS, rows, np.full(count, score, np.float32), np.zeros(count, np.int32), PICTURE[0] / PICTURE[1]
    )


def choose(
    regions: Regions, at: int, *motion: Box, whole: Detections | None = None, tracks: Boxes = NOWHERE
) -> tuple[Box, ...]:
    return regions.choose(found(at) if whole is None else whole, motion, tracks, PICTURE, INPUT)


def test_motion_that_nothing_explains_twice_gets_a_region_of_the_inputs_shape() -> None:
    regions = Regions(1, 0.5)
    assert choose(regions, 1, FAR) == ()
    ((x1, y1, x2, y2),) = choose(regions, 2, FAR)
    assert x1 <= FAR[0]
    assert y1 <= FAR[1]
    assert x2 >= FAR[2]
    assert y2 >= FAR[3]
    shape = (x2 - x1) * PICTURE[0] / ((y2 - y1) * PICTURE[1])
    assert shape == pytest.approx(INPUT[1] / INPUT[0], rel=0.01)


def test_motion_of_what_is_seen_or_followed_or_near_needs_none() -> None:
    regions = Regions(1, 0.5)
    near: Box = (0.4, 0.2, 0.5, 0.7)
    for at in (1, 2):
        assert choose(regions, at, FAR, whole=found(at, FAR)) == ()
    for at in (3, 4):
        assert choose(regions, at, FAR, whole=found(at, FAR, score=0.3), tracks=np.array([FAR], np.float32)) == ()
    for at in (5, 6):
        assert choose(regions, at, near) == ()


def test_a_far_track_that_the_whole_picture_does_not_show_is_looked_for_at_once() -> None:
    gone = np.array([FAR, (1.01, 0.5, 1.02, 0.53)], np.float32)
    (region,) = choose(Regions(4, 0.5), 1, tracks=gone)
    assert region[0] <= FAR[0] <= FAR[2] <= region[2]


def test_a_place_that_shows_nothing_new_is_left_alone_for_a_while() -> None:
    regions = Regions(1, 0.5)
    choose(regions, 1, FAR)
    chosen = choose(regions, 2, FAR)
    assert len(regions.join(found(2), chosen, [found(2)])) == 0
    later = 2 + from_seconds(BARREN_S) // STEP_NS
    assert all(choose(regions, at, FAR) == () for at in range(3, later))
    choose(regions, later, FAR)
    assert len(choose(regions, later + 1, FAR)) == 1
    assert regions.looked == 1


def test_a_place_that_shows_something_is_looked_at_again() -> None:
    regions = Regions(1, 0.5)
    choose(regions, 1, FAR)
    for at in range(2, 6):
        chosen = choose(regions, at, FAR)
        assert len(chosen) == 1
        assert len(regions.join(found(at), chosen, [found(at, FAR)])) == 1
    assert regions.looked == 4


def test_places_take_turns() -> None:
    regions, turns = Regions(1, 0.5), []
    choose(regions, 1, FAR, OTHER)
    for at in range(2, 8):
        chosen = choose(regions, at, FAR, OTHER)
        box = FAR if chosen[0][0] > 0.5 else OTHER
        turns.append(box)
        regions.join(found(at), chosen, [found(at, box)])
    assert turns in ([FAR, OTHER] * 3, [OTHER, FAR] * 3)


def test_what_a_regions_edge_cuts_off_does_not_count_and_doubles_are_one() -> None:
    regions = Regions(1, 0.5)
    region: Box = (0.7, 0.7, 0.9, 0.9)
    cut: Box = (0.7, 0.75, 0.72, 0.8)
    joined = regions.join(found(1, FAR, score=0.6), [region], [found(1, FAR, cut)])
    assert joined.boxes == pytest.approx(np.array([FAR], np.float32))
    assert joined.scores.tolist() == pytest.approx([0.8])
    corner: Box = (0.7, 0.9, 0.72, 1.0)
    assert len(regions.join(found(1), [(0.6, 0.8, 0.8, 1.0)], [found(1, corner)])) == 1, "the picture may cut"


def test_none_at_all_when_switched_off() -> None:
    regions = Regions(0, 0.5)
    assert choose(regions, 1, FAR) == choose(regions, 2, FAR) == ()


def test_a_lost_object_that_a_closer_look_did_not_find_is_looked_for_again_after_a_while() -> None:
    regions, lost = Regions(1, 0.5), np.array([FAR], np.float32)
    chosen = choose(regions, 1, tracks=lost)
    regions.join(found(1), chosen, [found(1)])
    again = 1 + from_seconds(LOST_S) // STEP_NS
    assert all(choose(regions, at, tracks=lost) == () for at in range(2, again))
    assert len(choose(regions, again, tracks=lost)) == 1
    assert again < 1 + from_seconds(BARREN_S) // STEP_NS, "sooner than a place that nobody was lost in"


def test_a_lost_object_that_closer_looks_do_find_is_looked_for_each_time() -> None:
    regions, lost = Regions(1, 0.5), np.array([FAR], np.float32)
    for at in range(1, 5):
        chosen = choose(regions, at, tracks=lost)
        assert len(regions.join(found(at), chosen, [found(at, FAR)])) == 1
    assert regions.looked == 4
