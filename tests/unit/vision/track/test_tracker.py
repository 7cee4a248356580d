"""The tracker's promises: lasting ids, any scale and rate, occlusion, stillness, bounds."""

import numpy as np
import pytest

from eyespot.contracts.detections import Detections
from eyespot.vision.track import OCCLUDED, STATIONARY, Tracker, TrackerSettings, Tracks

S = 1_000_000_000


def frame(at_s: float, *people: tuple[float, float, float, float], label: int = 0, aspect: float = 1.5) -> Detections:
    """People as centre x, foot y, height, score; fractions of the picture height and width."""
    rows = [(x - 0.2 * h / aspect, y - h, x + 0.2 * h / aspect, y) for x, y, h, _ in people]
    return Detections(
        capture_ns=round(at_s * S),
        boxes=np.array(rows, np.float32).reshape(-1, 4),
        scores=np.array([score for *_, score in people], np.float32),
        labels=np.full(len(people), label, np.int32),
        aspect=aspect,
    )


def walk(
    tracker: Tracker, *, rate_hz: float, height: float, seconds: float, hidden: tuple[float, float] = (9e9, 9e9)
) -> list[Tracks]:
    """Two people who cross: one to the right, one to the left, half a height apart in depth."""
    seen: list[Tracks] = []
    for number in range(round(seconds * rate_hz)):
        at_s = number / rate_hz
        step = at_s * 0.7 * height / 1.5
        middle = seconds * 0.35 * height / 1.5
        people = [(0.5 - middle + step, 0.6, height, 0.8), (0.5 + middle - step, 0.6 + 0.5 * height, height, 0.8)]
        if hidden[0] <= at_s < hidden[1]:
            people = people[1:]
        seen.append(tracker.update(frame(at_s, *people)))
    return seen


@pytest.mark.parametrize("rate_hz", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("height", [0.03, 0.1, 0.4])
def test_ids_last_at_any_rate_and_size(rate_hz: float, height: float) -> None:
    seen = walk(Tracker(), rate_hz=rate_hz, height=height, seconds=6)
    assert {number for tracks in seen for number in tracks.ids.tolist()} == {1, 2}
    first, last = seen[round(rate_hz)], seen[-1]
    assert np.argsort(first.boxes[:, 0]).tolist() != np.argsort(last.boxes[:, 0]).tolist()
    assert last.ids.tolist() == first.ids.tolist()


@pytest.mark.parametrize("rate_hz", [5.0, 15.0])
def test_an_object_hidden_for_a_second_keeps_its_id(rate_hz: float) -> None:
    seen = walk(Tracker(), rate_hz=rate_hz, height=0.15, seconds=6, hidden=(2.0, 3.0))
    hidden = seen[round(2.8 * rate_hz)]
    assert hidden.states.tolist().count(OCCLUDED) == 1
    assert seen[-1].ids.tolist() == [1, 2]
    assert seen[-1].unseen_s.max() == 0


def test_velocity_is_in_fractions_of_the_picture_per_second() -> None:
    tracks = walk(Tracker(), rate_hz=10, height=0.3, seconds=4)[-1]
    assert tracks.velocity[0, 0] == pytest.approx(0.7 * 0.3 / 1.5, rel=0.1)
    assert tracks.velocity[1, 0] == pytest.approx(-0.7 * 0.3 / 1.5, rel=0.1)
    assert abs(tracks.velocity[:, 1]).max() < 0.01


def test_one_flash_is_never_shown() -> None:
    tracker = Tracker()
    tracker.update(frame(0, (0.5, 0.5, 0.2, 0.95)))
    assert all(len(tracker.update(frame(0.1 * n))) == 0 for n in range(1, 30))


def test_unsure_detections_carry_on_but_never_begin() -> None:
    tracker = Tracker()
    for n in range(10):
        assert len(tracker.update(frame(n / 10, (0.5, 0.5, 0.2, 0.3)))) == 0
    for n in range(10, 20):
        tracker.update(frame(n / 10, (0.5, 0.5, 0.2, 0.8)))
    for n in range(20, 60):
        tracks = tracker.update(frame(n / 10, (0.5, 0.5, 0.2, 0.3)))
        assert tracks.ids.tolist() == [1]
        assert tracks.unseen_s.tolist() == [0]


def test_a_double_detection_makes_no_second_track() -> None:
    tracker = Tracker()
    for n in range(30):
        tracks = tracker.update(frame(n / 10, (0.5, 0.5, 0.2, 0.9), (0.51, 0.52, 0.21, 0.7)))
    assert tracks.ids.tolist() == [1]


def test_labels_are_not_mixed() -> None:
    tracker = Tracker()
    for n in range(10):
        tracks = tracker.update(frame(n / 10, (0.5, 0.5, 0.2, 0.9), label=0))
    for n in range(10, 20):
        tracks = tracker.update(frame(n / 10, (0.5, 0.5, 0.2, 0.9), label=2))
    assert sorted(tracks.labels.tolist()) == [0, 2]


def test_what_stands_still_is_known_through_a_rest_of_inference() -> None:
    tracker = Tracker()
    for n in range(20):
        tracker.update(frame(n / 5, (0.4, 0.5, 0.2, 0.8)))
    for n in range(20, 20 + 5 * 60):
        tracks = tracker.coast(round(n / 5 * S))
    assert tracks.ids.tolist() == [1]
    assert tracks.states.tolist() == [STATIONARY]
    assert tracks.velocity.tolist() == [[0, 0]]
    assert tracker.update(frame(64.2, (0.4, 0.5, 0.2, 0.8))).ids.tolist() == [1]


def test_what_is_lost_is_forgotten_while_coasting() -> None:
    tracker = Tracker()
    for n in range(10):
        tracker.update(frame(n / 5, (0.4, 0.5, 0.2, 0.8)))
    tracker.update(frame(2.0))
    assert len(tracker.coast(round(2.2 * S))) == 1
    assert len(tracker.coast(round(8.0 * S))) == 0


def test_hostile_detections_and_clocks_are_survived() -> None:
    tracker = Tracker(TrackerSettings(max_tracks=20))
    random = np.random.default_rng(1)
    for _ in range(50):
        boxes = random.normal(0.5, 1.0, (2000, 4)).astype(np.float32)
        boxes[::7] = np.nan
        boxes[::11] = np.inf
        boxes[::13, 2] = boxes[::13, 0]
        at_ns = int(random.integers(-(10**12), 10**15))
        scores, labels = random.uniform(0, 1, 2000).astype(np.float32), random.integers(0, 80, 2000).astype(np.int32)
        tracks = tracker.update(Detections(at_ns, boxes, scores, labels, 1.0))
        assert len(tracks) <= 20
        assert np.isfinite(tracks.boxes).all()
        assert np.isfinite(tracks.velocity).all()


def test_the_contract_form_is_cut_to_the_picture() -> None:
    tracker = Tracker()
    for n in range(10):
        tracks = tracker.update(frame(n / 10, (0.0, 1.0, 0.5, 0.8)))
    (track,) = tracks.to_contract(["person"], [["door"]])
    assert track.label == "person"
    assert track.zones == ("door",)
    assert track.box[0] == 0.0
    assert all(0 <= value <= 1 for value in track.box)
    assert tracks.to_contract([])[0].label == "object"
