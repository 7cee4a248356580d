"""The comparison of two machines' detections: what counts as the same, and what does not."""

import pytest
from load_script import load

compare = load("arm64_compare").compare
PERSON = [0.2, 0.2, 0.3, 0.6, 0.8, 0.0]


def moved(row: list[float], by: float = 0.0, score: float = 0.0) -> list[float]:
    return [row[0] + by, row[1], row[2] + by, row[3], row[4] + score, row[5]]


def test_equal_detections_agree_wholly() -> None:
    agreement = compare([[PERSON], []], [[PERSON], []])
    assert (agreement.ok, agreement.matched, agreement.confident) == (True, 1.0, (1, 1))
    assert (agreement.least_iou, agreement.largest_score_step) == (1.0, 0.0)


def test_small_steps_are_within_the_tolerance() -> None:
    agreement = compare([[PERSON]], [[moved(PERSON, 0.004, 0.04)]])
    assert agreement.ok
    assert 0.9 < agreement.least_iou < 0.95
    assert agreement.largest_score_step == pytest.approx(0.04)


@pytest.mark.parametrize(
    "other",
    [
        [moved(PERSON, 0.02)],
        [moved(PERSON, score=-0.06)],
        [[*PERSON[:5], 1.0]],
        [],
        [PERSON, [0.7, 0.7, 0.8, 0.9, 0.9, 0.0]],
    ],
    ids=["box moved", "score moved", "other label", "missing", "one more"],
)
def test_a_difference_is_found(other: list[list[float]]) -> None:
    assert not compare([[PERSON]], [other]).ok
    assert not compare([other], [[PERSON]]).ok


def test_a_score_may_cross_the_line_between_confident_and_not() -> None:
    here, there = moved(PERSON, score=-0.299), moved(PERSON, score=-0.301)
    agreement = compare([[here]], [[there]])
    assert agreement.confident == (1, 0)
    assert agreement.ok


def test_nothing_found_proves_nothing() -> None:
    assert not compare([[]], [[]]).ok


def test_other_frames_are_not_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare([[PERSON]], [])
