"""From one colour a pixel to three: the linear 5x5 filters of Malvar, He and Cutler (ICASSP 2004).

Reads neighbours as shifted flat runs; see ``planes``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.planes import shifted

Planes = NDArray[np.float32]
"""``(2, 2, rows, columns)``."""
Phases = NDArray[np.float32]
"""``(3, 2, 2, rows, columns)``: red, green, blue at the four phases of the mosaic."""
_Run = NDArray[np.float32]
_Reader = Callable[[int, int], _Run]


def demosaic(planes: Planes, red: tuple[int, int], out: Phases | None = None) -> Phases:
    """Red, green and blue at every sample of ``planes`` but its first and last rows; the outermost columns are spoilt.

    Args:
        planes: white-balanced, linear.
        red: the phase (row, column) of the red samples.
        out: contiguous memory for the result, to be used again and again; made afresh where left out.
    """
    rows, columns = planes.shape[2] - 2, planes.shape[3]
    if out is None:
        out = np.empty((3, 2, 2, rows, columns), np.float32)
    out[..., 0, 0] = out[..., -1, -1] = 0
    runs = out.reshape(3, 2, 2, -1)[..., 1:-1]
    red_y, red_x = red
    _at_red_or_blue(runs, _reader(planes, red), red, own=0, other=2)
    blue = (1 - red_y, 1 - red_x)
    _at_red_or_blue(runs, _reader(planes, blue), blue, own=2, other=0)
    for phase in ((red_y, 1 - red_x), (1 - red_y, red_x)):
        _at_green(runs, _reader(planes, phase), phase, beside=0 if phase[0] == red_y else 2)
    return out


def _reader(planes: Planes, phase: tuple[int, int]) -> _Reader:
    """Reads the samples that lie ``dy`` rows and ``dx`` columns (of the mosaic) away from all samples of ``phase``."""

    def at(dy: int, dx: int) -> _Run:
        down, y = divmod(phase[0] + dy, 2)
        right, x = divmod(phase[1] + dx, 2)
        return shifted(planes[y, x], down, right)

    return at


def _at_red_or_blue(runs: NDArray[np.float32], at: _Reader, phase: tuple[int, int], *, own: int, other: int) -> None:
    y, x = phase
    centre = at(0, 0)
    far = at(-2, 0) + at(2, 0)
    far += at(0, -2)
    far += at(0, 2)
    runs[own, y, x] = centre

    green = at(-1, 0) + at(1, 0)
    green += at(0, -1)
    green += at(0, 1)
    green *= np.float32(1 / 4)
    green += centre * np.float32(1 / 2)
    far *= np.float32(1 / 8)
    np.subtract(green, far, out=runs[1, y, x])

    across = at(-1, -1) + at(-1, 1)
    across += at(1, -1)
    across += at(1, 1)
    across *= np.float32(1 / 4)
    across += centre * np.float32(3 / 4)
    far *= np.float32(3 / 2)
    np.subtract(across, far, out=runs[other, y, x])


def _at_green(runs: NDArray[np.float32], at: _Reader, phase: tuple[int, int], *, beside: int) -> None:
    """``beside``: the colour (0 red, 2 blue) of the samples to the left and right."""
    y, x = phase
    centre = at(0, 0)
    runs[1, y, x] = centre
    base = at(-1, -1) + at(-1, 1)
    base += at(1, -1)
    base += at(1, 1)
    base *= np.float32(-1 / 8)
    base += centre * np.float32(5 / 8)
    wide, tall = at(0, -2) + at(0, 2), at(-2, 0) + at(2, 0)
    wide *= np.float32(1 / 16)
    tall *= np.float32(1 / 16)
    for colour, along, across, near in (
        (beside, wide, tall, at(0, -1) + at(0, 1)),
        (2 - beside, tall, wide, at(-1, 0) + at(1, 0)),
    ):
        near *= np.float32(1 / 2)
        near += base
        near += across
        near -= along
        np.subtract(near, along, out=runs[colour, y, x])
