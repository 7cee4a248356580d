"""The pixels of one frame of a view, to be drawn on: planes, windows of them, and the colours of nothing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.view import PixelFormat, View
from eyespot.media.decode import Order

Planes = Sequence[NDArray[np.uint8]]
Window = tuple[int, int, int, int]
"""``left top right bottom`` in pixels."""

ORDERS: dict[PixelFormat, Order] = {"rgb": "rgb24", "nv12": "nv12", "grey": "gray"}
BLACK: dict[PixelFormat, tuple[int, ...]] = {"rgb": (0,), "nv12": (16, 128), "grey": (0,)}
FLAT: dict[PixelFormat, tuple[int, ...]] = {"rgb": (128,), "nv12": (128, 128), "grey": (128,)}
"""One value a plane."""


class Canvas:
    """Draws into ``pixels``, the flat bytes of one frame of ``view``."""

    def __init__(self, view: View, pixels: NDArray[np.uint8]) -> None:
        self.width_px, self.height_px = view.width_px, view.height_px
        self.order = ORDERS[view.pixels]
        self._format = view.pixels
        luma = view.width_px * view.height_px
        if view.pixels == "nv12":
            self._planes = [pixels[:luma].reshape(view.height_px, -1), pixels[luma:].reshape(view.height_px // 2, -1)]
        else:
            self._planes = [pixels.reshape(view.height_px, -1)]

    @property
    def step_px(self) -> int:
        """Windows begin and end at multiples of this."""
        return 2 if self._format == "nv12" else 1

    def planes(self, window: Window | None = None) -> Planes:
        """The planes, or the part ``window`` of each, as ``(rows, bytes a row)``."""
        if window is None:
            return self._planes
        left, top, right, bottom = window
        if self._format == "nv12":
            luma, chroma = self._planes
            return [luma[top:bottom, left:right], chroma[top // 2 : bottom // 2, left:right]]
        wide = 3 if self._format == "rgb" else 1
        return [self._planes[0][top:bottom, left * wide : right * wide]]

    def clear(self) -> None:
        """All black."""
        self._paint(self._planes, BLACK[self._format])

    def flatten(self, window: Window) -> None:
        """One flat grey in ``window``."""
        self._paint(self.planes(window), FLAT[self._format])

    def _paint(self, planes: Planes, values: tuple[int, ...]) -> None:
        for plane, value in zip(planes, values, strict=True):
            plane[:] = value
