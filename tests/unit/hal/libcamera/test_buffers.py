"""Buffers mapped for reading."""

import errno
import fcntl
import os
from collections.abc import Iterator

import pytest

from eyespot.hal.libcamera.buffers import DMA_BUF_IOCTL_SYNC, MappedBuffer
from eyespot.kernel.errors import EyespotError
from eyespot.testing.fake_libcamera import FrameBuffer

LENGTH = 4096


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("buffer")
    os.truncate(descriptor, LENGTH)
    os.pwrite(descriptor, b"ab", 0)
    yield descriptor
    os.close(descriptor)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_an_interrupted_sync_is_asked_again(memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [errno.EINTR, errno.EAGAIN, 0, errno.EAGAIN, 0]
    asked = []

    def ioctl(descriptor: int, number: int, _: bytes) -> int:
        asked.append((descriptor, number))
        answer = answers[len(asked) - 1]
        if answer:
            raise OSError(answer, os.strerror(answer))
        return 0

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    buffer = MappedBuffer(FrameBuffer([FrameBuffer.Plane(memory, 0, LENGTH)]))
    with buffer.planes() as (plane,):
        assert bytes(plane[:2]) == b"ab"
    assert asked == [(memory, DMA_BUF_IOCTL_SYNC)] * len(answers)


def test_nothing_stays_open_of_a_buffer_that_cannot_be_read(memory: int) -> None:
    other = os.memfd_create("too small")
    before = open_descriptors()
    try:
        with pytest.raises(EyespotError, match="smaller than its planes"):
            MappedBuffer(FrameBuffer([FrameBuffer.Plane(memory, 0, LENGTH), FrameBuffer.Plane(other, 0, LENGTH)]))
        assert open_descriptors() == before
    finally:
        os.close(other)
