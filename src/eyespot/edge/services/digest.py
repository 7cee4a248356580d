"""A service's folder as something that can be trusted to stay what it was: copied with care, and named by its digest.

Links, devices, pipes, names that leave the folder and set-id bits are refused, and there are bounds on everything.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from eyespot.kernel.errors import EyespotError, Kind, invalid

MAX_FILES, MAX_BYTES, MAX_DEPTH = 4096, 256 << 20, 16
_SKIPPED = {"__pycache__", ".git"}
_READ_BYTES = 1 << 20


def digest_of(folder: Path) -> str:
    """SHA-256 (hex) over names, executable bits and contents; raises ``INVALID`` on what no service may hold."""
    whole = hashlib.sha256(b"eyespot service folder 1\n")
    for name, path in _files(folder):
        with _opened(path) as file:
            mode = os.fstat(file.fileno()).st_mode
            content = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{content} {'x' if mode & 0o100 else '-'} {name}\n".encode())
    return whole.hexdigest()


def copy_folder(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` (new), read-only; raises ``INVALID`` on what no service may hold."""
    target.mkdir(mode=0o755)
    total = 0
    for name, path in _files(source):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with _opened(path) as file:
            mode = 0o555 if os.fstat(file.fileno()).st_mode & 0o100 else 0o444
            descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as copy:
                while data := file.read(_READ_BYTES):
                    total += len(data)
                    if total > MAX_BYTES:
                        raise _too_large(source)
                    copy.write(data)
                copy.flush()
                os.fsync(copy.fileno())
    for folder in (path for path in (target, *target.rglob("*")) if path.is_dir()):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Names in ``folder`` survive a power cut from now on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file with its name below ``folder``, in an order that depends on names alone."""
    total = 0
    for count, (name, path) in enumerate(sorted(_walk(folder, "", 0)), 1):
        total += path.lstat().st_size
        if count > MAX_FILES or total > MAX_BYTES:
            raise _too_large(folder)
        yield name, path


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    if depth > MAX_DEPTH:
        raise invalid(f"'{prefix[:80]}' lies deeper than {MAX_DEPTH} folders.", "Make it flatter.")
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count > MAX_FILES:
                raise _too_large(folder)
            if entry.name in _SKIPPED:
                continue
            name = f"{prefix}{entry.name}"
            mode = entry.stat(follow_symlinks=False).st_mode
            if not entry.name.isprintable() or len(name.encode("utf-8", "surrogateescape")) > 400:
                raise invalid("A file has a name that cannot be printed or is too long.", "Rename it.")
            if stat.S_ISDIR(mode):
                yield from _walk(Path(entry.path), f"{name}/", depth + 1)
            elif stat.S_ISREG(mode) and not mode & (stat.S_ISUID | stat.S_ISGID):
                yield name, Path(entry.path)
            else:
                raise invalid(f"'{name[:80]}' is a link, a device or runs as another.", "Put plain files there.")


def _opened(path: Path) -> BufferedReader:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise invalid(f"'{path.name[:80]}' is no plain file any more.", "Leave the folder alone while it is installed.")
    return os.fdopen(descriptor, "rb")


def _too_large(folder: Path) -> EyespotError:
    return EyespotError(
        Kind.TOO_LARGE, f"{folder.name} holds more than {MAX_FILES} files or {MAX_BYTES >> 20} MB.", "Make it smaller."
    )
