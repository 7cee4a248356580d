"""Privacy masks burned into decoded pictures: what lies below is gone from the pixels, in brightness and colour.

Owns filling planes, once which pixels are hidden has been worked out for a size. Does not decide who gets pictures:
packets that are passed on without decoding cannot be masked here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from eyespot.contracts.lens import Polygon, check_masks
from eyespot.kernel.errors import invalid
from eyespot.media.pixels import Pixels, plane_rows

Layout = Literal["yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray", "rgb24", "bgr24"]
_CHROMA: dict[str, tuple[int, int]] = {"420": (2, 2), "422": (1, 2), "444": (1, 1)}
_BLACK_LUMA = {False: 16, True: 0}
_GREY = 128


def hidden_pixels(masks: Sequence[Polygon], width_px: int, height_px: int) -> NDArray[np.bool_]:
    """``(height, width)``: True for every pixel that a mask so much as touches, and for the pixels around those.

    ``masks`` are in fractions of the picture; each is filled by the even-odd rule. Raises ``INVALID`` as
    ``contracts.lens.check_masks``.
    """
    check_masks(tuple(masks))
    hidden = np.zeros((height_px, width_px), np.bool_)
    for mask in masks:
        corners = np.array(mask, np.float64) * (width_px, height_px)
        hidden |= _inside(corners, width_px, height_px)
        _mark_outline(hidden, corners)
    return _grown(hidden)


def _inside(corners: NDArray[np.float64], width_px: int, height_px: int) -> NDArray[np.bool_]:
    """Pixels whose middle is inside: each edge flips all pixels to the right of where it crosses a row's middle."""
    flips = np.zeros((height_px, width_px + 1), np.uint8)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        low, high = sorted((y1, y2))
        rows = np.arange(max(0, int(np.ceil(low - 0.5))), min(height_px, int(np.ceil(high - 0.5))))
        if rows.size:
            crossings = x1 + (rows + 0.5 - y1) * (x2 - x1) / (y2 - y1)
            columns = np.clip(np.ceil(crossings - 0.5), 0, width_px).astype(np.intp)
            flips[rows, columns] ^= 1
    return np.bitwise_xor.accumulate(flips[:, :width_px], axis=1).astype(np.bool_)


def _mark_outline(hidden: NDArray[np.bool_], corners: NDArray[np.float64]) -> None:
    """Set the pixels along the outline, so that a mask thinner than a pixel hides too."""
    height, width = hidden.shape
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        count = int(np.ceil(2 * np.abs(end - start).max())) + 2
        points = start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)
        columns = np.clip(points[:, 0].astype(np.intp), 0, width - 1)
        rows = np.clip(points[:, 1].astype(np.intp), 0, height - 1)
        hidden[rows, columns] = True


def _grown(hidden: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``hidden`` and the eight neighbours of each of its pixels."""
    tall = hidden.copy()
    tall[1:] |= hidden[:-1]
    tall[:-1] |= hidden[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


class MaskBurner:
    """Burns one set of masks into pictures of one size and layout; the work per picture is filling alone.

    Raises ``INVALID`` on a layout it does not know, and as ``hidden_pixels``.
    """

    def __init__(self, masks: Sequence[Polygon], width_px: int, height_px: int, layout: str = "yuv420p") -> None:
        self._layout, self._size = layout, (width_px, height_px)
        hidden = hidden_pixels(masks, width_px, height_px)
        self._fills = _fills(hidden, layout)

    def burn(self, planes: Sequence[Pixels]) -> None:
        """Fill the hidden pixels of ``planes``, in place: each ``(rows, bytes a row or more)`` uint8."""
        if len(planes) != len(self._fills):
            raise invalid(f"A {self._layout} picture has {len(self._fills)} planes, {len(planes)} were given.")
        for plane, fill in zip(planes, self._fills, strict=True):
            rows, columns = fill.shape
            if plane.ndim != 2 or plane.shape[0] < rows or plane.shape[1] < columns:
                raise invalid(f"A plane of {list(plane.shape)} bytes is too small: {[rows, columns]} are hidden in.")
            np.copyto(plane[fill.window], fill.value, where=fill.hidden)

    def burned(self, frame: VideoFrame) -> VideoFrame:
        """A copy of ``frame`` with the masks burned in. The decoder may still need the original, so it stays."""
        if (frame.width, frame.height) != self._size or frame.format.name != self._layout:
            raise invalid(
                f"The picture is {frame.format.name} {frame.width}x{frame.height}.",
                f"These masks are for {self._layout} {self._size[0]}x{self._size[1]}.",
            )
        copy = VideoFrame(frame.width, frame.height, frame.format.name)
        for index in range(len(self._fills)):
            into, source = plane_rows(copy, index), plane_rows(frame, index)
            wide = min(into.shape[1], source.shape[1])
            into[:, :wide] = source[:, :wide]
        self.burn([plane_rows(copy, index) for index in range(len(self._fills))])
        copy.pts = frame.pts
        copy.time_base = frame.time_base or Fraction(1, 1)
        return copy


@dataclass(frozen=True, slots=True)
class _Fill:
    """What to fill in one plane of ``shape``: the bytes of ``window`` where ``hidden``, with ``value``."""

    shape: tuple[int, int]
    window: tuple[slice, slice]
    hidden: NDArray[np.bool_]
    value: np.uint8


def _fill(hidden: NDArray[np.bool_], value: int) -> _Fill:
    """Only the window around what is hidden is gone through for each picture."""
    window = _span(np.any(hidden, axis=1)), _span(np.any(hidden, axis=0))
    return _Fill((hidden.shape[0], hidden.shape[1]), window, np.ascontiguousarray(hidden[window]), np.uint8(value))


def _span(marked: NDArray[np.bool_]) -> slice:
    """From the first to the last that is marked."""
    places = np.flatnonzero(marked)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)


def _fills(hidden: NDArray[np.bool_], layout: str) -> list[_Fill]:
    """For each plane of ``layout``: which bytes to fill, and with what: black."""
    if layout in ("rgb24", "bgr24"):
        return [_fill(np.repeat(hidden, 3, axis=1), 0)]
    if layout == "gray":
        return [_fill(hidden, 0)]
    if layout == "nv12":
        return [_fill(hidden, _BLACK_LUMA[False]), _fill(np.repeat(_shrunk(hidden, 2, 2), 2, axis=1), _GREY)]
    full_range = layout.startswith("yuvj")
    parts = _CHROMA.get(layout.removeprefix("yuvj" if full_range else "yuv").removesuffix("p"))
    if not layout.startswith("yuv") or parts is None:
        raise invalid(f"Masks cannot be burned into {layout} pictures.", "Convert them to yuv420p first.")
    chroma = _shrunk(hidden, *parts)
    return [_fill(hidden, _BLACK_LUMA[full_range]), _fill(chroma, _GREY), _fill(chroma, _GREY)]


def _shrunk(hidden: NDArray[np.bool_], down: int, across: int) -> NDArray[np.bool_]:
    """Chroma samples of which any pixel is hidden; odd sizes are rounded up."""
    height, width = hidden.shape
    padded = np.pad(hidden, ((0, -height % down), (0, -width % across)))
    blocks = padded.reshape(padded.shape[0] // down, down, padded.shape[1] // across, across)
    shrunk: NDArray[np.bool_] = np.asarray(blocks.any(axis=(1, 3)))
    return shrunk
