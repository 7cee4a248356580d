"""Stages before demosaicing, on the four planes of a Bayer mosaic: split, repair, denoise.

A mosaic of height H and width W is four planes ``(2, 2, H/2, W/2)``: plane ``[y, x]`` holds the samples whose row and
column are y and x modulo 2, so neighbours in a plane have the same colour.

Neighbours are read as one flat run shifted by whole rows and single samples: numpy is four to six times faster on one
long run than on many short rows. A shifted run wraps around at the ends of rows, so every stage spoils one more column
at both edges, and takes one row off at top and bottom; the pipeline gives a margin for both.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.raw import Raw

_REPAIR_SHIFT = 3
"""A sample is bad that exceeds the brightest of its eight neighbours by more than an eighth of that, and noise."""
_CODES = 8191
"""Range of the codes in which noise is the same everywhere: differences and their sums fit 16 bits."""
_MAX_REACH = 4000


def split(mosaic: Raw) -> NDArray[np.uint16]:
    """The four planes of ``mosaic``, whose sides are even, contiguous."""
    height, width = mosaic.shape
    planes = np.empty((2, 2, height // 2, width // 2), np.uint16)
    for y, x in product((0, 1), (0, 1)):
        planes[y, x] = mosaic[y::2, x::2]
    return planes


def shifted(plane: NDArray[Any], dy: int, dx: int) -> NDArray[Any]:
    """The samples ``dy`` rows and ``dx`` columns (-1, 0, 1) away from all but the first and last row of ``plane``.

    One flat run, without the very first and last sample; the same for all shifts.
    """
    rows, columns = plane.shape
    start = columns * (1 + dy) + dx + 1
    return plane.reshape(-1)[start : start + (rows - 2) * columns - 2]


def repair_known(raw: Raw, defects: tuple[tuple[int, int], ...]) -> None:
    """Replace, in place, the samples at ``defects`` by the median of the nearest good ones of their colour.

    A sample whose neighbours (two away, in the eight directions) are all outside or defects themselves stays.
    """
    bad = set(defects)
    height, width = raw.shape
    for row, column in defects:
        around = [
            (row + 2 * dy, column + 2 * dx)
            for dy, dx in product((-1, 0, 1), (-1, 0, 1))
            if (dy or dx) and 0 <= row + 2 * dy < height and 0 <= column + 2 * dx < width
        ]
        good = [int(raw[place]) for place in around if place not in bad]
        if good and 0 <= row < height and 0 <= column < width:
            raw[row, column] = sorted(good)[len(good) // 2]


def repair(plane: NDArray[np.uint16], margin: int) -> NDArray[np.uint16]:
    """Pull samples that stand out from all eight neighbours of their colour back to the outermost of them.

    Takes away single hot and dead samples; two side by side of one colour shield each other. ``margin`` is how far
    beyond its neighbours (in sample values) noise may carry a good sample; beside it an eighth of their value is
    granted, so that glints survive. Returns one row less at top and bottom.
    """
    rows, columns = plane.shape
    flat = plane.reshape(-1)
    # highest and lowest of each sample's left and right neighbour, and of those with itself, for all rows
    high, low = np.maximum(flat[:-2], flat[2:]), np.minimum(flat[:-2], flat[2:])
    high_row, low_row = np.maximum(high, flat[1:-1]), np.minimum(low, flat[1:-1])
    count = (rows - 2) * columns - 2
    inner = slice(columns, columns + count)
    above, below = slice(0, count), slice(2 * columns, 2 * columns + count)
    top = np.maximum(high_row[above], high_row[below])
    np.maximum(top, high[inner], out=top)
    bottom = np.minimum(low_row[above], low_row[below])
    np.minimum(bottom, low[inner], out=bottom)
    room = top >> np.uint16(_REPAIR_SHIFT)
    room += np.uint16(margin)
    np.minimum(room, ~top, out=room)  # so that the sum fits: ~top is what is left up to 2¹⁶ - 1
    top += room
    room = bottom >> np.uint16(_REPAIR_SHIFT)
    room += np.uint16(margin)
    np.minimum(room, bottom, out=room)
    bottom -= room
    out = plane[1:-1].copy()
    middle = out.reshape(-1)[1:-1]
    np.maximum(middle, bottom, out=middle)
    np.minimum(middle, top, out=middle)
    return out


@dataclass(frozen=True, slots=True)
class NoiseCodes:
    """Tables from samples to codes whose noise is the same at every brightness, and back to values above black.

    The square root that makes photon noise even is Anscombe's (1948), with the read noise of Murtagh, Starck and
    Bijaoui (1995); below black it goes on as a straight line, so that noise around black keeps its mean.

    Attributes:
        to_code: ``(white + 1,)`` int16, never negative.
        to_value: ``(codes,)`` float32.
        sigma: standard deviation of the noise, in codes.
    """

    to_code: NDArray[np.int16]
    to_value: NDArray[np.float32]
    sigma: float

    @classmethod
    def make(cls, white: int, black: float, shot: float, read: float) -> "NoiseCodes":
        """``shot`` and ``read`` as in ``SensorProfile``; noise is at least that of rounding."""
        values = np.arange(white + 1) - black
        floor = max(read * read, 0.1)
        above = np.maximum(values, 0.0)
        if shot > 1e-6:
            even = 2 / shot * (np.sqrt(shot * above + floor + 0.375 * shot * shot))
        else:
            even = above / np.sqrt(floor)
        even += np.minimum(values, 0.0) / np.sqrt(floor + 0.375 * shot * shot)
        scale = _CODES / (even[-1] - even[0])
        codes = (even - even[0]) * scale
        to_value = np.interp(np.arange(_CODES + 1), codes, values).astype(np.float32)
        return cls(np.round(codes).astype(np.int16), to_value, float(scale))


def denoise(codes: NDArray[np.int16], reach: int) -> NDArray[np.int16]:
    """Smooth within noise, not across edges: one step of diffusion (Perona and Malik 1990) over eight neighbours.

    A difference d between neighbours flows as itself up to ``reach``, less and less beyond, and not at all from twice
    ``reach`` on. What leaves one sample enters its neighbour, so brightness is kept. Returns one row less at top and
    bottom.
    """
    columns = codes.shape[1]
    flat = codes.reshape(-1)
    limit = np.int16(min(max(reach, 1), _MAX_REACH))
    out = codes[1:-1].copy()
    middle = out.reshape(-1)[1:-1]
    flow = np.full(middle.shape, 4, np.int16)
    for offset in (1, columns - 1, columns, columns + 1):
        step = flat[offset:] - flat[:-offset]
        beyond = np.clip(step, -limit, limit)
        step -= beyond
        np.clip(step, -limit, limit, out=step)
        beyond -= step
        start = columns + 1
        flow += beyond[start : start + flow.size]
        flow -= beyond[start - offset : start - offset + flow.size]
    flow >>= 3
    middle += flow
    return out
