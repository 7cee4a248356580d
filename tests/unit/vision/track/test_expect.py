"""Prediction between detections: what is not looked at moves on, and nothing is gained or lost by it."""

import numpy as np
import pytest

from eyespot.contracts.detections import Detections
from eyespot.kernel.clock import NS_PER_S
from eyespot.vision.track import Tracker

FPS = 30


def walker(number: int) -> Detections:
    """A person who crosses a square picture to the right, a tenth of its width a second."""
    x = 0.1 + 0.1 * number / FPS
    box = np.array([[x, 0.4, x + 0.1, 0.7]], np.float32)
    return Detections(number * NS_PER_S // FPS, box, np.array([0.9], np.float32), np.zeros(1, np.int32), 1.0)


def test_an_object_is_expected_further_on() -> None:
    tracker = Tracker()
    for number in range(0, 61, 6):
        tracker.update(walker(number))
    for number in range(61, 66):
        expected = tracker.expect(number * NS_PER_S // FPS)
    assert expected.boxes[0] == pytest.approx(walker(65).boxes[0], abs=0.01)
    assert expected.unseen_s[0] == pytest.approx(5 / FPS, abs=1e-3)


def test_expecting_changes_nothing_for_the_next_detection() -> None:
    with_pauses, without = Tracker(), Tracker()
    for number in range(0, 121, 6):
        for between in range(max(0, number - 5), number + 1):
            with_pauses.expect(between * NS_PER_S // FPS)
        followed, plain = with_pauses.update(walker(number)), without.update(walker(number))
        assert followed.ids.tolist() == plain.ids.tolist()
        assert followed.boxes == pytest.approx(plain.boxes, abs=2e-3)


def test_nobody_is_forgotten_or_begun_without_a_detection() -> None:
    tracker = Tracker()
    assert len(tracker.expect(0)) == 0
    for number in range(0, 61, 6):
        tracker.update(walker(number))
    assert tracker.expect(60 * NS_PER_S).ids.tolist() == [1]


def test_a_new_object_is_not_sure_until_it_is_confirmed() -> None:
    tracker = Tracker()
    assert tracker.is_sure
    tracker.update(walker(0))
    assert not tracker.is_sure
    for number in range(6, 37, 6):
        tracker.update(walker(number))
    assert tracker.is_sure
