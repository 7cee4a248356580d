"""libcamera's pixel formats that become pictures of libav, and copying the planes of one into the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from eyespot.kernel.errors import unavailable


@dataclass(frozen=True, slots=True)
class Layout:
    """How a pixel format lies in memory.

    Attributes:
        libav: its name there.
        planes: for each, bytes in a row and rows, for two columns and two lines of the picture.
    """

    libav: str
    planes: tuple[tuple[int, int], ...]


LAYOUTS = {
    "NV12": Layout("nv12", ((2, 2), (2, 1))),
    "NV21": Layout("nv21", ((2, 2), (2, 1))),
    "YUV420": Layout("yuv420p", ((2, 2), (1, 1), (1, 1))),
    "YUYV": Layout("yuyv422", ((4, 2),)),
    "UYVY": Layout("uyvy422", ((4, 2),)),
    # libcamera, as DRM, names colours from the highest byte of a little-endian word down
    "BGR888": Layout("rgb24", ((6, 2),)),
    "RGB888": Layout("bgr24", ((6, 2),)),
    "XBGR8888": Layout("rgb0", ((8, 2),)),
    "XRGB8888": Layout("bgr0", ((8, 2),)),
    "R8": Layout("gray", ((2, 2),)),
}
"""In the order wished: what the encoder takes with the least work first. Names as ``PixelFormat`` writes them."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one stream's buffers hold; ``stride_bytes`` is that of the first plane."""

    layout: Layout
    width_px: int
    height_px: int
    stride_bytes: int
    full_range: bool


def to_frame(planes: Sequence[NDArray[np.uint8]], shape: Shape) -> VideoFrame:
    """A picture of its own of the mapped ``planes``, flat bytes; raises ``UNAVAILABLE`` when they are too few."""
    frame = VideoFrame(shape.width_px, shape.height_px, shape.layout.libav)
    if len(planes) != len(shape.layout.planes):
        raise unavailable(f"libcamera gave {len(planes)} planes of {shape.layout.libav}.")
    first_row = shape.layout.planes[0][0]
    for plane, taken, (row, rows) in zip(frame.planes, planes, shape.layout.planes, strict=True):
        height, width = shape.height_px * rows // 2, shape.width_px * row // 2
        stride = shape.stride_bytes * row // first_row
        if taken.size < stride * (height - 1) + width:
            raise unavailable(f"libcamera gave {taken.size} bytes for {height} rows of {stride}.")
        target: Any = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        target[:height, :width] = np.lib.stride_tricks.as_strided(taken, (height, width), (stride, 1))
    if shape.full_range:  # encoders are told of none, so it is brought to the usual range here
        return frame.reformat(format="yuv420p", src_color_range=ColorRange.JPEG, dst_color_range=ColorRange.MPEG)
    return frame
