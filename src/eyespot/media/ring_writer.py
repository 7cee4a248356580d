"""The writing end of a ring of frames: makes the memory file, seals it, and is the only one who can write to it.

The layout is ``contracts.ring``. Once sealed, nobody can shrink, grow or map the file for writing any more
(memfd_create(2), ``F_SEAL_FUTURE_WRITE``); this writer goes on through the mapping that it made before.
"""

import contextlib
import fcntl
import mmap
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts import ring
from eyespot.contracts.ring_slot import SeenObject, Stamp
from eyespot.contracts.view import View
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.kernel.fence import full_fence

DEFAULT_SLOTS = 4
_F_SEAL_FUTURE_WRITE = 0x0010  # linux/fcntl.h; Python 3.11 does not name it
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | _F_SEAL_FUTURE_WRITE | fcntl.F_SEAL_SEAL
_MFD_NOEXEC_SEAL = 0x0008
"""Linux 6.3: the file can never be run. Older kernels refuse the flag."""


class RingWriter:
    """Makes a ring for ``view`` and fills it; one frame at a time, from one thread at a time.

    Attributes:
        descriptor: read-only, to be handed out; closed by ``close``.
        seq: number of the newest whole frame, 0 before the first.

    Raises:
        EyespotError: ``TOO_LARGE`` as ``ring.layout_of``; ``EXHAUSTED`` when there is not enough memory.
    """

    def __init__(self, view: View, clock: Clock, slots: int = DEFAULT_SLOTS) -> None:
        self.view = view
        self.layout = ring.layout_of(view, slots)
        self.seq = 0
        self._clock = clock
        try:
            self.descriptor, self._memory = _make(self.layout.total_bytes)
        except OSError as error:
            raise EyespotError(
                Kind.EXHAUSTED,
                f"A ring of {self.layout.total_bytes} bytes cannot be made: {error.strerror}.",
                "Ask for smaller or fewer views.",
            ) from error
        self._bytes: NDArray[np.uint8] = np.frombuffer(self._memory, np.uint8)
        self._words: NDArray[np.uint64] = np.frombuffer(self._memory, np.uint64)
        header = ring.header_bytes(view, self.layout)
        self._memory[: len(header)] = header

    def begin(self) -> NDArray[np.uint8]:
        """The pixel bytes of the next slot, to be filled; readers of that slot's old frame are told from now on.

        Called again without ``commit`` it is the same slot: nothing was published.
        """
        at = self.layout.slot_offset(self.seq + 1)
        self._words[at // 8] = 2 * self.seq + 1
        full_fence()
        start = at + self.layout.pixels_offset
        return self._bytes[start : start + self.layout.pixel_bytes]

    def commit(self, stamp: Stamp, objects: Sequence[SeenObject] = ()) -> int:
        """Publish what ``begin`` gave; returns the frame's ``seq``. The first ``max_objects`` objects are kept."""
        seq = self.seq + 1
        at = self.layout.slot_offset(seq)
        kept = objects[: self.layout.max_objects]
        table = b"".join(one.pack() for one in kept)
        start = at + ring.SLOT_HEADER_BYTES
        self._memory[start : start + len(table)] = table
        packed = self._pack(seq, stamp, len(kept))
        self._memory[at + 8 : at + len(packed)] = packed[8:]
        full_fence()
        self._words[at // 8] = 2 * seq
        full_fence()
        self._words[ring.NEWEST_OFFSET // 8] = seq
        self.seq = seq
        return seq

    def close(self) -> None:
        """Tell readers that no frame follows, and let go; what they have mapped stays as it is."""
        self._words[ring.CLOSED_OFFSET // 8] = 1
        del self._bytes, self._words
        os.close(self.descriptor)
        with contextlib.suppress(BufferError):  # the pixels of a ``begin`` are still held; it is unmapped after them
            self._memory.close()

    def _pack(self, seq: int, stamp: Stamp, objects: int) -> bytes:
        view, pixel_bytes = self.view, self.layout.pixel_bytes
        width_px, height_px = (view.width_px, view.height_px) if pixel_bytes else (0, 0)
        row_bytes = width_px * (3 if view.pixels == "rgb" else 1)
        return ring.SLOT_HEADER.pack(
            2 * seq - 1, seq, stamp.capture_ns, stamp.wall_ns, self._clock.monotonic_ns(), stamp.tracks_ns, width_px,
            height_px, row_bytes, pixel_bytes, stamp.flags, stamp.orientation.degrees, stamp.lens,
            stamp.objects_seen, objects, *stamp.source_px, 0,
        )  # fmt: skip


def _make(total_bytes: int) -> tuple[int, mmap.mmap]:
    """A sealed memory file of that size: a read-only descriptor and the one mapping that can write."""
    descriptor = _memfd()
    try:
        os.posix_fallocate(descriptor, 0, total_bytes)  # all of it now: no SIGBUS later when memory is short
        memory = mmap.mmap(descriptor, total_bytes, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC), memory
    finally:
        os.close(descriptor)


def _memfd() -> int:
    flags = os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING
    try:
        return os.memfd_create("eyespot-view", flags | _MFD_NOEXEC_SEAL)
    except OSError:
        return os.memfd_create("eyespot-view", flags)
