"""Raw Bayer pictures: their format, and unpacking of the packed forms that sensors send.

Packed forms are those of MIPI CSI-2 (sections "RAW10" and "RAW12"), which V4L2 calls ``SRGGB10P`` and ``SRGGB12P``.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import corrupt, invalid

Raw = NDArray[np.uint16]
"""``(height, width)`` samples, the value in the low bits."""
Pattern = Literal["RGGB", "BGGR", "GRBG", "GBRG"]
"""Colours of the first two rows' first two pixels, row by row."""

MIN_SIDE_PX = 16
MAX_SIDE_PX = 16_384
_RED = {"RGGB": (0, 0), "GRBG": (0, 1), "GBRG": (1, 0), "BGGR": (1, 1)}


@dataclass(frozen=True, slots=True)
class RawFormat:
    """What a raw picture looks like.

    Attributes:
        width_px, height_px: even, ``MIN_SIDE_PX`` to ``MAX_SIDE_PX``.
        bits: significant bits of a sample, 8 to 16.

    Raises:
        EyespotError: ``INVALID`` when a size, the pattern or the depth is none that can be handled.
    """

    width_px: int
    height_px: int
    pattern: Pattern = "RGGB"
    bits: int = 10

    def __post_init__(self) -> None:
        for side in (self.width_px, self.height_px):
            if side % 2 or not MIN_SIDE_PX <= side <= MAX_SIDE_PX:
                raise invalid(
                    f"A raw picture of {self.width_px}x{self.height_px} pixels cannot be processed.",
                    f"Both sides must be even and {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels.",
                )
        if self.pattern not in _RED:
            raise invalid(f"There is no Bayer pattern '{self.pattern}'.", f"Choose one of: {', '.join(_RED)}.")
        if not 8 <= self.bits <= 16:
            raise invalid(f"Raw samples of {self.bits} bits cannot be processed.", "8 to 16 bits are.")

    @property
    def red(self) -> tuple[int, int]:
        """Row and column (0 or 1) of the red sample in each square of four."""
        return _RED[self.pattern]

    @property
    def white(self) -> int:
        """The largest sample."""
        return (1 << self.bits) - 1

    def check(self, raw: NDArray[Any]) -> None:
        """Raise ``INVALID`` unless ``raw`` is a picture of this format's size and type."""
        if raw.dtype != np.uint16 or raw.shape != (self.height_px, self.width_px):
            raise invalid(
                f"The raw picture is {raw.dtype} {list(raw.shape)}.",
                f"It must be uint16 [{self.height_px}, {self.width_px}].",
            )


def unpack_raw10(data: bytes, width_px: int, height_px: int, stride_bytes: int | None = None) -> Raw:
    """Unpack MIPI RAW10: four pixels in five bytes, the low two bits of each in the fifth.

    ``width_px`` is a multiple of 4; ``stride_bytes`` is the length of a row with its padding, ``width_px * 5 / 4``
    where left out. Raises ``INVALID`` on a width that does not fit, ``CORRUPT`` when ``data`` is too short.
    """
    groups = _rows(data, width_px, height_px, stride_bytes, pixels=4, group_bytes=5)
    raw = groups[..., :4].astype(np.uint16) << 2
    raw |= (groups[..., 4:] >> np.array([0, 2, 4, 6], np.uint8)) & 3
    return np.ascontiguousarray(raw, np.uint16).reshape(height_px, width_px)


def unpack_raw12(data: bytes, width_px: int, height_px: int, stride_bytes: int | None = None) -> Raw:
    """Unpack MIPI RAW12: two pixels in three bytes, the low four bits of each in the third. As ``unpack_raw10``."""
    groups = _rows(data, width_px, height_px, stride_bytes, pixels=2, group_bytes=3)
    raw = groups[..., :2].astype(np.uint16) << 4
    raw |= (groups[..., 2:] >> np.array([0, 4], np.uint8)) & 15
    return np.ascontiguousarray(raw, np.uint16).reshape(height_px, width_px)


def unpack_raw16(data: bytes, width_px: int, height_px: int, stride_bytes: int | None = None) -> Raw:
    """Samples of up to 16 bits, each in two bytes, little-endian (V4L2 ``SRGGB10``, ``SRGGB12``, ``SRGGB16``)."""
    groups = _rows(data, width_px, height_px, stride_bytes, pixels=1, group_bytes=2)
    low, high = groups[..., 0].astype(np.uint16), groups[..., 1].astype(np.uint16)
    return np.ascontiguousarray(low | (high << 8), np.uint16)


def _rows(
    data: bytes, width_px: int, height_px: int, stride_bytes: int | None, *, pixels: int, group_bytes: int
) -> NDArray[np.uint8]:
    """``data`` as ``(height, groups, group_bytes)``, padding at the ends of rows cut off."""
    if width_px % pixels or not 0 < width_px <= MAX_SIDE_PX or not 0 < height_px <= MAX_SIDE_PX:
        raise invalid(f"A packed picture of {width_px}x{height_px} pixels cannot be unpacked.")
    used = width_px // pixels * group_bytes
    stride = used if stride_bytes is None else stride_bytes
    if stride < used:
        raise invalid(f"Rows of {stride} bytes cannot hold {width_px} packed pixels: {used} are needed.")
    needed = stride * (height_px - 1) + used
    if len(data) < needed:
        raise corrupt(f"A raw picture of {len(data)} bytes is cut short: {needed} are needed.")
    flat = np.frombuffer(data, np.uint8, needed)
    rows = np.lib.stride_tricks.as_strided(flat, (height_px, used), (stride, 1), writeable=False)
    return rows.reshape(height_px, width_px // pixels, group_bytes)
