"""The headers of a tar that anybody may have made, as container tools write them: POSIX (pax) and GNU. Pure.

Whoever unpacks it later is another program, so what two readers could understand differently is refused: sizes in pax
headers, sparse files, global headers, numbers in base 256, names that lead upwards. Devices and pipes are refused
too: no service needs one. Memory is bounded by one header.
Formats: POSIX.1-2017, "pax Interchange Format"; GNU tar manual, "Basic Tar Format".
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from eyespot.edge.services.package_tar import BLOCK, Reader
from eyespot.kernel.errors import EyespotError, invalid

MAX_EXTRA_BYTES = 64 << 10
"""Longest pax header or long name."""
MAX_EXTRAS = 3
"""Most of them before one file: its name, where it links to, and what pax says."""
_POSIX, _GNU = b"ustar\x0000", b"ustar  \0"
_KINDS: dict[bytes, Literal["file", "folder", "link"]] = {
    b"0": "file", b"\0": "file", b"1": "link", b"2": "link", b"5": "folder",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """One thing in a tar.

    Attributes:
        name: its place, without "./" before and "/" behind.
        size_bytes: of its content, which follows, filled up to whole blocks; 0 for all but files.
    """

    name: str
    kind: Literal["file", "folder", "link"]
    size_bytes: int


def headers(file: Reader, skip: Callable[[int], None]) -> Iterator[Header]:
    """Every header of the tar ``file``, from its position to its end mark or its end.

    Args:
        skip: moves on by so many bytes of ``file``; called for contents after their header was taken.

    Raises ``INVALID`` for what is damaged, and for what no image of a service may hold.
    """
    name, extras = "", 0
    while (block := file.read(BLOCK)) and block != bytes(BLOCK):
        fields = _fields(block)
        if fields.kind in (b"x", b"L", b"K"):
            extra = _extra(file, fields.size_bytes)
            given = _given_name(fields.kind, extra)
            extras += 1
            if (given and name) or extras > MAX_EXTRAS:
                raise _refused("a file in it has two names, or too many headers.")
            name = given or name
            continue
        kind = _KINDS.get(fields.kind)
        if kind is None:
            raise _refused(f"'{fields.name[:80]}' is a device, a pipe or of an unknown kind.")
        header = _header(name or fields.name, kind, fields.size_bytes)
        name, extras = "", 0
        yield header
        skip(header.size_bytes + -header.size_bytes % BLOCK)


@dataclass(frozen=True, slots=True)
class _Fields:
    name: str
    kind: bytes
    size_bytes: int


def _fields(block: bytes) -> _Fields:
    if len(block) != BLOCK:
        raise _damaged("it ends in the middle")
    magic = block[257:265]
    if magic not in (_POSIX, _GNU):
        raise _damaged("a header of it is none")
    if _number(block[148:156]) != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        raise _damaged("a checksum of its headers is wrong")
    prefix = _text(block[345:500].partition(b"\0")[0]) if magic == _POSIX else ""
    name = _text(block[:100].partition(b"\0")[0])
    return _Fields(f"{prefix}/{name}" if prefix else name, block[156:157], _number(block[124:136]))


def _header(name: str, kind: Literal["file", "folder", "link"], size_bytes: int) -> Header:
    if kind == "file" and name.endswith("/"):
        raise _refused(f"'{name[:80]}' is a file with the name of a folder.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or name.startswith("/"):
        raise _refused(f"'{name[:80]}' leads out of it.")
    return Header("/".join(parts), kind, size_bytes if kind == "file" else 0)


def _extra(file: Reader, size: int) -> bytes:
    if size > MAX_EXTRA_BYTES:
        raise _refused("a header of it is too long.")
    data = file.read(size + -size % BLOCK)
    if len(data) != size + -size % BLOCK:
        raise _damaged("it ends in the middle")
    return data[:size]


def _pax_name(records: bytes) -> str:
    """The name that a pax header gives; empty where it gives none."""
    name = ""
    while records:
        found = re.match(rb"([1-9]\d{0,5}) ([^=\n]+)=", records)
        length = int(found[1]) if found else 0
        if found is None or not found.end() < length <= len(records) or records[length - 1 : length] != b"\n":
            raise _damaged("a pax header of it does not parse")
        key, value = _text(found[2]), records[found.end() : length - 1]
        if key == "size" or key.startswith("GNU.sparse"):
            raise _refused("a file in it is sparse, or its size is said twice.")
        if key == "path":
            name = _text(value)
        records = records[length:]
    return name


def _given_name(kind: bytes, extra: bytes) -> str:
    """The name that what stands before a header gives its file; empty where it gives none."""
    if kind == b"x":
        return _pax_name(extra)
    return _text(extra.rstrip(b"\0")) if kind == b"L" else ""


def _number(field: bytes) -> int:
    found = re.fullmatch(rb"[ \0]*([0-7]{1,12})[ \0]*", field)
    if found is None:
        raise _damaged("a number in its headers does not parse")
    return int(found[1], 8)


def _text(data: bytes) -> str:
    if b"\0" in data:
        raise _damaged("a name in it holds a zero byte")
    return data.decode("utf-8", "surrogateescape")


def _refused(what: str) -> EyespotError:
    return invalid(f"The image holds what no service may hold: {what}", "Ask its maker for another.")


def _damaged(what: str) -> EyespotError:
    return invalid(f"The image is damaged: {what}.", "Fetch it again.")
