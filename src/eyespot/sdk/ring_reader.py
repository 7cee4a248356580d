"""The reading end of a ring of frames: maps it read-only, copies or borrows frames, and notices torn ones.

The layout is ``contracts.ring``. Whoever gets here trusts nothing but the layout: a ring that contradicts itself, or
that could be cut short below its reader, is refused.
"""

import fcntl
import mmap
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts import ring
from eyespot.contracts.ring_slot import SeenObject, Stamp, orientation_of
from eyespot.contracts.view import View
from eyespot.kernel.errors import corrupt
from eyespot.kernel.fence import full_fence

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class RingFrame:
    """One frame.

    Attributes:
        pixels: uint8, ``(height, width, 3)`` for rgb, ``(height, width)`` for grey, ``(height * 3 / 2, width)`` for
            nv12, ``(0,)`` for the forms without pixels. Read-only where it was borrowed.
        written_ns: monotonic time when the frame was whole in the ring.
    """

    seq: int
    stamp: Stamp
    objects: tuple[SeenObject, ...]
    pixels: Pixels
    written_ns: int


class RingReader:
    """Reads one ring. ``descriptor`` stays the caller's and may be closed afterwards.

    Attributes:
        view: what the ring shows, without labels.

    Raises:
        EyespotError: ``CORRUPT`` when it is no ring of this version, or is not sealed against being cut short.
    """

    def __init__(self, descriptor: int) -> None:
        file_bytes = os.fstat(descriptor).st_size
        _check_seals(descriptor)
        header = ring.parse_header(os.pread(descriptor, ring.HEADER.size, 0), file_bytes)
        self.layout, self.view = header.layout, header.view
        self._shape = shape_of(self.view)
        self._memory = mmap.mmap(descriptor, file_bytes, mmap.MAP_SHARED | mmap.MAP_POPULATE, mmap.PROT_READ)
        self._bytes: Pixels = np.frombuffer(self._memory, np.uint8)
        self._words: NDArray[np.uint64] = np.frombuffer(self._memory, np.uint64)

    @property
    def newest(self) -> int:
        """``seq`` of the newest whole frame, 0 before the first."""
        return int(self._words[ring.NEWEST_OFFSET // 8])

    @property
    def closed(self) -> bool:
        """Whether the writer said that no frame follows."""
        return bool(self._words[ring.CLOSED_OFFSET // 8])

    def borrow(self, seq: int) -> RingFrame | None:
        """Frame ``seq`` where it lies, without copying; None when it was overwritten, or is not written yet.

        The writer does not wait: ask ``is_whole(seq)`` after using the pixels, and drop what was made of them when it
        is False.
        """
        if not self.is_whole(seq):
            return None
        full_fence()
        at = self.layout.slot_offset(seq)
        values = ring.SLOT_HEADER.unpack_from(self._memory, at)
        named = dict(zip(ring.SLOT_FIELDS, values, strict=True))
        objects = self._objects(at, min(named["objects"], self.layout.max_objects))
        start = at + self.layout.pixels_offset
        pixels = self._bytes[start : start + self.layout.pixel_bytes].reshape(self._shape)
        stamp = Stamp(
            named["capture_ns"], named["wall_ns"], named["tracks_ns"], orientation_of(named["flags"], named["degrees"]),
            bool(named["flags"] & ring.FLAG_KEY), named["lens"], named["objects_seen"],
            (named["source_width_px"], named["source_height_px"]),
        )  # fmt: skip
        return RingFrame(seq, stamp, objects, pixels, named["written_ns"]) if self.is_whole(seq) else None

    def copy(self, seq: int, into: Pixels | None = None) -> RingFrame | None:
        """Frame ``seq`` as the caller's own; None when it was overwritten before or while it was copied.

        Args:
            into: where the pixels go, of the frame's shape and uint8; without it they get new memory, which costs about
                as much again for large frames.
        """
        frame = self.borrow(seq)
        if frame is None:
            return None
        own = np.empty(self._shape, np.uint8) if into is None else into
        np.copyto(own, frame.pixels)
        if not self.is_whole(seq):
            return None
        return RingFrame(seq, frame.stamp, frame.objects, own, frame.written_ns)

    def is_whole(self, seq: int) -> bool:
        """Whether frame ``seq`` is in its slot, whole, at this moment."""
        full_fence()
        return seq > 0 and int(self._words[self.layout.slot_offset(seq) // 8]) == 2 * seq

    def close(self) -> None:
        """Unmap the ring, unless a borrowed frame is still in use: then it goes with the last of those."""
        del self._bytes, self._words
        try:
            self._memory.close()
        except BufferError:  # borrowed pixels still point into it; the garbage collector unmaps it after them
            return

    def _objects(self, at: int, count: int) -> tuple[SeenObject, ...]:
        first = at + ring.SLOT_HEADER_BYTES
        places = range(first, first + count * ring.OBJECT_BYTES, ring.OBJECT_BYTES)
        return tuple(SeenObject.unpack(self._memory[place : place + ring.OBJECT_BYTES]) for place in places)


def shape_of(view: View) -> tuple[int, ...]:
    """The shape of a frame's pixels, see ``RingFrame``."""
    if not view.has_pixels:
        return (0,)
    if view.pixels == "rgb":
        return view.height_px, view.width_px, 3
    return (view.height_px * 3 // 2 if view.pixels == "nv12" else view.height_px), view.width_px


def _check_seals(descriptor: int) -> None:
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError as error:
        raise corrupt("A ring of frames must be a memory file.", "Check which descriptor was handed over.") from error
    if not seals & fcntl.F_SEAL_SHRINK:
        raise corrupt("A ring that its writer can cut short is not read.", "It must be sealed against shrinking.")
