"""Buffers that a camera writes its pictures into, mapped so that they can be read.

Owns mapping, and telling the kernel when a buffer is read (``DMA_BUF_IOCTL_SYNC`` of ``linux/dma-buf.h``): caches of
Arm processors would show an older picture otherwise.
"""

import errno
import fcntl
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.libcamera.camera import call
from eyespot.kernel.errors import unavailable

Allocate = Callable[[Any, Any, Any], list[Any]]
"""From the binding, a camera and a stream to the stream's ``FrameBuffer``s."""
DMA_BUF_IOCTL_SYNC = 0x40086200
SYNC_READ, SYNC_START, SYNC_END = 1, 0, 4


def allocate(binding: Any, device: Any, stream: Any) -> list[Any]:
    """The stream's buffers from libcamera's own allocator; they live as long as they are kept."""
    allocator = binding.FrameBufferAllocator(device)
    call("get buffers", device.id, allocator.allocate, stream)
    return list(allocator.buffers(stream))


class MappedBuffer:
    """One ``FrameBuffer``, mapped for reading until ``close``. Raises ``UNAVAILABLE`` when it cannot be."""

    def __init__(self, buffer: Any) -> None:
        self.buffer = buffer
        self._maps: dict[int, mmap.mmap] = {}
        planes = list(buffer.planes)
        try:
            for descriptor in {plane.fd for plane in planes}:
                length = max(plane.offset + plane.length for plane in planes if plane.fd == descriptor)
                if os.lseek(descriptor, 0, os.SEEK_END) < length:
                    raise ValueError("one is smaller than its planes")
                self._maps[descriptor] = mmap.mmap(descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ)
        except (OSError, ValueError) as error:
            self.close()
            raise unavailable(f"libcamera's buffers cannot be read: {error}.") from error
        self._planes = [(plane.fd, plane.offset, plane.length) for plane in planes]

    @contextmanager
    def planes(self) -> Iterator[list[NDArray[np.uint8]]]:
        """Each plane's bytes, flat; to be used inside the block only."""
        self._sync(SYNC_START | SYNC_READ)
        try:
            yield [
                np.frombuffer(self._maps[descriptor], np.uint8, length, offset)
                for descriptor, offset, length in self._planes
            ]
        finally:
            self._sync(SYNC_END | SYNC_READ)

    def close(self) -> None:
        """Let go; the memory is unmapped with the last array of ``planes``, which an error may still hold."""
        self._maps.clear()

    def _sync(self, flags: int) -> None:
        for descriptor in self._maps:
            try:
                _ioctl_sync(descriptor, flags)
            except OSError as error:
                if error.errno not in (errno.ENOTTY, errno.EINVAL):  # memory that is no DMA buffer needs none
                    raise unavailable(f"libcamera's buffers cannot be read: {error.strerror}.") from error


def _ioctl_sync(descriptor: int, flags: int) -> None:
    """Asked again when interrupted, as the kernel's documentation of DMA buffers wants it."""
    while True:
        try:
            fcntl.ioctl(descriptor, DMA_BUF_IOCTL_SYNC, struct.pack("=Q", flags))
        except (BlockingIOError, InterruptedError):
            continue
        return
