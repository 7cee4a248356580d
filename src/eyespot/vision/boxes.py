"""Boxes in plain numpy: overlap, suppression, and the joining of detections from several regions of one picture.

Boxes are ``(N, 4)`` float32 ``x1 y1 x2 y2``; any unit, as long as it is one.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Boxes, Detections


def iou(left: Boxes, right: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every pair: ``(len(left), len(right))`` float32 in 0 to 1; 0 where both are empty."""
    shared = _shared(left, right)
    union = _areas(left)[:, None] + _areas(right) - shared
    result: NDArray[np.float32] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def nms(boxes: Boxes, scores: NDArray[np.float32], labels: NDArray[np.int32], iou_threshold: float) -> NDArray[np.intp]:
    """Greedy suppression within each label: indices of the boxes kept, best score first.

    A box goes when it overlaps a better box of its own label by more than ``iou_threshold``.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    x1, y1, x2, y2 = boxes.T.take(order, axis=1)
    kinds = labels[order]
    shared = _spans(x1, x2)
    shared *= _spans(y1, y2)
    areas = shared.diagonal()
    limit = np.float32(iou_threshold / (1 + iou_threshold))  # of the sum of both areas: the same as IoU, no division
    rivals = shared > limit * (areas[:, None] + areas)
    rivals &= kinds[:, None] == kinds
    rivals &= _later(1 << len(order).bit_length())[: len(order), : len(order)]
    alive = ~np.logical_or.reduce(rivals, axis=0)
    if alive.all():
        return order
    while True:  # a box that is itself suppressed suppresses none: settles after as many rounds as rivals form chains
        before = alive
        alive = ~np.logical_or.reduce(rivals[before], axis=0)
        if (alive == before).all():
            kept: NDArray[np.intp] = order[alive]
            return kept


def merge(parts: Sequence[Detections], iou_threshold: float = 0.5) -> Detections:
    """Detections of several regions of one frame as one set, doubles removed.

    A box that lies almost wholly inside a better one of its label goes too: a part that a region's edge cut off.
    ``parts`` must not be empty; capture time and aspect are the first part's.
    """
    boxes = np.concatenate([part.boxes for part in parts])
    scores = np.concatenate([part.scores for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    keep = nms(boxes, scores, labels, iou_threshold)
    keep = keep[~_inside_a_larger(boxes[keep], labels[keep])]
    return Detections(parts[0].capture_ns, boxes[keep], scores[keep], labels[keep], parts[0].aspect)


def _shared(left: Boxes, right: Boxes) -> NDArray[np.float32]:
    """Shared area of every pair, ``(len(left), len(right))`` float32.

    One coordinate at a time: four times faster than whole corners.
    """
    left_x1, left_y1, left_x2, left_y2 = np.ascontiguousarray(left.T)[:, :, None]
    right_x1, right_y1, right_x2, right_y2 = np.ascontiguousarray(right.T)
    width = np.minimum(left_x2, right_x2) - np.maximum(left_x1, right_x1)
    height = np.minimum(left_y2, right_y2) - np.maximum(left_y1, right_y1)
    shared: NDArray[np.float32] = np.maximum(width, 0) * np.maximum(height, 0)
    return shared


def _spans(low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shared length of every pair of spans, ``(N, N)`` float32, 0 where they are apart; the diagonal is their own."""
    span: NDArray[np.float32] = np.minimum(high[:, None], high)
    span -= np.maximum(low[:, None], low)
    np.maximum(span, 0, out=span)
    return span


@lru_cache(maxsize=12)
def _later(count: int) -> NDArray[np.bool_]:
    """``(count, count)``: whether the column comes after the row."""
    later = np.triu(np.ones((count, count), bool), 1)
    later.flags.writeable = False
    return later


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    areas: NDArray[np.float32] = sides[:, 0] * sides[:, 1]
    return areas


def _inside_a_larger(boxes: Boxes, labels: NDArray[np.int32], share: float = 0.9) -> NDArray[np.bool_]:
    """True for each box of which ``share`` or more lies in a larger, earlier (better) box of the same label."""
    areas = _areas(boxes)
    covered = _shared(boxes, boxes) >= share * np.maximum(areas, 1e-12)[:, None]
    rank = np.arange(len(boxes))
    better = (rank[None, :] < rank[:, None]) & (areas[None, :] > areas[:, None]) & (labels[None, :] == labels[:, None])
    result: NDArray[np.bool_] = (covered & better).any(axis=1)
    return result
