"""Packages that anybody may have made: what is read is what was packed, everything else is refused with a reason."""

import gzip
import io
import random
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eyespot.edge.services import package_tar
from eyespot.edge.services.package_tar import members
from eyespot.kernel.errors import EyespotError, Kind

PART = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=1, max_size=60).filter(
    lambda part: part.isprintable() and "/" not in part and part not in (".", "..")
)
NAME = st.lists(PART, min_size=1, max_size=3).map("/".join).filter(lambda name: len(name.encode()) <= 400)


def packed(*files: tuple[str, bytes], format_: int = tarfile.PAX_FORMAT) -> bytes:
    """As `eyespot app build` makes them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format_) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755 if content else 0o644
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()


def odd(name: str, kind: bytes, **more: object) -> bytes:
    """A package with one member of another type."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.type = kind
        for key, value in more.items():
            setattr(member, key, value)
        archive.addfile(member)
    return made.getvalue()


def read(package: bytes) -> dict[str, tuple[bytes, bool]]:
    return {one.name: (b"".join(one.content), one.is_executable) for one in members(io.BytesIO(package))}


def patched(package: bytes, at: int, field: bytes) -> bytes:
    """The first header with another field and the checksum that fits it."""
    header = bytearray(package[:512])
    header[at : at + len(field)] = field
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + package[512:]


@given(st.dictionaries(NAME, st.binary(max_size=1500), max_size=5))
@example({"ä" * 150: b"x", "a" * 90 + "/" + "b" * 99: b"y", "c" * 255: b""})
def test_what_was_packed_is_read(files: dict[str, bytes]) -> None:
    folders = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
    files = {name: content for name, content in files.items() if name not in folders}
    assert read(packed(*files.items())) == {name: (content, bool(content)) for name, content in files.items()}


@given(st.integers(0, 4 * 512 - 1), st.integers(1, 255))
def test_a_damaged_byte_is_refused_or_is_content(at: int, change: int) -> None:
    package = bytearray(packed(("é" * 20, b"x" * 600))[: 10 * 512])
    package[at] ^= change
    try:
        found = read(bytes(package))
    except EyespotError:
        return
    ((name, (content, _)),) = found.items()
    assert len(content) == 600
    assert ".." not in name.split("/")


@given(st.binary(max_size=4096))
def test_anything_else_is_refused(noise: bytes) -> None:
    with pytest.raises(EyespotError):
        read(noise + b"\1")


HOSTILE: list[tuple[str, Callable[[], bytes], str]] = [
    ("up", lambda: packed(("../x", b"")), "out of its folder"),
    ("up within", lambda: packed(("a/../../x", b"")), "out of its folder"),
    ("absolute", lambda: packed(("/etc/x", b"")), "out of its folder"),
    ("dot", lambda: packed(("./x", b"")), "out of its folder"),
    ("nothing between", lambda: packed(("a//x", b"")), "out of its folder"),
    ("line break", lambda: packed(("a\nb", b"")), "no name for a file"),
    ("right to left", lambda: packed(("a\u202etxt.py", b"")), "no name for a file"),
    ("deep", lambda: packed(("/".join("a" * 18), b"")), "no name for a file"),
    ("twice", lambda: packed(("x", b"1"), ("x", b"2")), "twice"),
    ("file as folder", lambda: packed(("x", b"1"), ("x/y", b"2")), "twice"),
    ("folder as file", lambda: packed(("x/y", b"1"), ("x", b"2")), "twice"),
    ("symlink", lambda: odd("x", tarfile.SYMTYPE, linkname="/etc/passwd"), "a link, a folder or a device"),
    ("hard link", lambda: odd("x", tarfile.LNKTYPE, linkname="y"), "a link, a folder or a device"),
    ("device", lambda: odd("x", tarfile.CHRTYPE, devmajor=1, devminor=3), "a link, a folder or a device"),
    ("pipe", lambda: odd("x", tarfile.FIFOTYPE), "a link, a folder or a device"),
    ("folder", lambda: odd("x", tarfile.DIRTYPE), "a link, a folder or a device"),
    ("sparse", lambda: odd("x", tarfile.GNUTYPE_SPARSE), "a link, a folder or a device"),
    ("other header", lambda: odd("x", tarfile.REGTYPE, pax_headers={"GNU.sparse.size": "9"}), "something else"),
    ("long header", lambda: odd("x", tarfile.REGTYPE, pax_headers={"comment": "y" * 2000}), "too long"),
    ("GNU", lambda: packed(("x" * 200, b""), format_=tarfile.GNU_FORMAT), "no package"),
    ("compressed", lambda: gzip.compress(random.Random(1).randbytes(2000)), "compressed with gzip"),
    ("cut off", lambda: packed(("x", b"y" * 600))[:900], "ends in the middle"),
    ("without end", lambda: packed(("x", b"y"))[:1024], "ends in the middle"),
    ("more behind", lambda: packed(("x", b"y")) + packed(("x", b"z")), "behind its end"),
    ("base 256", lambda: patched(packed(("x", b"y")), 124, b"\x80" + bytes(10) + b"\1"), "does not parse"),
    ("negative", lambda: patched(packed(("x", b"y")), 124, b"-0000000001\0"), "does not parse"),
    ("empty", lambda: b"", "ends in the middle"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "why"), [each[1:] for each in HOSTILE], ids=[each[0] for each in HOSTILE])
def test_what_no_package_may_hold_is_refused(make: Callable[[], bytes], why: str) -> None:
    with pytest.raises(EyespotError, match=why) as raised:
        read(make())
    assert raised.value.kind is Kind.INVALID


def test_what_says_that_it_is_too_large_is_not_read() -> None:
    package = patched(packed(("x", b"y")), 124, b"77777777777\0")
    file = io.BytesIO(package)
    with pytest.raises(EyespotError) as raised:
        list(members(file))
    assert raised.value.kind is Kind.TOO_LARGE
    assert file.tell() == 512


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_tar, "MAX_FILES", 3)
    assert len(read(packed(*((str(n), b"") for n in range(3))))) == 3
    with pytest.raises(EyespotError) as raised:
        read(packed(*((str(n), b"") for n in range(4))))
    assert raised.value.kind is Kind.TOO_LARGE


def test_content_that_nobody_took_is_skipped() -> None:
    package = packed(("a", b"x" * 3000), ("b", b"y"))
    assert [one.name for one in members(io.BytesIO(package))] == ["a", "b"]
