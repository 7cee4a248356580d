"""How well a detection fits a track's prediction: overlap, nearness in object heights, and size."""

import numpy as np
from numpy.typing import NDArray

from eyespot.vision.track.kalman import Floats

OVERLAP_SHARE = 0.3
"""Weight of the overlap; the rest is nearness."""
SIZE_WEIGHT = 0.25
"""Loss of gain per unit of difference of log heights."""
SIZE_LIMIT = 0.7
"""Largest difference of log heights that still can be one object (a factor of two)."""
LOSS_PER_S = 0.3
"""Loss of gain per second that a track has not been seen: those seen just now come first, old ones need a good fit."""
SHADOW_OVERLAP = 0.4
"""A detection that overlaps a better one so much may be the same object found twice."""


def overlaps(boxes: Floats, found: Floats) -> Floats:
    """``(N, D)`` intersection over union of ``(4, N)`` and ``(4, D)`` boxes ``x1 y1 x2 y2`` with positive sides."""
    side = np.minimum(boxes[2:, :, None], found[2:, None, :])
    side -= np.maximum(boxes[:2, :, None], found[:2, None, :])
    np.maximum(side, 0.0, out=side)
    inside: Floats = side[0]
    inside *= side[1]
    spans, found_spans = boxes[2:] - boxes[:2], found[2:] - found[:2]
    union = (spans[0] * spans[1])[:, None] + found_spans[0] * found_spans[1]
    union -= inside
    inside /= union
    return inside


def affinity(tracks: Floats, unseen_s: Floats, reach: Floats, found: Floats, overlap: Floats) -> Floats:
    """``(T, D)`` gains, at most 1, 0 or less where a pair is impossible.

    Args:
        tracks: ``(4, T)`` predicted centre x, centre y, log width, log height.
        unseen_s: ``(T,)`` how long each track had not been seen at the frame before.
        reach: ``(T,)`` distance in picture heights at which nearness becomes 0.
        found: ``(4, D)`` detections like ``tracks``.
        overlap: ``(T, D)``.
    """
    apart = tracks[:, :, None] - found[:, None, :]
    near = np.hypot(apart[0], apart[1])
    near /= -reach[:, None]
    near += 1.0
    size = np.abs(apart[3])
    gain: Floats = overlap * OVERLAP_SHARE
    gain += near * (1.0 - OVERLAP_SHARE)
    gain -= size * SIZE_WEIGHT
    if max(unseen_s.tolist()) > 0.0:
        gain -= (unseen_s * LOSS_PER_S)[:, None]
    gain[(near <= 0.0) | (size > SIZE_LIMIT)] = 0.0
    return gain


def shadowed(overlap: Floats, scores: Floats) -> NDArray[np.bool_]:
    """``(D,)`` whether a detection overlaps a better one by more than ``SHADOW_OVERLAP``; ``overlap`` is ``(D, D)``."""
    rivals: NDArray[np.bool_] = (overlap > SHADOW_OVERLAP) & (scores > scores[:, None])
    result: NDArray[np.bool_] = np.logical_or.reduce(rivals, axis=1)
    return result
