"""How well a detection fits a track's prediction: overlap, distance in object heights, and size."""

import numpy as np

from eyespot.vision.track.kalman import Floats

OVERLAP_SHARE = 0.5
"""Weight of the overlap; the rest is nearness."""
SIZE_LIMIT = 0.7
"""Largest difference of log heights that still can be one object (a factor of two)."""


def affinity(tracks: Floats, track_corners: Floats, reach: Floats, found: Floats, found_corners: Floats) -> Floats:
    """``(T, D)`` gains, at most 1, 0 or less where a pair is impossible.

    Args:
        tracks: ``(T, 4)`` predicted centre x, centre y, log width, log height.
        track_corners: the same as ``x1 y1 x2 y2``.
        reach: ``(T, 1)`` distance in picture heights at which nearness becomes 0.
        found: ``(D, 4)`` detections like ``tracks``.
        found_corners: the same as ``x1 y1 x2 y2``.
    """
    low = np.maximum(track_corners[:, None, :2], found_corners[:, :2])
    high = np.minimum(track_corners[:, None, 2:], found_corners[:, 2:])
    side = high - low
    np.maximum(side, 0.0, out=side)
    inside = side[..., 0] * side[..., 1]
    area_tracks = np.exp(tracks[:, 2] + tracks[:, 3])
    area_found = np.exp(found[:, 2] + found[:, 3])
    overlap = inside / (area_tracks[:, None] + area_found - inside)
    apart = np.abs(tracks[:, None, :] - found)
    near = 1.0 - np.hypot(apart[..., 0], apart[..., 1]) / reach
    gain: Floats = OVERLAP_SHARE * overlap + (1.0 - OVERLAP_SHARE) * near
    gain -= 0.25 * apart[..., 3]
    gain[(near <= 0.0) | (apart[..., 3] > SIZE_LIMIT)] = 0.0
    return gain
