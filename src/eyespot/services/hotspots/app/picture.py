"""A grid as a PNG: black where nobody was, over blue, red and yellow to white where most time was spent.

Colours follow the square root of the time, so that ways are seen beside the places where people stand. Format: PNG
(ISO/IEC 15948), colour type 2, no filter.
"""

import struct
import zlib
from collections.abc import Sequence

_STOPS = ((0, 0, 0), (40, 20, 120), (200, 30, 60), (250, 200, 40), (255, 255, 255))


def png(values: Sequence[float], columns: int, cell_px: int) -> bytes:
    """The picture of ``values`` (0 or more, row by row), each cell ``cell_px`` wide and high."""
    most = max(values, default=0.0) or 1.0
    lines = bytearray()
    for begin in range(0, len(values), columns):
        pixels = b"".join(_colour((value / most) ** 0.5) * cell_px for value in values[begin : begin + columns])
        lines += (b"\0" + pixels) * cell_px
    size = struct.pack(">IIBBBBB", columns * cell_px, len(values) // columns * cell_px, 8, 2, 0, 0, 0)
    parts = (_chunk(b"IHDR", size), _chunk(b"IDAT", zlib.compress(bytes(lines), 9)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _colour(share: float) -> bytes:
    place = share * (len(_STOPS) - 1)
    low = min(int(place), len(_STOPS) - 2)
    part = place - low
    return bytes(round(a + (b - a) * part) for a, b in zip(_STOPS[low], _STOPS[low + 1], strict=True))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
