"""A ring from both ends: what is written is read, what is torn is noticed, and a reader can do no harm."""

import ctypes
import errno
import fcntl
import mmap
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from eyespot.contracts.lens import Orientation
from eyespot.contracts.ring_slot import SeenObject, Stamp
from eyespot.contracts.view import View
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.ring_writer import RingWriter
from eyespot.sdk.ring_reader import RingReader

GREY = View(camera="yard", stream="main", pixels="grey", width_px=64, height_px=48)
STAMP = Stamp(123, -456, 99, Orientation(True, False, 270), True, 0, 7, (1920, 1080))
F_SEAL_FUTURE_WRITE = 0x10
MADV_REMOVE = 9


@pytest.fixture
def writer() -> Iterator[RingWriter]:
    ring = RingWriter(GREY, SystemClock())
    yield ring
    ring.close()


def write(writer: RingWriter, value: int) -> int:
    writer.begin()[:] = value
    return writer.commit(STAMP)


@pytest.mark.parametrize(
    ("view", "shape"),
    [
        (GREY, (48, 64)),
        (View(width_px=64, height_px=48), (48, 64, 3)),
        (View(pixels="nv12", width_px=64, height_px=48), (72, 64)),
        (View(form="metadata"), (0,)),
    ],
)
def test_what_is_written_is_read(view: View, shape: tuple[int, ...]) -> None:
    writer = RingWriter(view, SystemClock())
    reader = RingReader(writer.descriptor)
    assert (reader.newest, reader.closed, reader.view) == (0, False, view)
    assert reader.copy(0) is None
    assert reader.copy(1) is None
    pixels = writer.begin()
    pixels[:] = np.arange(pixels.size) % 251
    assert writer.commit(STAMP) == 1
    frame = reader.copy(reader.newest)
    assert frame is not None
    assert (frame.seq, frame.stamp, frame.objects, frame.pixels.shape) == (1, STAMP, (), shape)
    assert (frame.pixels.reshape(-1) == np.arange(frame.pixels.size) % 251).all()
    assert 0 < frame.written_ns <= SystemClock().monotonic_ns()
    del pixels
    writer.close()
    assert reader.closed
    assert reader.copy(1) is not None, "what is mapped stays"
    reader.close()


def test_objects_travel_and_their_number_is_bounded() -> None:
    writer = RingWriter(View(form="boxes"), SystemClock())
    reader = RingReader(writer.descriptor)
    some = SeenObject(7, "person", 0.5, (0.25, 0.5, 0.75, 1.0))
    long = SeenObject(8, "ä" * 40, 1.0, (0, 0, 1, 1), (2, 4, 6, 8))
    writer.begin()
    writer.commit(STAMP, [some, long, *[some] * 100])
    frame = reader.copy(1)
    assert frame is not None
    assert len(frame.objects) == 64
    assert frame.objects[0] == some
    assert frame.objects[1] == SeenObject(8, "ä" * 11, 1.0, (0, 0, 1, 1), (2, 4, 6, 8))
    writer.close()


def test_an_old_frame_is_gone_and_one_under_way_is_not_there(writer: RingWriter) -> None:
    reader = RingReader(writer.descriptor)
    for value in range(1, 6):
        write(writer, value)
    assert reader.copy(1) is None, "frame 5 lies there"
    assert [frame.pixels[0, 0] for seq in (2, 3, 4, 5) if (frame := reader.copy(seq))] == [2, 3, 4, 5]
    borrowed = reader.borrow(2)
    assert borrowed is not None
    assert not borrowed.pixels.flags.writeable
    writer.begin()[:] = 6
    assert not reader.is_whole(2), "whoever borrowed it can notice"
    assert reader.copy(2) is None
    assert reader.copy(6) is None
    assert reader.newest == 5


def test_no_torn_frame_is_ever_taken_for_a_whole_one() -> None:
    """A writer as fast as it can be, in a thread of its own; numpy copies without the interpreter's lock."""
    view = GREY.model_copy(update={"width_px": 512, "height_px": 512})
    writer = RingWriter(view, SystemClock(), slots=2)
    reader = RingReader(writer.descriptor)
    stop = threading.Event()

    def run() -> None:
        while not stop.is_set():
            write(writer, (writer.seq + 1) % 251)

    thread = threading.Thread(target=run)
    thread.start()
    whole = torn = 0
    own = np.empty((512, 512), np.uint8)
    while whole < 300 or not torn:
        seq = reader.newest
        frame = reader.copy(seq, own)
        if frame is None:
            torn += seq > 0
            continue
        whole += 1
        assert (own == seq % 251).all()
    stop.set()
    thread.join()
    writer.close()


