"""Plain pixels in memory as a JPEG of a bounded size, for people to look at."""

import math

from av.video.frame import VideoFrame

from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.decode import Order
from eyespot.media.pixels import Pixels, Scalers, encode_jpeg

MAX_PIXELS = 1 << 20
_QUALITIES = (88, 70, 45, 20)


def jpeg_of(pixels: Pixels, order: Order, max_bytes: int) -> bytes:
    """``pixels`` (uint8, ``(height, width, 3)`` for rgb24, ``(height, width)`` for gray, ``(height * 3 / 2, width)``
    for nv12) as a JPEG of at most ``max_bytes``: smaller above a megapixel, coarser where that is not enough.

    Raises ``TOO_LARGE`` when even the coarsest does not fit.
    """
    frame = VideoFrame.from_ndarray(pixels, format=order)
    scale = min(1.0, math.sqrt(MAX_PIXELS / (frame.width * frame.height)))
    size = [max(16, int(side * scale) // 2 * 2) for side in (frame.width, frame.height)]
    picture = Scalers().convert(frame, "yuvj420p", *size)
    for quality in _QUALITIES:
        found = encode_jpeg(picture, quality)
        if len(found) <= max_bytes:
            return found
    raise EyespotError(Kind.TOO_LARGE, f"The picture does not fit into {max_bytes} bytes.")
