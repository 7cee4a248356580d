"""What one small grey image shows: its gradient, and sums over a grid of blocks. Knows no history.

Blocks let each part of the picture vote for itself: what passes by changes some of them, a fault changes nearly all.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Gradient = tuple[Floats, Floats]

ROWS, COLUMNS = 6, 8
"""Blocks down and across."""
LEAST_PX = 32
"""Least width and height of an image that can be judged."""


@dataclass(frozen=True)
class Picture:
    """One image or the mean of many, ``(H, W)`` float32 grey levels. Measures are made when first asked for."""

    image: Floats

    @cached_property
    def gradient(self) -> Gradient:
        """Differences across and down over two pixels, each ``(H - 2, W - 2)``, in grey levels."""
        image = self.image
        return image[1:-1, 2:] - image[1:-1, :-2], image[2:, 1:-1] - image[:-2, 1:-1]

    @cached_property
    def energy(self) -> Floats:
        """Mean square of the gradient in each block, ``(ROWS, COLUMNS)``."""
        across, down = self.gradient
        return block_means(across * across + down * down)

    @cached_property
    def fineness(self) -> Floats:
        """Mean square of the Laplacian in each block: detail at the scale of single pixels."""
        image = self.image
        fine = image[1:-1, 1:-1] * np.float32(4.0)
        fine -= image[:-2, 1:-1]
        fine -= image[2:, 1:-1]
        fine -= image[1:-1, :-2]
        fine -= image[1:-1, 2:]
        fine *= fine
        return block_means(fine)

    @cached_property
    def shapes(self) -> Floats:
        """Mean brightness of half blocks, ``(2 * ROWS, 2 * COLUMNS)``: the large shapes."""
        return block_means(self.image, 2 * ROWS, 2 * COLUMNS)

    @cached_property
    def contrast(self) -> float:
        """Standard deviation of the large shapes, in grey levels."""
        return float(self.shapes.std())


def picture_of(grey: Grey) -> Picture:
    """The picture of a ``(H, W)`` uint8 image, at least ``LEAST_PX`` each way."""
    return Picture(grey.astype(np.float32))


def block_means(values: Floats, rows: int = ROWS, columns: int = COLUMNS) -> Floats:
    """Means over ``rows`` by ``columns`` equal blocks; the rest at the right and below is left out."""
    height, width = values.shape[0] // rows, values.shape[1] // columns
    part = values[: rows * height, : columns * width]
    down = part.reshape(rows, height, columns * width).sum(axis=1)
    means: Floats = down.reshape(rows, columns, width).sum(axis=2) * np.float32(1.0 / (height * width))
    return means


def block_likeness(a: Gradient, b: Gradient, rows: int = ROWS, columns: int = COLUMNS) -> Floats:
    """How alike two gradients of one shape are in each block, -1 to 1; 0 where one of them is flat.

    Normalised correlation: neither brightness nor contrast of a block counts.
    """
    return correlation(
        block_means(a[0] * b[0] + a[1] * b[1], rows, columns),
        block_means(a[0] * a[0] + a[1] * a[1], rows, columns),
        block_means(b[0] * b[0] + b[1] * b[1], rows, columns),
    )


def correlation(products: Floats, first: Floats, second: Floats) -> Floats:
    """``products`` over the root of the two energies; 0 where there is next to none."""
    both = np.sqrt(first * second)
    result: Floats = products / np.maximum(both, np.float32(0.05))
    return result


def likeness(a: Floats, b: Floats) -> float:
    """Correlation of two arrays of one shape, -1 to 1; 0 when one of them is flat."""
    first, second = a - a.mean(), b - b.mean()
    size = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / size if size > 1e-6 else 0.0


def quantile(values: Floats, share: float) -> float:
    """The value that ``share`` (0 to 1) of ``values`` lie below, one of them; a tenth of the cost of NumPy's."""
    flat = values.ravel()
    place = min(flat.size - 1, int(share * flat.size))
    return float(np.partition(flat, place)[place])
