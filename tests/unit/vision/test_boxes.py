"""Boxes: overlap, suppression, merging; properties over random boxes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eyespot.contracts.detections import Detections
from eyespot.vision.boxes import iou, merge, nms

UNIT = st.floats(0, 1, width=32)
BOXES = (
    st.integers(0, 12)
    .flatmap(lambda count: arrays(np.float32, (count, 4), elements=UNIT))
    .map(lambda raw: np.concatenate([np.minimum(raw[:, :2], raw[:, 2:]), np.maximum(raw[:, :2], raw[:, 2:])], axis=1))
)


@given(BOXES, BOXES)
def test_iou_is_a_symmetric_share(left: np.ndarray, right: np.ndarray) -> None:
    overlaps = iou(left, right)
    assert overlaps.shape == (len(left), len(right))
    assert ((overlaps >= 0) & (overlaps <= 1 + 1e-4)).all()
    np.testing.assert_allclose(overlaps, iou(right, left).T, atol=1e-6)


def test_iou_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 5, 5]], np.float32)
    np.testing.assert_allclose(iou(boxes, boxes), [[1, 1 / 7, 0], [1 / 7, 1, 0], [0, 0, 0]], atol=1e-6)


@given(BOXES, st.floats(0.1, 0.9))
def test_nms_keeps_the_best_and_nothing_that_overlaps(boxes: np.ndarray, threshold: float) -> None:
    scores = np.linspace(1, 0.1, len(boxes), dtype=np.float32)[::-1].copy()
    labels = (np.arange(len(boxes)) % 2).astype(np.int32)
    keep = nms(boxes, scores, labels, threshold)
    assert (np.diff(scores[keep]) <= 0).all()
    for label in (0, 1):
        mine = keep[labels[keep] == label]
        overlaps = iou(boxes[mine], boxes[mine]) - np.eye(len(mine), dtype=np.float32)
        assert (overlaps <= threshold + 1e-6).all()
    if len(boxes):
        assert scores.argmax() in keep


def test_merge_drops_the_part_a_region_cut_off() -> None:
    whole = Detections(
        5, np.array([[0.2, 0.2, 0.4, 0.8]], np.float32), np.array([0.9], np.float32), np.zeros(1, np.int32), 1.5
    )
    part = Detections(
        5,
        np.array([[0.2, 0.5, 0.4, 0.8], [0.7, 0.7, 0.9, 0.9]], np.float32),
        np.array([0.6, 0.5], np.float32),
        np.zeros(2, np.int32),
        1.5,
    )
    merged = merge([whole, part])
    np.testing.assert_allclose(merged.scores, [0.9, 0.5])
    assert (merged.capture_ns, merged.aspect) == (5, 1.5)
