"""The NanoDet head: class logits and distributions of side distances, one cell at a time.

Source: Li et al., "Generalized Focal Loss" (arXiv 2006.04388) section 3.3, as NanoDet uses it: each side's distance is
the expectation of a softmax over ``bins`` whole strides; a cell's centre lies half a stride in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Boxes, Detections
from eyespot.kernel.errors import invalid
from eyespot.vision.boxes import nms

STRIDES_PX = (8, 16, 32)
MAX_CANDIDATES = 300
Region = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Candidates:
    """The cells of one picture that may hold an object, still with their doubles.

    Attributes:
        capture_ns, aspect: of the whole picture, passed on.
        region: which part of the picture the model saw, ``x1 y1 x2 y2`` in fractions; None: all of it.
        classes: how many labels there are, C.
        wanted: ``(C,)``, which of them count; None for all.
        scores: ``(K,)`` float32, the best of each cell.
        values: ``(K, C + 4 × bins)``: logits of the classes, then of the distances of the sides.
        cells: ``(K,)`` which cells they are, and ``places`` ``(N, 8)`` where each cell is: see ``_places``.
    """

    capture_ns: int
    aspect: float
    region: Region | None
    classes: int
    wanted: NDArray[np.bool_] | None
    scores: NDArray[np.float32]
    values: NDArray[Any]
    cells: NDArray[np.intp]
    places: NDArray[np.float32]


def pick(
    outputs: Sequence[NDArray[Any]],
    *,
    labels: Sequence[str],
    score_threshold: float,
    capture_ns: int,
    aspect: float,
    region: Region | None = None,
    input_px: tuple[int, int] | None = None,
    wanted: NDArray[np.bool_] | None = None,
) -> Candidates:
    """What one picture may hold; nothing of ``outputs`` is kept. Does as little as can be: right after a run the
    processor's caches hold the model.

    Args:
        outputs: ``best`` ``(1, N)`` float32, each cell's best class score, and ``raw`` ``(1, N, C + 4 × bins)``.
        labels: the package's C label names.
        score_threshold: cells below it are not looked at.
        capture_ns, aspect: of the whole picture, passed on.
        region: which part of the picture the model saw, ``x1 y1 x2 y2`` in fractions; may reach outside 0 to 1 (bars).
        input_px: height and width the model ran at; None when both are the same.
        wanted: ``(C,)``, which labels count; None for all.

    Raises:
        EyespotError: ``INVALID`` when the arrays do not fit ``labels`` or ``input_px``.
    """
    best, raw = outputs[0][0], outputs[1][0]
    height_px, width_px = input_px or _square(best.shape[0])
    places = _places(height_px, width_px)
    values = raw.shape[1]
    if not len(places) == len(best) == len(raw) or (values - len(labels)) % 4 or values <= len(labels):
        raise invalid(
            f"The nanodet head was given {len(best)} cells of {values} values; "
            f"{len(labels)} labels and {width_px}x{height_px} pixels do not fit them."
        )
    cells = (best >= score_threshold).nonzero()[0]
    if len(cells) > MAX_CANDIDATES:
        cells = cells[np.argpartition(-best[cells], MAX_CANDIDATES)[:MAX_CANDIDATES]]
    scores, found = best.take(cells).astype(np.float32, copy=False), raw.take(cells, axis=0)
    return Candidates(capture_ns, aspect, region, len(labels), wanted, scores, found, cells, places)


def settle(pictures: Sequence[Candidates], *, iou_threshold: float = 0.6) -> list[Detections]:
    """The detections of each picture; several at once cost less than one by one.

    Args:
        pictures: of one model.
        iou_threshold: overlap above which the lesser of two boxes of one label goes.
    """
    if not pictures:
        return []
    values = np.concatenate([picture.values for picture in pictures])
    classes = pictures[0].classes
    labels = values[:, :classes].argmax(axis=1).astype(np.int32)
    places = np.concatenate([picture.places.take(picture.cells, axis=0) for picture in pictures])
    boxes = _boxes(values[:, classes:], places)
    found, end = [], 0
    for picture in pictures:
        begin, end = end, end + len(picture.scores)
        found.append(_settle_one(picture, boxes[begin:end], labels[begin:end], iou_threshold))
    return found


def _settle_one(picture: Candidates, boxes: Boxes, labels: NDArray[np.int32], iou_threshold: float) -> Detections:
    """One picture without doubles and without what is not wanted."""
    scores = picture.scores
    if picture.wanted is not None and not (wanted := picture.wanted[labels]).all():
        boxes, scores, labels = boxes[wanted], scores[wanted], labels[wanted]
    keep = nms(boxes, scores, labels, iou_threshold)
    return Detections(
        picture.capture_ns, _place(boxes[keep], picture.region), scores[keep], labels[keep], picture.aspect
    )


def _boxes(distributions: NDArray[Any], places: NDArray[np.float32]) -> Boxes:
    """``(K, 4)`` boxes in fractions of the model's input, cut at its edges.

    Args:
        distributions: ``(K, 4 × bins)`` logits.
        places: ``(K, 8)``: the cells' centres as corners, and how far one bin reaches from them, in fractions.
    """
    count, values = distributions.shape
    shaped = np.ascontiguousarray(distributions.T).reshape(4, values // 4, count)
    powers = np.exp(shaped - np.maximum.reduce(shaped, axis=1, keepdims=True))
    sums = np.matmul(_moments(shaped.shape[1]), powers)
    corners = sums[:, 0] / sums[:, 1]
    corners *= places[:, 4:].T
    corners += places[:, :4].T
    np.minimum(corners, 1.0, out=corners)
    np.maximum(corners, 0.0, out=corners)
    return np.ascontiguousarray(corners.T)


@lru_cache(maxsize=4)
def _moments(bins: int) -> NDArray[np.float32]:
    """``(2, bins)``: what a distribution is multiplied with for its first moment and its sum."""
    return np.stack([np.arange(bins, dtype=np.float32), np.ones(bins, np.float32)])


def _place(boxes: Boxes, region: Region | None) -> Boxes:
    """Boxes in fractions of ``region`` as boxes in fractions of the whole picture, cut at its edges."""
    if region is None:
        return boxes
    x1, y1, x2, y2 = region
    scale = np.array([x2 - x1, y2 - y1, x2 - x1, y2 - y1], np.float32)
    placed: Boxes = (boxes * scale + np.array([x1, y1, x1, y1], np.float32)).clip(0, 1)
    return placed


@lru_cache(maxsize=8)
def _places(height_px: int, width_px: int) -> NDArray[np.float32]:
    """``(N, 8)``, in the order of the outputs, in fractions of the input.

    Each cell's centre as ``x y x y`` and its stride as ``-x -y x y``.
    """
    parts = []
    for stride in STRIDES_PX:
        rows, columns = -(-height_px // stride), -(-width_px // stride)
        y, x = (np.stack(np.divmod(np.arange(rows * columns), columns)) + 0.5) * stride
        reach = np.full(len(x), stride)
        parts.append(np.stack([x, y, x, y, -reach, -reach, reach, reach]))
    sides_px = np.array([width_px, height_px] * 4)
    places: NDArray[np.float32] = np.ascontiguousarray(np.concatenate(parts, axis=1).T / sides_px, np.float32)
    places.flags.writeable = False
    return places


def _square(cells: int) -> tuple[int, int]:
    """The side of a square input that has ``cells`` cells; 21 cells for every 32 × 32 pixels."""
    side = round((cells / 21) ** 0.5) * STRIDES_PX[-1]
    return side, side
