"""Buffers for libcamera in ordinary memory: for its virtual cameras where the kernel allocates no DMA buffers."""

import os
from typing import Any

from eyespot.hal.sensors.libcamera_layouts import LAYOUTS


def allocate_memfd(binding: Any, device: Any, stream: Any) -> list[Any]:
    """As ``hal.libcamera.buffers.allocate``: one ``memfd`` a buffer, planes one after the other."""
    del device
    config = stream.configuration
    planes = LAYOUTS[str(config.pixel_format)].planes
    first_row = planes[0][0]
    lengths = [config.stride * row // first_row * (config.size.height * rows // 2) for row, rows in planes]
    buffers = []
    for _ in range(config.buffer_count):
        descriptor = os.memfd_create("libcamera")
        os.truncate(descriptor, sum(lengths))
        made, offset = [], 0
        for length in lengths:
            made.append(binding.FrameBuffer.Plane(descriptor, offset, length))
            offset += length
        os.close(descriptor)  # a plane holds a copy of its own
        buffers.append(binding.FrameBuffer(made))
    return buffers
