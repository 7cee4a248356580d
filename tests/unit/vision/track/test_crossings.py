"""What keeps identities apart when people meet, hide one another, fade or leave."""

import numpy as np
import pytest

from eyespot.contracts.detections import Detections
from eyespot.vision.track import Tracker, TrackerSettings, Tracks

S = 1_000_000_000
ASPECT = 1.5
Person = tuple[float, float, float, float]


def frame(at_s: float, *people: Person) -> Detections:
    """People as centre x and foot y (both in picture heights), height, score."""
    rows = [((x - 0.2 * h) / ASPECT, y - h, (x + 0.2 * h) / ASPECT, y) for x, y, h, _ in people]
    return Detections(
        capture_ns=round(at_s * S),
        boxes=np.array(rows, np.float32).reshape(-1, 4),
        scores=np.array([score for *_, score in people], np.float32),
        labels=np.zeros(len(people), np.int32),
        aspect=ASPECT,
    )


def settled(*people: Person, frames: int = 20) -> Tracker:
    tracker = Tracker()
    for n in range(frames):
        tracker.update(frame(n / 10, *people))
    return tracker


def at(tracks: Tracks, number: int) -> tuple[float, float]:
    """Centre x (picture heights) and foot y of a track."""
    x1, _, x2, y2 = tracks.boxes[tracks.ids.tolist().index(number)].tolist()
    return (x1 + x2) / 2 * ASPECT, y2


@pytest.mark.parametrize("height", [0.08, 0.25])
@pytest.mark.parametrize("rate_hz", [5.0, 10.0, 25.0])
def test_two_who_cross_keep_their_ids_through_a_box_around_both(rate_hz: float, height: float) -> None:
    tracker = Tracker()
    for n in range(round(5 * rate_hz)):
        at_s = n / rate_hz
        step = (at_s - 2.5) * 0.7 * height
        people = [(0.75 + step, 0.6, height, 0.8), (0.75 - step, 0.6 - 0.1 * height, height * 0.95, 0.7)]
        if abs(step) < 0.15 * height:
            people = [(0.75, 0.6, height * 1.15, 0.75)]
        tracks = tracker.update(frame(at_s, *people))
    assert at(tracks, 1)[0] > 0.75 > at(tracks, 2)[0]
    assert tracks.unseen_s.tolist() == [0, 0]


def test_a_fading_box_is_not_passed_over_for_the_better_one_of_a_neighbour() -> None:
    """The neighbour's box reaches over; nearest-first would give it to the wrong one and leave it the weak one."""
    h = 0.2
    tracker = settled((0.50, 0.6, h, 0.8), (0.59, 0.6, h, 0.75))
    for n in range(20, 22):
        tracks = tracker.update(frame(n / 10, (0.48, 0.6, h, 0.35), (0.54, 0.6, h, 0.8)))
        assert tracks.unseen_s.tolist() == [0, 0]
        assert at(tracks, 1)[0] < 0.50
        assert at(tracks, 2)[0] < 0.59


def test_a_box_that_does_not_fit_moves_its_track_little() -> None:
    """For a frame someone behind makes the box half as tall again: its foot counts for less."""
    h = 0.2
    usual, spoiled = settled((0.5, 0.6, h, 0.8)), settled((0.5, 0.6, h, 0.8))
    followed = (at(usual.update(frame(2.0, (0.5, 0.61, h, 0.8))), 1)[1] - 0.6) / 0.01
    swallowed = (at(spoiled.update(frame(2.0, (0.5, 0.7, h * 1.5, 0.8))), 1)[1] - 0.6) / 0.1
    assert swallowed < 0.7 * followed


def test_unsure_detections_do_not_carry_on_for_ever() -> None:
    tracker = settled((0.5, 0.6, 0.2, 0.8))
    settings = TrackerSettings()
    shown = []
    for n in range(20, 20 + round(10 * (settings.unsure_s + settings.stationary_patience_s + 5))):
        tracks = tracker.update(frame(n / 10, (0.5, 0.6, 0.2, 0.3)))
        shown.append(tracks.ids.tolist() == [1] and bool(tracks.unseen_s[0] == 0))
    still = round(10 * settings.unsure_s)
    assert all(shown[: still - 1])
    assert not any(shown[still + 1 :])
    assert len(tracks) == 0


def test_a_sure_look_now_and_then_is_enough() -> None:
    tracker = settled((0.5, 0.6, 0.2, 0.8))
    for n in range(20, 400):
        tracks = tracker.update(frame(n / 10, (0.5, 0.6, 0.2, 0.6 if n % 30 == 0 else 0.3)))
        assert tracks.ids.tolist() == [1]
        assert tracks.unseen_s.tolist() == [0]


def test_unsure_detections_carry_on_after_a_rest() -> None:
    tracker = settled((0.5, 0.6, 0.2, 0.8))
    for n in range(20, 620):
        tracker.coast(round(n / 10 * S))
    tracks = tracker.update(frame(62.0, (0.5, 0.6, 0.2, 0.3)))
    assert tracks.ids.tolist() == [1]
    assert tracks.unseen_s.tolist() == [0]


@pytest.mark.parametrize("rate_hz", [5.0, 20.0])
def test_who_left_the_picture_does_not_become_what_stands_at_its_edge(rate_hz: float) -> None:
    tracker, h = Tracker(), 0.1
    for n in range(round(4 * rate_hz)):
        x = 0.3 - 0.8 * h * n / rate_hz
        tracker.update(frame(n / rate_hz, (x, 0.5, h, 0.8)))
    later = [tracker.update(frame(n / rate_hz)) for n in range(round(4 * rate_hz), round(5 * rate_hz))]
    assert len(later[-1]) == 0
    for n in range(round(5 * rate_hz), round(7 * rate_hz)):
        tracks = tracker.update(frame(n / rate_hz, (0.03, 0.5, h, 0.6)))
    assert tracks.ids.tolist() == [2]


def test_one_missed_frame_at_the_edge_loses_nobody() -> None:
    tracker, h = Tracker(), 0.2
    for n in range(20):
        people = [] if n == 15 else [(0.06 + 0.001 * n, 0.5, h, 0.8)]
        tracks = tracker.update(frame(n / 10, *people))
    assert tracks.ids.tolist() == [1]
