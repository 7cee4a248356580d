"""The nanodet head, against outputs built by hand."""

import numpy as np
import pytest

from eyespot.contracts.detections import Detections
from eyespot.kernel.errors import EyespotError
from eyespot.vision.heads.accuracy import ap50
from eyespot.vision.heads.nanodet import pick, settle
from eyespot.vision.heads.registry import find_head

LABELS = ("person", "car", "dog")
BINS = 11
HEIGHT_PX, WIDTH_PX = 32, 64
CELLS = 4 * 8 + 2 * 4 + 1 * 2


def _outputs(*objects: tuple[int, int, float, tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """``best`` and ``raw`` with sure distances: each object is (cell, label, score, distances in strides)."""
    best = np.zeros((1, CELLS), np.float32)
    raw = np.full((1, CELLS, len(LABELS) + 4 * BINS), -50, np.float32)
    for cell, label, score, distances in objects:
        best[0, cell] = score
        raw[0, cell, label] = 1
        for side, distance in enumerate(distances):
            raw[0, cell, len(LABELS) + side * BINS + distance] = 50
    return best, raw


def _decode(outputs: tuple[np.ndarray, np.ndarray], **options: object) -> Detections:
    settings = {"score_threshold": 0.3, "capture_ns": 7, "aspect": 2.0, "input_px": (HEIGHT_PX, WIDTH_PX), **options}
    return find_head("nanodet")(outputs, labels=LABELS, **settings)


def test_reads_a_box_of_each_stride() -> None:
    # Cell 9 of stride 8: row 1, column 1, centre (12, 12). Cell 32 + 5 of stride 16: centre (24, 24).
    found = _decode(_outputs((9, 0, 0.9, (1, 1, 1, 1)), (37, 2, 0.6, (1, 1, 2, 0))))
    assert found.capture_ns == 7
    np.testing.assert_allclose(found.boxes[0], [4 / 64, 4 / 32, 20 / 64, 20 / 32], atol=1e-6)
    np.testing.assert_allclose(found.boxes[1], [8 / 64, 8 / 32, 56 / 64, 24 / 32], atol=1e-6)
    assert found.labels.tolist() == [0, 2]
    assert found.boxes.dtype == np.float32
    assert found.labels.dtype == np.int32


def test_finds_nothing_in_silence() -> None:
    found = _decode(_outputs((9, 0, 0.29, (1, 1, 1, 1))))
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_doubles_go_within_a_label_only() -> None:
    same = (1, 1, 1, 1)
    found = _decode(_outputs((9, 0, 0.9, same), (10, 0, 0.8, (2, 1, 0, 1)), (17, 1, 0.7, (1, 2, 1, 0))))
    assert found.labels.tolist() == [0, 1]
    np.testing.assert_allclose(found.scores, [0.9, 0.7], rtol=1e-6)


def test_region_places_boxes_in_the_whole_picture() -> None:
    whole = _decode(_outputs((9, 0, 0.9, (1, 1, 1, 1)))).boxes[0]
    placed = _decode(_outputs((9, 0, 0.9, (1, 1, 1, 1))), region=(0.5, 0.25, 1.0, 0.75)).boxes[0]
    np.testing.assert_allclose(placed, whole * 0.5 + [0.5, 0.25, 0.5, 0.25], atol=1e-6)
    barred = _decode(_outputs((9, 0, 0.9, (1, 1, 1, 1))), region=(0.0, -0.5, 1.0, 1.5)).boxes[0]
    assert barred[1] == 0.0
    np.testing.assert_allclose(barred[3], 2 * whole[3] - 0.5, atol=1e-6)


def test_boxes_are_cut_at_the_edge() -> None:
    box = _decode(_outputs((0, 0, 0.9, (9, 9, 9, 9)))).boxes[0]
    np.testing.assert_allclose(box, [0, 0, 1, 1])


def test_several_pictures_at_once_are_found_in_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    regions = (None, (0.0, 0.0, 0.5, 1.0), None)
    pictures = []
    for number, region in enumerate(regions):
        best = rng.uniform(0.0, 0.6 if number else 0.2, (1, 3549)).astype(np.float32)
        raw = rng.normal(size=(1, 3549, 124)).astype(np.float32)
        options = {"labels": ["x"] * 80, "score_threshold": 0.5, "capture_ns": number, "aspect": 1.0}
        pictures.append(pick([best, raw], region=region, **options))  # type: ignore[arg-type]
    together = settle(pictures)
    assert len(together[0]) == 0
    for found, picture in zip(together, pictures, strict=True):
        (alone,) = settle([picture])
        assert (found.capture_ns, len(found)) == (alone.capture_ns, len(alone))
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=1e-6)
        np.testing.assert_array_equal(found.labels, alone.labels)
    assert settle([]) == []


def test_labels_that_nobody_wants_go_first() -> None:
    same = (1, 1, 1, 1)
    found = _decode(_outputs((9, 0, 0.9, same), (17, 1, 0.7, same)), wanted=np.array([False, True, False]))
    assert found.labels.tolist() == [1]


def test_a_flood_of_candidates_is_bounded() -> None:
    rng = np.random.default_rng(1)
    best = rng.uniform(0.5, 1, (1, 3549)).astype(np.float32)
    raw = rng.normal(size=(1, 3549, 124)).astype(np.float32)
    found = find_head("nanodet")([best, raw], labels=["x"] * 80, score_threshold=0.1, capture_ns=0, aspect=1.0)
    assert 0 < len(found) <= 300


def test_refuses_arrays_that_do_not_fit() -> None:
    best, raw = _outputs()
    with pytest.raises(EyespotError, match="do not fit"):
        _decode((best, raw), input_px=(64, 64))
    with pytest.raises(EyespotError, match="do not fit"):
        _decode((best, raw[..., :-1]))


def test_registry_names_the_heads_there_are() -> None:
    assert find_head("nanodet").pick is pick
    with pytest.raises(EyespotError, match="one of: nanodet"):
        find_head("yolo")


def test_ap50_of_right_wrong_and_double() -> None:
    truth = [np.array([[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]], np.float32)]

    def found(*rows: tuple[float, list[float]]) -> list[Detections]:
        boxes = np.array([box for _, box in rows], np.float32).reshape(-1, 4)
        scores = np.array([score for score, _ in rows], np.float32)
        return [Detections(0, boxes, scores, np.zeros(len(rows), np.int32), 1.0)]

    left, right = [0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]
    assert ap50(found((0.9, left), (0.8, right)), truth, label=0) == 1.0
    assert ap50(found((0.9, left)), truth, label=0) == 0.5
    assert ap50(found((0.9, left), (0.8, left), (0.7, right)), truth, label=0) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert ap50(found((0.9, left), (0.8, right)), truth, label=1) == 0.0
