"""Stages after the tone curve: phases woven into a picture, and sharpening."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

_CORING = 24
"""Detail below this (sixteenths of a level) is noise and is not sharpened."""
_MAX_STEP = 24
"""The most that sharpening changes a pixel, in levels: halos stay thin."""


def weave(phases: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(3, 2, 2, rows, columns)`` to planar ``(3, 2 rows, 2 columns)``."""
    _, _, _, rows, columns = phases.shape
    planar = np.empty((3, 2 * rows, 2 * columns), np.uint8)
    for y, x in product((0, 1), (0, 1)):
        planar[:, y::2, x::2] = phases[:, y, x]
    return planar


def sharpen(planar: NDArray[np.uint8], strength: float) -> NDArray[np.uint8]:
    """Unsharp mask of the brightness, the same step to all colours; small detail (noise) is left as it is.

    ``planar`` is ``(3, height + 4, width)``; two rows go at top and bottom, and the outermost two columns are spoilt.
    ``strength`` is 0 to 1. Neighbours are read as shifted flat runs; see ``planes``.
    """
    out = planar[:, 2:-2].copy()
    if strength <= 0:
        return out
    _, height, width = planar.shape
    level = planar[1].reshape(-1).astype(np.int16)
    level <<= 1
    level += planar[0].reshape(-1)
    level += planar[2].reshape(-1)
    level >>= 2
    row = level[:-2] + level[2:]
    row += level[1:-1]
    row += level[1:-1]
    count = (height - 4) * width - 2
    start = 2 * width
    blurred = row[start - width : start - width + count] + row[start + width : start + width + count]
    blurred += row[start : start + count]
    blurred += row[start : start + count]
    detail = level[start + 1 : start + 1 + count] << np.int16(4)
    detail -= blurred
    detail -= np.clip(detail, np.int16(-_CORING), np.int16(_CORING))
    detail >>= 2
    detail *= np.int16(round(16 * strength))
    detail >>= 5
    np.clip(detail, np.int16(-_MAX_STEP), np.int16(_MAX_STEP), out=detail)
    for colour in out:
        run = colour.reshape(-1)[1:-1]
        value = detail + run
        np.clip(value, np.int16(0), np.int16(255), out=value)
        np.copyto(run, value, casting="unsafe")
    return out
