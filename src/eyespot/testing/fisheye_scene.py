"""A flat, upright, bright object in a fisheye picture, and a detector that knows it only when it looks like that."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Boxes, Detections
from eyespot.contracts.lens import LensGeometry
from eyespot.media.lens import Dewarp, Look
from eyespot.media.pixels import Pixels

Box = tuple[float, float, float, float]

ROUND = LensGeometry("equidistant", 1 / math.pi, 1 / math.pi)
"""A circle of 180 degrees that fills a square picture."""
_DARK, _LIMIT, _BRIGHT = 60, 180, 220


def fisheye_with_object(lens: LensGeometry, look: Look, box: Box, size_px: int = 480) -> Pixels:
    """A square uint8 picture of ``lens`` in which an object fills ``box`` (fractions) of the flat view ``look``."""
    x, y = np.meshgrid((np.arange(size_px) + 0.5) / size_px, (np.arange(size_px) + 0.5) / size_px)
    seen = Dewarp(lens, (size_px, size_px), (64, 64), look).to_view(np.stack([x, y], axis=-1))
    inside = (seen[..., 0] >= box[0]) & (seen[..., 0] < box[2]) & (seen[..., 1] >= box[1]) & (seen[..., 1] < box[3])
    return np.where(inside, _BRIGHT, _DARK).astype(np.uint8)


def true_box(picture: Pixels) -> Box:
    """Where the object is in ``picture``, in fractions of it."""
    (box,) = _around(picture > _LIMIT)
    return box


class UprightDetector:
    """Finds the object when it fills its box and is about twice as high as wide: label 0, score 0.9.

    Stands in for the edge's detectors and for the one detector they give.
    """

    labels = ("person",)
    input_px = (208, 208)
    waiting = 0

    def get(self, *_: Any) -> "UprightDetector":
        """Itself, for every package."""
        return self

    def sizes(self, *_: Any) -> tuple[tuple[int, int], ...]:
        """The one size."""
        return (self.input_px,)

    def wanted(self, labels: tuple[str, ...]) -> None:
        """All."""

    def image(self, frame: Any, region: Any = None) -> Pixels:
        """The pixels of a frame, ``(208, 208, 3)`` uint8."""
        pixels: Pixels = frame.bgr(self.input_px[1], self.input_px[0])
        return pixels

    async def detect(self, image: Pixels, asked: Any) -> Detections:
        """``asked`` is the edge's ``Asked``."""
        bright = image[..., 0] > _LIMIT
        return told([box for box in _around(bright) if _is_upright(bright, box)], asked)


def told(boxes: list[Box], asked: Any) -> Detections:
    """``boxes`` as detections of label 0, score 0.9."""
    rows: Boxes = np.array(boxes, np.float32).reshape(-1, 4)
    count = len(rows)
    return Detections(asked.capture_ns, rows, np.full(count, 0.9, np.float32), np.zeros(count, np.int32), asked.aspect)


def _around(bright: NDArray[np.bool_]) -> list[Box]:
    rows, columns = np.nonzero(bright)
    if not rows.size:
        return []
    tall, wide = bright.shape
    return [(columns.min() / wide, rows.min() / tall, (columns.max() + 1) / wide, (rows.max() + 1) / tall)]


def _is_upright(bright: NDArray[np.bool_], box: Box) -> bool:
    tall, wide = bright.shape
    left, top, right, bottom = (round(side * size) for side, size in zip(box, (wide, tall) * 2, strict=True))
    filled = float(bright[top:bottom, left:right].mean())
    return filled >= 0.93 and 1.7 < (bottom - top) / (right - left) < 2.3
