import pytest

from eyespot.vision.regions import RegionSettings, plan

PICTURE, INPUT = (1920, 1080), (416, 416)


def test_near_objects_need_no_region() -> None:
    assert plan([(0.4, 0.2, 0.5, 0.6)], PICTURE, INPUT) == ()
    assert plan([], PICTURE, INPUT) == ()


def test_a_far_object_gets_a_square_that_holds_it() -> None:
    box = (0.97, 0.30, 0.985, 0.34)
    (region,) = plan([box], PICTURE, INPUT)
    assert region[0] <= box[0]
    assert region[1] <= box[1]
    assert region[2] >= box[2]
    assert region[3] >= box[3]
    assert max(region) <= 1
    assert (region[2] - region[0]) * 1920 == pytest.approx((region[3] - region[1]) * 1080)
    shown_px = (box[3] - box[1]) / (region[3] - region[1]) * 416
    assert shown_px > 2 * (box[3] - box[1]) * 416


def test_neighbours_share_a_region_and_the_count_is_bounded() -> None:
    near = [(0.10, 0.50, 0.11, 0.54), (0.13, 0.50, 0.14, 0.54), (0.12, 0.52, 0.13, 0.56)]
    assert len(plan(near, PICTURE, INPUT)) == 1
    apart = [(x / 10, 0.5, x / 10 + 0.01, 0.54) for x in range(10)]
    assert len(plan([*apart, *near], PICTURE, INPUT, RegionSettings(max_regions=3))) == 3
    first = plan([*apart, *near], PICTURE, INPUT, RegionSettings(max_regions=1))[0]
    assert first[0] <= 0.10
    assert first[2] >= 0.14


def test_a_picture_no_larger_than_the_input_gains_nothing() -> None:
    assert plan([(0.4, 0.4, 0.41, 0.43)], (416, 416), INPUT, RegionSettings(most_zoom=1.0)) == ()


def test_empty_boxes_are_passed_over() -> None:
    assert plan([(0.5, 0.5, 0.5, 0.5)], PICTURE, INPUT) == ()
