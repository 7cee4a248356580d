"""What a small grey image shows, in numbers that survive changes of light: edges, large shapes, sharpness.

Owns the measures; what they mean for a camera's health is ``health``. The shift between two views is found by phase
correlation (Kuglin and Hines 1975).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

CELL_PX = 8


@dataclass(frozen=True, slots=True)
class View:
    """Measures of one image, or their running mean.

    Attributes:
        edges: ``(H, W)`` float32 strength of edges, compared with their surroundings, 0 to 1.
        shapes: ``(H/8, W/8)`` float32 mean brightness of cells.
        detail: mean gradient in grey levels a pixel.
        fine: mean strength of detail at the scale of single pixels, in grey levels.
        contrast: standard deviation of ``shapes``.
        bright: the level below which 95 % of the pixels are.
    """

    edges: Floats
    shapes: Floats
    detail: float
    fine: float
    contrast: float
    bright: float

    def towards(self, other: "View", share: float) -> "View":
        """This view moved by ``share`` (0 to 1) towards ``other``."""
        keep = np.float32(1.0 - share)
        part = np.float32(share)
        return View(
            self.edges * keep + other.edges * part,
            self.shapes * keep + other.shapes * part,
            self.detail + share * (other.detail - self.detail),
            self.fine + share * (other.fine - self.fine),
            self.contrast + share * (other.contrast - self.contrast),
            other.bright,
        )


def view_of(grey: NDArray[np.uint8]) -> View:
    """The measures of a ``(H, W)`` uint8 image, at least 32 pixels each way."""
    image = grey.astype(np.float32)
    across, down = np.zeros_like(image), np.zeros_like(image)
    across[:, 1:-1] = image[:, 2:] - image[:, :-2]
    down[1:-1] = image[2:] - image[:-2]
    gradient = np.abs(across) + np.abs(down)
    rows, columns = image.shape[0] // CELL_PX, image.shape[1] // CELL_PX
    whole = np.s_[: rows * CELL_PX, : columns * CELL_PX]
    shapes = _cell_means(image[whole])
    surroundings = np.repeat(np.repeat(_cell_means(gradient[whole]), CELL_PX, 0), CELL_PX, 1)
    edges = gradient[whole] / (gradient[whole] + 2.0 * surroundings + 8.0)
    fine = 4.0 * image[1:-1, 1:-1] - image[:-2, 1:-1] - image[2:, 1:-1] - image[1:-1, :-2] - image[1:-1, 2:]
    return View(
        edges=edges.astype(np.float32),
        shapes=shapes,
        detail=float(gradient.mean()) / 2.0,
        fine=float(np.abs(fine).mean()) / 4.0,
        contrast=float(shapes.std()),
        bright=float(np.percentile(grey[::2, ::2], 95)),
    )


def likeness(a: Floats, b: Floats) -> float:
    """Correlation of two images of one shape, -1 to 1; 0 when one of them is flat."""
    first, second = a - a.mean(), b - b.mean()
    size = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / size if size > 1e-6 else 0.0


def shift_between(a: Floats, b: Floats) -> tuple[float, float]:
    """How far ``b``'s content lies to the right and below ``a``'s, in fractions of width and height (-0.5 to 0.5)."""
    cross = np.conj(np.fft.rfft2(a - a.mean())) * np.fft.rfft2(b - b.mean())
    peak = np.fft.irfft2(cross / (np.abs(cross) + 1e-6), s=a.shape)
    row, column = np.unravel_index(int(peak.argmax()), peak.shape)
    height, width = a.shape
    y = int(row) - height if row > height // 2 else int(row)
    x = int(column) - width if column > width // 2 else int(column)
    return x / width, y / height


def _cell_means(image: Floats) -> Floats:
    rows, columns = image.shape[0] // CELL_PX, image.shape[1] // CELL_PX
    means: Floats = image.reshape(rows, CELL_PX, columns, CELL_PX).mean(axis=(1, 3), dtype=np.float32)
    return means