def test_a_reader_can_neither_write_nor_resize_nor_seal(writer: RingWriter) -> None:
    again = os.open(f"/proc/self/fd/{writer.descriptor}", os.O_RDWR)
    try:
        for descriptor in (writer.descriptor, again):
            with pytest.raises(OSError, match=r".") as refused:
                os.pwrite(descriptor, b"x", 5000)
            assert refused.value.errno in (errno.EPERM, errno.EBADF)
            with pytest.raises(PermissionError):
                mmap.mmap(descriptor, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
            for size in (0, 1 << 20):
                with pytest.raises(OSError, match=r"."):
                    os.ftruncate(descriptor, size)
            with pytest.raises(OSError, match=r"."):
                fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
        libc = ctypes.CDLL(None, use_errno=True)
        punch = libc.fallocate(again, 3, ctypes.c_long(4096), ctypes.c_long(4096))
        assert (punch, ctypes.get_errno()) == (-1, errno.EPERM)
    finally:
        os.close(again)
    write(writer, 9)


def test_a_read_only_mapping_cannot_be_made_writable(writer: RingWriter) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    again = os.open(f"/proc/self/fd/{writer.descriptor}", os.O_RDWR)
    address = libc.mmap(None, 4096, mmap.PROT_READ, mmap.MAP_SHARED, again, 0)
    os.close(again)
    protect = libc.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_WRITE)
    assert (protect, ctypes.get_errno()) == (-1, errno.EACCES)
    libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(4096))


def test_a_private_copy_is_the_readers_own_affair(writer: RingWriter) -> None:
    write(writer, 1)
    private = mmap.mmap(writer.descriptor, 0, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    private[:] = bytes(len(private))
    frame = RingReader(writer.descriptor).copy(1)
    assert frame is not None
    assert (frame.pixels == 1).all()
    private.close()


def test_what_is_no_ring_or_could_be_cut_short_is_refused(writer: RingWriter) -> None:
    plain = os.memfd_create("plain", os.MFD_ALLOW_SEALING)
    os.write(plain, os.pread(writer.descriptor, writer.layout.total_bytes, 0))
    with pytest.raises(EyespotError, match="cut short"):
        RingReader(plain)
    fcntl.fcntl(plain, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    RingReader(plain).close()
    os.pwrite(plain, b"NOTARING", 0)
    with pytest.raises(EyespotError, match="no ring") as refused:
        RingReader(plain)
    assert refused.value.kind is Kind.CORRUPT
    os.close(plain)
    with open(__file__, "rb") as file, pytest.raises(EyespotError, match="memory file"):
        RingReader(file.fileno())


def test_garbage_in_a_slot_never_reads_beyond_it(writer: RingWriter) -> None:
    """A header that claims thousands of objects is bounded by the ring's own layout."""
    boxes = RingWriter(View(form="boxes"), SystemClock())
    boxes.begin()
    boxes.commit(STAMP)
    at = boxes.layout.slot_offset(1)
    boxes._memory[at + 8 : at + 96] = b"\xff" * 88
    frame = RingReader(boxes.descriptor).copy(1)
    assert frame is not None
    assert len(frame.objects) == 64
    boxes.close()


def test_a_ring_outlives_its_writers_process() -> None:
    """The writer is killed in the middle of a frame: the reader has what was whole, and takes nothing half."""
    code = """
import os, socket, sys
from eyespot.contracts.ring_slot import Stamp
from eyespot.contracts.view import View
from eyespot.kernel.clock import SystemClock
from eyespot.media.ring_writer import RingWriter
ring = RingWriter(View(pixels="grey", width_px=64, height_px=48), SystemClock())
ring.begin()[:] = 5
ring.commit(Stamp(1, 2))
ring.begin()[:100] = 6
peer = socket.socket(fileno=int(sys.argv[1]))
socket.send_fds(peer, [b"x"], [ring.descriptor])
peer.recv(1)
os._exit(9)
"""
    import socket

    ours, theirs = socket.socketpair()
    with (
        ours,
        subprocess.Popen([sys.executable, "-c", code, str(theirs.fileno())], pass_fds=[theirs.fileno()]) as child,
    ):
        theirs.close()
        _, [descriptor], _, _ = socket.recv_fds(ours, 16, 1)
        reader = RingReader(descriptor)
        child.kill()
    whole = reader.copy(1)
    assert whole is not None
    assert (whole.pixels == 5).all()
    assert reader.copy(2) is None
    assert not reader.closed, "nobody could say so; the socket's end does"
    os.close(descriptor)
