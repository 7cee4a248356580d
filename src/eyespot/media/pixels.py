"""Colour conversion, scaling, cutting and JPEG of decoded pictures; nothing here decodes or keeps pictures.

Conversion is libswscale's: straight from the decoder's planes to the wished size in one pass. Shrinking by two or more
averages areas (small objects and noise behave), anything else is bilinear. Not libswscale's "fast bilinear": it is no
faster here, and its results differ between processors by far more than rounding (see docs/arm64.md). Measured on one
core of a small server: 1920x1080 to 416x416 BGR 1.3 to 1.6 ms, to 160x90 grey 0.25 ms; 768x576 to 416x416 BGR 0.31 ms.
"""

import threading
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from eyespot.kernel.errors import EyespotError, Kind

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""``x1 y1 x2 y2`` in fractions of the picture."""

MAX_SCALERS = 16
MIN_CUT_PX = 16


class Scalers:
    """Reusable converters, one per sizes and pixel order; the oldest goes beyond ``MAX_SCALERS``. Thread-safe."""

    def __init__(self) -> None:
        self._by_size: dict[tuple[str, int, int, int, int], VideoReformatter] = {}
        self._lock = threading.Lock()

    def convert(self, frame: VideoFrame, order: str, width_px: int, height_px: int) -> VideoFrame:
        """``frame`` in pixel format ``order`` and the wished size."""
        key = (order, width_px, height_px, frame.width, frame.height)
        with self._lock:
            scaler = self._by_size.pop(key, None) or VideoReformatter()
        shrinks = order == "gray" or frame.width >= 2 * width_px or frame.height >= 2 * height_px
        method = Interpolation.AREA if shrinks else Interpolation.BILINEAR
        converted = scaler.reformat(frame, width_px, height_px, order, interpolation=method, threads=1)
        with self._lock:
            self._by_size[key] = scaler
            if len(self._by_size) > MAX_SCALERS:
                del self._by_size[next(iter(self._by_size))]
        return converted

    def packed(self, frame: VideoFrame, order: str, width_px: int, height_px: int) -> Pixels:
        """``frame`` as ``(height, width, 3)`` uint8, contiguous; ``order`` is ``rgb24`` or ``bgr24``."""
        rows = plane_rows(self.convert(frame, order, width_px, height_px), 0)
        return np.ascontiguousarray(rows[:, : width_px * 3]).reshape(height_px, width_px, 3)

    def grey(self, frame: VideoFrame, width_px: int, height_px: int) -> Pixels:
        """The luma plane of ``frame`` as ``(height, width)`` uint8, contiguous."""
        rows = plane_rows(self.convert(frame, "gray", width_px, height_px), 0)
        return np.ascontiguousarray(rows[:, :width_px])

    def fill(self, frame: VideoFrame, order: str, width_px: int, height_px: int, planes: Sequence[Pixels]) -> None:
        """``frame`` in pixel format ``order`` and the wished size into ``planes``, each ``(rows, bytes a row)``."""
        converted = self.convert(frame, order, width_px, height_px)
        for index, plane in enumerate(planes):
            plane[:] = plane_rows(converted, index)[: plane.shape[0], : plane.shape[1]]


def plane_rows(frame: VideoFrame, index: int) -> Pixels:
    """One plane of ``frame`` as ``(rows, bytes a row)`` uint8, padding included; shares its memory."""
    plane: Any = frame.planes[index]
    rows: Pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height]


def cut(frame: VideoFrame, box: Box) -> VideoFrame:
    """The part ``box`` of ``frame``, copied, as yuv420p; clipped to the picture and rounded out to even pixels."""
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    left, width = _span(box[0], box[2], frame.width)
    top, height = _span(box[1], box[3], frame.height)
    part = VideoFrame(width, height, frame.format.name)
    for index, halved in ((0, 1), (1, 2), (2, 2)):
        x, y, w, h = left // halved, top // halved, -(-width // halved), -(-height // halved)
        plane_rows(part, index)[:h, :w] = plane_rows(frame, index)[y : y + h, x : x + w]
    part.pts, part.time_base = frame.pts, frame.time_base
    return part


def _span(low: float, high: float, size_px: int) -> tuple[int, int]:
    """Start and length in pixels of the fractions ``low`` to ``high``: even start, within the picture."""
    start = int(min(max(low, 0.0), 1.0) * size_px) & ~1
    stop = min(size_px, (int(np.ceil(min(max(high, 0.0), 1.0) * size_px)) + 1) & ~1)
    start = max(0, min(start, (size_px - MIN_CUT_PX) & ~1))
    return start, min(max(stop - start, MIN_CUT_PX), size_px - start)


def encode_jpeg(frame: VideoFrame, quality: int) -> bytes:
    """``frame`` (yuvj420p) as a JPEG of ``quality`` 1 (small) to 100 (good)."""
    q = 2 + round((100 - min(max(quality, 1), 100)) * 29 / 99)
    context: Any = av.CodecContext.create("mjpeg", "w")
    context.width, context.height, context.pix_fmt = frame.width, frame.height, "yuvj420p"
    context.time_base = Fraction(1, 25)
    context.thread_count = 1
    context.options = {"qmin": str(q), "qmax": str(q), "huffman": "default"}
    frame.pts = 0
    try:
        packets = [*context.encode(frame), *context.encode(None)]
    except av.FFmpegError as error:
        raise EyespotError(Kind.INTERNAL, f"A picture could not be made a JPEG: {error.strerror}.") from error
    return b"".join(bytes(packet) for packet in packets)
