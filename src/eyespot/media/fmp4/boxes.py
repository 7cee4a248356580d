"""ISO base media boxes (ISO/IEC 14496-12, 4.2): making them and walking them, with every size checked."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from eyespot.kernel.errors import corrupt

_HEADER = struct.Struct(">I4s")
_LARGE = struct.Struct(">Q")
MAX_CHILDREN = 4096


class Box(NamedTuple):
    """Where a box lies: ``start`` of its header, ``body`` after it, ``end`` behind it, all as offsets in bytes."""

    kind: bytes
    start: int
    body: int
    end: int


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of ``kind`` (4 bytes) around the joined ``parts``."""
    payload = b"".join(parts)
    return _HEADER.pack(8 + len(payload), kind) + payload


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """A box with a version (0 to 255) and 24 bits of flags before its payload."""
    return box(kind, (version << 24 | flags).to_bytes(4, "big"), *parts)


def read_header(data: bytes, offset: int, limit: int) -> Box | None:
    """The box whose header begins at ``offset`` of ``data``, or None when fewer bytes than its header are there.

    ``limit`` is where the enclosing space ends (it may lie beyond ``data``); a size of 0 means "until there". Raises
    ``CORRUPT`` for a size smaller than its header; a box that ends beyond ``limit`` is returned as it announces itself.
    """
    if offset + 8 > len(data):
        return None
    size, kind = _HEADER.unpack_from(data, offset)
    header = 8
    if size == 1:
        if offset + 16 > len(data):
            return None
        (size,) = _LARGE.unpack_from(data, offset + 8)
        header = 16
    elif size == 0:
        size = limit - offset
    if size < header:
        raise corrupt(f"A box at byte {offset} says it is {size} bytes long.")
    return Box(kind, offset, offset + header, offset + size)


def iter_boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes that fill ``data[start:end]``; raises ``CORRUPT`` when one does not fit or there are too many."""
    limit = len(data) if end is None else end
    if limit > len(data):
        raise corrupt(f"A box ends at byte {limit}, behind the {len(data)} bytes there are.")
    offset, count = start, 0
    while offset < limit:
        found = read_header(data, offset, limit)
        count += 1
        if found is None or found.end > limit or count > MAX_CHILDREN:
            raise corrupt(f"The boxes in bytes {start} to {limit} do not fit together.")
        yield found
        offset = found.end


def children(data: bytes, parent: Box, skip: int = 0) -> dict[bytes, Box]:
    """The boxes inside ``parent`` by kind (the first of each), after ``skip`` bytes of its body."""
    found: dict[bytes, Box] = {}
    for child in iter_boxes(data, parent.body + skip, parent.end):
        found.setdefault(child.kind, child)
    return found
