"""A file that anybody may have sent, as it is opened and read before anything in it is believed."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from eyespot.edge.services.package_tar import Reader
from eyespot.kernel.errors import invalid


@contextmanager
def sent_file(path: Path) -> Iterator[BinaryIO]:
    """The plain file at ``path``, opened without waiting; raises ``INVALID`` for anything else, ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise invalid(f"{path} is no file.", "Name a folder, a package or an image archive.")
        yield file


class Hashed:
    """A file of which everything that is read is hashed."""

    def __init__(self, file: Reader) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, fewer only at the end."""
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        """SHA-256 (hex) of what was read so far."""
        return self._hash.hexdigest()
