"""The few things the room does to disks, in one place, so that a test can stand a failing disk in for the real one."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_MAX_BUFFERS = 1000  # below IOV_MAX, which is 1024 on Linux


class Files:
    """The real file system. Every call may raise ``OSError`` and may block."""

    def create(self, path: Path) -> int:
        """Make a new file, with its folders, and return its descriptor; ``FileExistsError`` when it is there."""
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)

    def append(self, descriptor: int, parts: Sequence[bytes]) -> int:
        """Write all ``parts`` one behind the other; returns the bytes written."""
        total = 0
        for start in range(0, len(parts), _MAX_BUFFERS):
            total += _write_all(descriptor, parts[start : start + _MAX_BUFFERS])
        return total

    def sync(self, descriptor: int) -> None:
        """Force written data to the disk."""
        os.fdatasync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        """Force the names in ``folder`` to the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut the file to ``size_bytes`` and go on writing there."""
        os.ftruncate(descriptor, size_bytes)
        os.lseek(descriptor, size_bytes, os.SEEK_SET)

    def close(self, descriptor: int) -> None:
        """Give the descriptor back."""
        os.close(descriptor)

    def delete(self, path: Path) -> None:
        """Remove a file, and its day's folder when that was the last in it; a missing file is fine."""
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # not empty: the usual case
            path.parent.rmdir()

    def copy(self, source: Path, target: Path) -> int:
        """Copy a file and force it to the disk under its final name; returns its bytes. Nothing stays on failure."""
        part = target.with_name(target.name + ".part")
        part.unlink(missing_ok=True)
        target_fd = self.create(part)
        try:
            with source.open("rb") as stream:
                total = 0
                while chunk := stream.read(1 << 20):
                    total += self.append(target_fd, [chunk])
            os.fsync(target_fd)
            os.replace(part, target)
            self.sync_folder(target.parent)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        finally:
            self.close(target_fd)
        return total

    def free_bytes(self, folder: Path) -> int:
        """Bytes an ordinary user can still write on the disk of ``folder``."""
        facts = os.statvfs(folder)
        return facts.f_bavail * facts.f_frsize


def _write_all(descriptor: int, parts: Sequence[bytes]) -> int:
    total = sum([len(part) for part in parts])
    written = os.writev(descriptor, parts)
    if written < total:  # a signal or a nearly full disk: the rest goes in one piece
        rest = memoryview(b"".join(parts))[written:]
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    return total
