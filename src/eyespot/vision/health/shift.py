"""Is the same scene still there, only elsewhere in the image? Then the camera was moved.

Phase correlation (Kuglin and Hines 1975) proposes how far; the blocks then vote one by one whether the background lies
there rather than in its old place. A thing that moves through the scene never wins that vote.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from eyespot.vision.health.picture import COLUMNS, ROWS, Floats, Gradient, Picture, block_likeness, block_means

LEAST_SHIFT_PX = 1.5
LEAST_OVERLAP = 0.3
"""Part of width and of height that must still show the old scene."""
CANDIDATES = 3
_VOTES = 0.6
_AGREE = 0.4
_BETTER = 0.15
_TEXTURE = 2.0
_SPREAD = 0.16


class ShiftFinder:
    """Looks for one background in other images; its spectrum is kept between calls."""

    def __init__(self) -> None:
        self._background: Picture | None = None
        self._spectrum: NDArray[np.complex64] | None = None

    def find(self, background: Picture, now: Picture, least_px: float) -> tuple[int, int] | None:
        """How far ``now``'s content lies right of and below ``background``'s, in pixels; None when it does not.

        Args:
            least_px: shorter shifts are none.
        """
        if self._spectrum is None or self._background is not background:
            self._background, self._spectrum = background, _spectrum(background.image)
        surface = _correlate(self._spectrum, _spectrum(now.image), now.image.shape)
        height, width = surface.shape
        for _ in range(CANDIDATES):
            row, column = divmod(int(surface.argmax()), width)
            x = column - width if column > width // 2 else column
            y = row - height if row > height // 2 else row
            far = (x * x + y * y) ** 0.5 >= least_px
            if far and _is_there(background.gradient, now.gradient, x, y):
                return x, y
            _erase(surface, row, column)
        return None


def _spectrum(image: Floats) -> NDArray[np.complex64]:
    windowed = (image - image.mean()) * _window(*image.shape)
    spectrum: NDArray[np.complex64] = np.fft.rfft2(windowed).astype(np.complex64, copy=False)
    return spectrum


def _correlate(first: NDArray[np.complex64], second: NDArray[np.complex64], shape: tuple[int, ...]) -> Floats:
    """The phase correlation of two spectra, highest where the second's content went."""
    cross = np.conj(first) * second
    cross *= _weights(shape[0], shape[1]) / (np.abs(cross) + np.float32(1e-3))
    surface: Floats = np.fft.irfft2(cross, s=(shape[0], shape[1])).astype(np.float32, copy=False)
    return surface


def _is_there(background: Gradient, now: Gradient, x: int, y: int) -> bool:
    """Do the blocks find the background shifted by ``x, y`` rather than in its place?"""
    height, width = now[0].shape
    if width - abs(x) < LEAST_OVERLAP * width or height - abs(y) < LEAST_OVERLAP * height:
        return False
    rows = max(2, round(ROWS * (height - abs(y)) / height))
    columns = max(2, round(COLUMNS * (width - abs(x)) / width))
    there = (_cut(now[0], x, y), _cut(now[1], x, y))
    old = (_cut(background[0], -x, -y), _cut(background[1], -x, -y))
    in_place = (_cut(background[0], x, y), _cut(background[1], x, y))
    textured = block_means(old[0] * old[0] + old[1] * old[1], rows, columns) > _TEXTURE
    if np.count_nonzero(textured) < 4:
        return False
    moved = block_likeness(old, there, rows, columns)[textured]
    stayed = block_likeness(in_place, there, rows, columns)[textured]
    agree = (moved > _AGREE) & (moved > stayed + _BETTER)
    return float(agree.mean()) >= _VOTES


def _cut(values: Floats, x: int, y: int) -> Floats:
    """The part of ``values`` that a shift by ``x, y`` moves into the picture, in the picture after the shift."""
    height, width = values.shape
    return values[max(0, y) : height + min(0, y), max(0, x) : width + min(0, x)]


def _erase(surface: Floats, row: int, column: int) -> None:
    """Leave a peak and its neighbours out of the next search."""
    height, width = surface.shape
    lowest = surface.dtype.type(-1.0)
    for y in range(row - 1, row + 2):
        for x in range(column - 1, column + 2):
            surface[y % height, x % width] = lowest


@lru_cache(maxsize=16)
def _window(height: int, width: int) -> Floats:
    """Fades the picture out towards its edges, which the transform would otherwise join."""
    window: Floats = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    return window


@lru_cache(maxsize=16)
def _weights(height: int, width: int) -> Floats:
    """Trust in each frequency: little in the highest, which are mostly noise."""
    down, across = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    weights: Floats = np.exp(-(down**2 + across**2) / (2 * _SPREAD**2)).astype(np.float32)
    return weights
