"""What the control loops look at: a grid of mean colours and a histogram of a raw picture, before white balance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.raw import Raw, RawFormat
from eyespot.hal.imaging.isp.settings import SensorProfile

GRID_ROWS = 12
GRID_COLUMNS = 16
HISTOGRAM_BINS = 64
_CLIPPED = 0.97
"""Share of white from which a sample counts as clipped."""
_MAX_SAMPLES = 96 * 128


@dataclass(frozen=True, slots=True)
class Statistics:
    """One raw picture in numbers, linear, as shares of white above black: 0 (black) to 1 (white).

    Attributes:
        cells: ``(GRID_ROWS, GRID_COLUMNS, 3)`` mean red, green, blue, shading taken out, no white balance applied.
        clipped: ``(GRID_ROWS, GRID_COLUMNS)`` share of samples of any colour at the sensor's limit.
        histogram: ``(HISTOGRAM_BINS,)`` shares of squares of four by their brightest sample; sums to 1.
    """

    cells: NDArray[np.float32]
    clipped: NDArray[np.float32]
    histogram: NDArray[np.float32]


def measure(raw: Raw, form: RawFormat, profile: SensorProfile) -> Statistics:
    """Statistics of ``raw`` over a sample of its squares of four: every n-th row and column of them."""
    step = max(1, int(np.sqrt(form.width_px * form.height_px / 4 / _MAX_SAMPLES)))
    (y, x), scale = form.red, np.float32(1.0 / (form.white - profile.black))
    black = np.float32(profile.black)

    def plane(row: int, column: int) -> NDArray[np.float32]:
        return (raw[row :: 2 * step, column :: 2 * step].astype(np.float32) - black) * scale

    red, blue = plane(y, x), plane(1 - y, 1 - x)
    green = plane(y, 1 - x), plane(1 - y, x)
    brightest = np.maximum(np.maximum(red, blue), np.maximum(*green))
    histogram, _ = np.histogram(np.clip(brightest, 0, 1), HISTOGRAM_BINS, (0.0, 1.0))
    colours = np.stack([red, (green[0] + green[1]) * np.float32(0.5), blue])
    if profile.shading is not None:
        colours = colours * stretch(profile.shading, colours.shape[1], colours.shape[2])
    cells = _by_cell(colours).transpose(1, 2, 0)
    clipped = _by_cell((brightest >= _CLIPPED).astype(np.float32)[None])[0]
    return Statistics(cells, clipped, (histogram / brightest.size).astype(np.float32))


def _by_cell(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of ``(n, rows, columns)`` over the grid's cells; pictures smaller than the grid repeat samples."""
    _, rows, columns = values.shape
    tops = np.minimum(np.arange(GRID_ROWS) * rows // GRID_ROWS, rows - 1)
    lefts = np.minimum(np.arange(GRID_COLUMNS) * columns // GRID_COLUMNS, columns - 1)
    heights = np.maximum(1, np.diff(np.append(tops, rows)))
    widths = np.maximum(1, np.diff(np.append(lefts, columns)))
    sums = np.add.reduceat(np.add.reduceat(values, tops, axis=1), lefts, axis=2)
    means: NDArray[np.float32] = (sums / (heights[:, None] * widths[None, :])).astype(np.float32)
    return means


def stretch(grid: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    """``(n, r, c)`` to ``(n, rows, columns)``, bilinear, corners on corners."""

    def weights(size: int, knots: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        at = np.linspace(0, knots - 1, size)
        low = np.minimum(at.astype(np.intp), knots - 2)
        return low, (at - low).astype(np.float32)

    low, share = weights(rows, grid.shape[1])
    tall = grid[:, low] * (1 - share)[None, :, None] + grid[:, low + 1] * share[None, :, None]
    low, share = weights(columns, grid.shape[2])
    return (tall[:, :, low] * (1 - share) + tall[:, :, low + 1] * share).astype(np.float32, copy=False)
