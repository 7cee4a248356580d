"""Reading a package that anybody may have made: a POSIX tar of plain files and nothing else. Pure but for the file.

Stricter than a tar reader has to be, on purpose. `eyespot app build` writes one form (ustar, and a pax header for a
name that does not fit), so whatever else a tar can hold (links, devices, folders, sparse files, other headers) is
refused rather than understood. Nothing is decompressed, so nothing can grow.
Format: POSIX.1-2017, "pax Interchange Format".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from eyespot.edge.services.digest import MAX_BYTES, MAX_DEPTH, MAX_FILES
from eyespot.kernel.errors import EyespotError, Kind, invalid

BLOCK = 512
CHUNK = 1 << 20
MAX_PAX_BYTES = 1024
MAX_NAME_BYTES = 400
MAX_END_BYTES = 64 << 10
_MEND = "Make it with: eyespot app build."
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\xfd7": "xz", b"\x28\xb5": "zstd", b"BZ": "bzip2", b"PK": "zip"}


class Reader(Protocol):
    """What is needed of a file."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, fewer only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a package.

    Attributes:
        name: its place, names of folders parted by "/"; never outside of the folder it is unpacked in.
        content: its bytes in pieces, to be read before the next member is asked for; what is left is skipped.
    """

    name: str
    size_bytes: int
    is_executable: bool
    content: Iterator[bytes]


def members(file: Reader) -> Iterator[Member]:
    """Every file of the package ``file``, read once from its position to its end, in memory of one piece.

    Raises:
        EyespotError: ``INVALID`` for anything that is not as `eyespot app build` makes it, two files at one place among
            it; ``TOO_LARGE`` for more files or bytes than a service may have. Members before it were handed out.
    """
    names = _Names()
    total = 0
    while (block := _exactly(file, BLOCK)) != bytes(BLOCK):
        name, kind, size, mode = _header(block)
        if kind == b"x":
            name = _pax_name(file, size)
            _, kind, size, mode = _header(_exactly(file, BLOCK))
        if kind not in (b"0", b"\0"):
            raise invalid(f"'{name[:80]}' in the package is a link, a folder or a device.", _MEND)
        total += size
        names.take(name)
        if total > MAX_BYTES:
            raise _too_large()
        content = _content(file, size)
        yield Member(name, size, bool(mode & 0o100), content)
        for _ in content:
            pass
        if any(_exactly(file, -size % BLOCK)):
            raise invalid("The package holds something between its files.", _MEND)
    if any(file.read(MAX_END_BYTES)) or file.read(1):
        raise invalid("The package holds something behind its end.", _MEND)


class _Names:
    """The places that are taken so far."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, name: str) -> None:
        """Take ``name``; raises ``INVALID`` where it is no place for a file, or taken."""
        parts = name.split("/")
        if not name.isprintable() or len(name.encode()) > MAX_NAME_BYTES or len(parts) > MAX_DEPTH + 1:
            raise invalid(f"'{name[:80]!r}' in the package is no name for a file.", _MEND)
        if any(part in ("", ".", "..") for part in parts):
            raise invalid(f"'{name[:80]}' in the package leads out of its folder.", _MEND)
        folders = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if name in self._files or name in self._folders or folders & self._files:
            raise invalid(f"'{name[:80]}' is in the package twice.", _MEND)
        self._files.add(name)
        self._folders |= folders
        if len(self._files) > MAX_FILES:
            raise _too_large()


def _header(block: bytes) -> tuple[str, bytes, int, int]:
    """Name, type, size and mode of a header block."""
    for magic, what in _COMPRESSED.items():
        if block.startswith(magic) and block[257:263] != b"ustar\0":
            raise invalid(f"The package is compressed with {what}; packages are not.", _MEND)
    if block[257:265] != b"ustar\x0000":
        raise invalid("This is no package of a service.", _MEND)
    summed = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
    if _number(block[148:156]) != summed:
        raise invalid("The package is damaged: a checksum of its headers is wrong.", "Fetch it again.")
    prefix, name = _text(block[345:500]), _text(block[:100])
    return f"{prefix}/{name}" if prefix else name, block[156:157], _number(block[124:136]), _number(block[100:108])


def _pax_name(file: Reader, size: int) -> str:
    """The one thing that a pax header of ours says."""
    if size > MAX_PAX_BYTES:
        raise invalid("A header in the package is too long.", _MEND)
    record = _exactly(file, size + -size % BLOCK)[:size]
    found = re.fullmatch(rb"(\d{1,4}) path=([^\n]+)\n", record)
    if found is None or int(found[1]) != size:
        raise invalid("A header in the package says something else than a name.", _MEND)
    return _decoded(found[2])


def _number(field: bytes) -> int:
    found = re.fullmatch(rb"([0-7]{1,12})[ \0]*", field)
    if found is None:
        raise invalid("The package is damaged: a number in its headers does not parse.", "Fetch it again.")
    return int(found[1], 8)


def _text(field: bytes) -> str:
    return _decoded(field.partition(b"\0")[0])


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise invalid("A name in the package is not UTF-8.", _MEND) from None


def _content(file: Reader, size: int) -> Iterator[bytes]:
    while size:
        piece = _exactly(file, min(size, CHUNK))
        size -= len(piece)
        yield piece


def _exactly(file: Reader, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise invalid("The package ends in the middle.", "Fetch it again.")
    return data


def _too_large() -> EyespotError:
    return EyespotError(
        Kind.TOO_LARGE, f"The package holds more than {MAX_FILES} files or {MAX_BYTES >> 20} MB.", "Make it smaller."
    )
