"""Buffers for libcamera in ordinary memory: for its virtual cameras where the kernel allocates no DMA buffers."""

import os
from typing import Any

_ROWS = {"NV12": (2, 1), "YUV420": (2, 1, 1)}
_WIDTHS = {"NV12": (2, 2), "YUV420": (2, 1, 1)}


def allocate_memfd(binding: Any, device: Any, stream: Any) -> list[Any]:
    """As ``hal.libcamera.buffers.allocate``: one ``memfd`` a buffer, planes one after the other."""
    del device
    config = stream.configuration
    name, height = str(config.pixel_format), config.size.height
    lengths = [
        config.stride * width // 2 * (height * rows // 2)
        for width, rows in zip(_WIDTHS[name], _ROWS[name], strict=True)
    ]
    buffers = []
    for _ in range(config.buffer_count):
        descriptor = os.memfd_create("libcamera")
        os.truncate(descriptor, sum(lengths))
        planes, offset = [], 0
        for length in lengths:
            planes.append(binding.FrameBuffer.Plane(descriptor, offset, length))
            offset += length
        os.close(descriptor)  # a plane holds a copy of its own
        buffers.append(binding.FrameBuffer(planes))
    return buffers
