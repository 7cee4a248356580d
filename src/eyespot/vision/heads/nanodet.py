"""The NanoDet head: class logits and distributions of side distances, one cell at a time.

Source: Li et al., "Generalized Focal Loss" (arXiv 2006.04388) section 3.3, as NanoDet uses it: each side's distance is
the expectation of a softmax over ``bins`` whole strides; a cell's centre lies half a stride in.
"""

from collections.abc import Sequence
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


def decode(
    outputs: Sequence[NDArray[Any]],
    *,
    labels: Sequence[str],
    score_threshold: float,
    capture_ns: int,
    aspect: float,
    region: Region | None = None,
    input_px: tuple[int, int] | None = None,
    iou_threshold: float = 0.6,
) -> Detections:
    """Detections of one picture.

    Args:
        outputs: ``best`` ``(1, N)`` float32, each cell's best class score, and ``raw`` ``(1, C + 4 × bins, N)``.
        labels: the package's C label names.
        score_threshold: cells below it are not looked at.
        capture_ns, aspect: of the whole picture, passed on.
        region: which part of the picture the model saw, ``x1 y1 x2 y2`` in fractions; may reach outside 0 to 1 (bars).
        input_px: height and width the model ran at; None when both are the same.
        iou_threshold: overlap above which the lesser of two boxes of one label goes.

    Raises:
        EyespotError: ``INVALID`` when the arrays do not fit ``labels`` or ``input_px``.
    """
    best, raw = outputs[0][0], outputs[1][0]
    height_px, width_px = input_px or _square(best.shape[0])
    centres = _centres(height_px, width_px)
    if centres.shape[0] != best.shape[0] or (raw.shape[0] - len(labels)) % 4 or raw.shape[0] <= len(labels):
        raise invalid(
            f"The nanodet head was given {best.shape[0]} cells of {raw.shape[0]} values; "
            f"{len(labels)} labels and {width_px}x{height_px} pixels do not fit them."
        )
    cells = np.flatnonzero(best >= score_threshold)
    if len(cells) > MAX_CANDIDATES:
        cells = cells[np.argpartition(-best[cells], MAX_CANDIDATES)[:MAX_CANDIDATES]]
    values = raw[:, cells]
    scores = best[cells].astype(np.float32)
    classes = values[: len(labels)].argmax(axis=0).astype(np.int32)
    boxes = _boxes(values[len(labels) :], centres[cells], height_px, width_px)
    keep = nms(boxes, scores, classes, iou_threshold)
    return Detections(capture_ns, _place(boxes[keep], region), scores[keep], classes[keep], aspect)


def _boxes(distributions: NDArray[Any], centres: NDArray[np.float32], height_px: int, width_px: int) -> Boxes:
    """``(K, 4)`` boxes in fractions of the model's input, from ``(4 × bins, K)`` logits; outside 0 to 1 is cut off."""
    shaped = distributions.reshape(4, len(distributions) // 4, distributions.shape[1])
    powers = np.exp(shaped - shaped.max(axis=1, keepdims=True))
    bins = np.arange(shaped.shape[1], dtype=np.float32)
    distances = np.tensordot(bins, powers, axes=(0, 1)) / powers.sum(axis=1) * centres[:, 2]
    x, y = centres[:, 0], centres[:, 1]
    corners = np.stack([x - distances[0], y - distances[1], x + distances[2], y + distances[3]], axis=1)
    boxes: Boxes = (corners / np.array([width_px, height_px, width_px, height_px], np.float32)).clip(0, 1)
    return boxes.astype(np.float32, copy=False)


def _place(boxes: Boxes, region: Region | None) -> Boxes:
    """Boxes in fractions of ``region`` as boxes in fractions of the whole picture, cut at its edges."""
    if region is None:
        return boxes
    x1, y1, x2, y2 = region
    scale = np.array([x2 - x1, y2 - y1, x2 - x1, y2 - y1], np.float32)
    placed: Boxes = (boxes * scale + np.array([x1, y1, x1, y1], np.float32)).clip(0, 1)
    return placed


@lru_cache(maxsize=8)
def _centres(height_px: int, width_px: int) -> NDArray[np.float32]:
    """``(N, 3)``: each cell's centre x and y and its stride, in pixels, in the order of the outputs."""
    parts = []
    for stride in STRIDES_PX:
        rows, columns = -(-height_px // stride), -(-width_px // stride)
        y, x = np.divmod(np.arange(rows * columns), columns)
        parts.append(np.stack([(x + 0.5) * stride, (y + 0.5) * stride, np.full(len(x), stride)], axis=1))
    centres = np.concatenate(parts).astype(np.float32)
    centres.flags.writeable = False
    return centres


def _square(cells: int) -> tuple[int, int]:
    """The side of a square input that has ``cells`` cells; 21 cells for every 32 × 32 pixels."""
    side = round((cells / 21) ** 0.5) * STRIDES_PX[-1]
    return side, side
