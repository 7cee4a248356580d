"""What a detector head says about one frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""``(N, 4)`` float32, ``x1 y1 x2 y2`` in fractions of the picture's width and height, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Detections:
    """Detections of one frame, unordered.

    Attributes:
        capture_ns: monotonic capture time of the frame.
        boxes: ``(N, 4)`` float32, see ``Boxes``.
        scores: ``(N,)`` float32 in 0 to 1.
        labels: ``(N,)`` int32, indices into the model package's label list.
        aspect: picture width divided by height, so that distances can be made isotropic.
    """

    capture_ns: int
    boxes: Boxes
    scores: NDArray[np.float32]
    labels: NDArray[np.int32]
    aspect: float

    def __len__(self) -> int:
        return len(self.scores)


def no_detections(capture_ns: int, aspect: float) -> Detections:
    """A frame in which nothing was found."""
    return Detections(capture_ns, np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32), aspect)
