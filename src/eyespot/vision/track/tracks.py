"""The tracks of one frame as arrays, and their form on the bus."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.track import Track, TrackState

ACTIVE, OCCLUDED, STATIONARY = 0, 1, 2
STATES: tuple[TrackState, ...] = ("active", "occluded", "stationary")


@dataclass(frozen=True, slots=True)
class Tracks:
    """Confirmed tracks of one frame, oldest first.

    Attributes:
        capture_ns: monotonic capture time of the frame.
        ids: ``(N,)`` int64 from 1, never used again within one tracker.
        boxes: ``(N, 4)`` float32, ``x1 y1 x2 y2`` in fractions of the picture, smoothed; may reach beyond the picture.
        scores: ``(N,)`` float32 in 0 to 1, smoothed over about a second.
        labels: ``(N,)`` int32, as in the detections.
        velocity: ``(N, 2)`` float32, fractions of the picture's width and height per second.
        states: ``(N,)`` int8: ``ACTIVE``, ``OCCLUDED`` or ``STATIONARY``.
        age_s: ``(N,)`` float32, since the first detection.
        unseen_s: ``(N,)`` float32, since the last detection; 0 for those seen in this frame.
        aspect: picture width divided by height, as in the detections.
    """

    capture_ns: int
    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int32]
    velocity: NDArray[np.float32]
    states: NDArray[np.int8]
    age_s: NDArray[np.float32]
    unseen_s: NDArray[np.float32]
    aspect: float

    def __len__(self) -> int:
        return len(self.ids)

    def to_contract(self, labels: Sequence[str], zones: Sequence[Sequence[str]] | None = None) -> tuple[Track, ...]:
        """One document a track, with boxes cut to the picture and ``labels`` giving the names.

        Args:
            labels: the model package's label list; an index beyond it reads ``"object"``.
            zones: names of the zones each track stands in, in the order of ``ids``.
        """
        columns = (self.ids, self.labels, self.scores, self.boxes, self.velocity, self.states, self.age_s)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return tuple(
            Track(
                id=number,
                label=labels[label] if 0 <= label < len(labels) else "object",
                score=min(1.0, max(0.0, score)),
                box=cut(box),
                velocity=(velocity[0], velocity[1]),
                state=STATES[state],
                age_s=age_s,
                zones=tuple(zones[place]) if zones is not None else (),
            )
            for place, (number, label, score, box, velocity, state, age_s) in enumerate(rows)
        )


def cut(box: Sequence[float]) -> tuple[float, float, float, float]:
    """``box`` limited to the picture, rounded to 5 places (a tenth of a pixel at 8K)."""
    x1, y1, x2, y2 = (round(min(1.0, max(0.0, value)), 5) for value in box)
    return x1, y1, x2, y2


def no_tracks(capture_ns: int, aspect: float = 1.0) -> Tracks:
    """An empty frame."""
    return Tracks(
        capture_ns,
        np.zeros(0, np.int64),
        np.zeros((0, 4), np.float32),
        np.zeros(0, np.float32),
        np.zeros(0, np.int32),
        np.zeros((0, 2), np.float32),
        np.zeros(0, np.int8),
        np.zeros(0, np.float32),
        np.zeros(0, np.float32),
        aspect,
    )
