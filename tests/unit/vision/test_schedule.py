"""The detection schedule: a floor, news and doubt bring detections, and nothing else does."""

import numpy as np
import pytest

from eyespot.contracts.detections import Boxes
from eyespot.kernel.clock import NS_PER_S
from eyespot.vision.schedule import Box, DetectionSchedule, ScheduleSettings

WALKER: Box = (0.4, 0.4, 0.5, 0.7)
FRAME_NS = NS_PER_S // 30


def boxes(*rows: Box) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 4)


def reasons(schedule: DetectionSchedule, frames: int, motion: tuple[Box, ...], known: Boxes) -> list[int]:
    """Numbers of the frames that were worth a detection."""
    wanted = [schedule.wants(number * FRAME_NS, motion, known, sure=True) for number in range(frames)]
    return [number for number, reason in enumerate(wanted) if reason]


def test_a_known_walker_is_looked_at_at_the_floor_rate() -> None:
    schedule = DetectionSchedule(ScheduleSettings(floor_hz=5))
    found = reasons(schedule, 300, (WALKER,), boxes(WALKER))
    assert found[:4] == [0, 6, 12, 18]
    assert schedule.counts == {"first": 1, "floor": len(found) - 1, "unsure": 0, "new": 0}


def test_an_empty_scene_is_looked_at_at_the_idle_rate() -> None:
    assert len(reasons(DetectionSchedule(ScheduleSettings(idle_hz=1)), 300, (), boxes())) in (10, 11)


def test_what_moves_elsewhere_is_news_up_to_the_ceiling() -> None:
    schedule = DetectionSchedule(ScheduleSettings(floor_hz=2, ceiling_hz=10, barren_s=0))
    found = reasons(schedule, 300, (WALKER, (0.0, 0.0, 0.1, 0.2)), boxes(WALKER))
    assert len(found) == pytest.approx(100, abs=2)
    assert schedule.counts["new"] > 60


def test_a_tree_that_sways_is_not_news_for_long() -> None:
    schedule = DetectionSchedule(ScheduleSettings(floor_hz=0.2, ceiling_hz=10, barren_s=5))
    reasons(schedule, 295, (WALKER, (0.0, 0.0, 0.1, 0.2)), boxes(WALKER))
    assert schedule.counts["new"] == 2
    assert schedule.wants(295 * FRAME_NS, ((0.8, 0.8, 0.9, 0.9),), boxes(WALKER), sure=True) == "new", "but this is"


def test_a_place_is_given_up_after_its_tries() -> None:
    schedule = DetectionSchedule(ScheduleSettings(floor_hz=0.2, ceiling_hz=10, barren_s=5, tries=3))
    reasons(schedule, 140, (WALKER, (0.0, 0.0, 0.1, 0.2)), boxes(WALKER))
    assert schedule.counts["new"] == 3


def test_motion_beyond_a_known_object_counts_by_its_part() -> None:
    settings = ScheduleSettings(floor_hz=1, ceiling_hz=30, margin=0.25, accounted=0.6)
    for right, expected in ((0.52, None), (0.9, "new")):
        schedule = DetectionSchedule(settings)
        schedule.wants(0, (), boxes(WALKER), sure=True)
        assert schedule.wants(NS_PER_S // 10, ((0.4, 0.4, right, 0.7),), boxes(WALKER), sure=True) == expected


def test_doubt_asks_for_a_look() -> None:
    schedule = DetectionSchedule(ScheduleSettings(floor_hz=1, ceiling_hz=10))
    schedule.wants(0, (), boxes(WALKER), sure=True)
    assert schedule.wants(NS_PER_S // 20, (), boxes(WALKER), sure=False) is None, "the ceiling holds"
    assert schedule.wants(NS_PER_S // 10, (), boxes(WALKER), sure=False) == "unsure"


def test_time_that_runs_back_begins_anew() -> None:
    schedule = DetectionSchedule()
    schedule.wants(10 * NS_PER_S, (), boxes(), sure=True)
    assert schedule.wants(0, (), boxes(), sure=True) == "first"
    assert schedule.wants(1, (), boxes(), sure=True) is None
