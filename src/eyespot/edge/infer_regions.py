"""The system-shared-memory extension: regions that a guest registers, and reading and writing them.

A region's key names a POSIX shared memory object of the guest's. To name it is a privilege: it must begin with
``eyespot-guest-``, so that no guest reaches another program's memory, and regions belong to the guest that registered
them. Objects are read and written, never mapped: a guest that cuts one short gets an error, not the process a SIGBUS.
Specification: Triton Inference Server, "Shared-Memory Extension".
"""

import os
import re
import stat
import threading
from dataclasses import dataclass
from typing import Any

from eyespot.edge.infer_tensors import MAX_TENSOR_BYTES
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found

PREFIX = "eyespot-guest-"
FOLDER = "/dev/shm"
MAX_REGIONS = 64
MAX_REGION_BYTES = 1 << 28
_KEY = re.compile(r"/?(eyespot-guest-[A-Za-z0-9._-]{1,200})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,254}")


@dataclass(frozen=True, slots=True)
class Region:
    """A registered part of a shared memory object; ``descriptor`` is held open until it is unregistered."""

    name: str
    key: str
    offset: int
    byte_size: int
    descriptor: int


class Regions:
    """All guests' regions. Thread-safe."""

    def __init__(self, folder: str = FOLDER) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._regions: dict[tuple[str, str], Region] = {}

    def register(self, guest: str, name: str, key: str, offset: int, byte_size: int) -> None:
        """Open the object ``key`` for ``guest``; raises ``INVALID``, ``NOT_FOUND``, ``CONFLICT``, ``EXHAUSTED``."""
        found = _KEY.fullmatch(key)
        if not _NAME.fullmatch(name) or found is None:
            raise invalid(
                f"Shared memory key {key[:64]!r} or region name {name[:64]!r} is not allowed.",
                f"The key begins with {PREFIX} and, like the name, goes on with letters, digits, . _ and -.",
            )
        if offset < 0 or not 0 < byte_size <= MAX_REGION_BYTES:
            raise invalid(f"A region has 1 to {MAX_REGION_BYTES} bytes and begins at 0 or later.")
        with self._lock:
            if (guest, name) in self._regions:
                raise EyespotError(Kind.CONFLICT, f"Shared memory region '{name}' is registered already.")
            if len(self._regions) >= MAX_REGIONS:
                raise EyespotError(Kind.EXHAUSTED, f"{MAX_REGIONS} shared memory regions are registered already.")
            descriptor = self._open(found.group(1), offset + byte_size)
            self._regions[guest, name] = Region(name, key, offset, byte_size, descriptor)

    def unregister(self, guest: str, name: str = "") -> None:
        """Forget one region of the guest's, or all of them; one that is not there is no error."""
        with self._lock:
            for owner, region in list(self._regions):
                if owner == guest and name in ("", region):
                    os.close(self._regions.pop((owner, region)).descriptor)

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            for region in self._regions.values():
                os.close(region.descriptor)
            self._regions.clear()

    def status(self, guest: str, name: str = "") -> list[dict[str, Any]]:
        """The guest's regions as the protocol shows them; raises ``NOT_FOUND`` for one that is not there."""
        with self._lock:
            mine = [item for (owner, _), item in self._regions.items() if owner == guest and name in ("", item.name)]
        if name and not mine:
            raise _unknown(name)
        return [
            {"name": item.name, "key": item.key, "offset": item.offset, "byte_size": item.byte_size} for item in mine
        ]

    def read(self, guest: str, name: str, offset: int, byte_size: int) -> bytes:
        """A copy of part of a region; raises ``NOT_FOUND``, ``INVALID``."""
        with self._lock:
            region = self._inside(guest, name, offset, byte_size)
            data = os.pread(region.descriptor, byte_size, region.offset + offset)
        if len(data) != byte_size:
            raise invalid(f"Shared memory region '{name}' is shorter than was registered.")
        return data

    def write(self, guest: str, name: str, offset: int, byte_size: int, data: bytes) -> None:
        """Write ``data`` into part of a region that holds ``byte_size``; raises ``NOT_FOUND``, ``INVALID``."""
        if len(data) > byte_size:
            raise invalid(f"{len(data)} bytes of output do not fit the {byte_size} given in region '{name}'.")
        with self._lock:
            region = self._inside(guest, name, offset, byte_size)
            begin = region.offset + offset
            if os.fstat(region.descriptor).st_size < begin + len(data):
                raise invalid(f"Shared memory region '{name}' is shorter than was registered.")
            os.pwrite(region.descriptor, data, begin)

    def _inside(self, guest: str, name: str, offset: int, byte_size: int) -> Region:
        region = self._regions.get((guest, name))
        if region is None:
            raise _unknown(name)
        if offset < 0 or not 0 < byte_size <= MAX_TENSOR_BYTES or offset + byte_size > region.byte_size:
            raise invalid(f"{byte_size} bytes at {offset} do not lie in shared memory region '{name}'.")
        return region

    def _open(self, file_name: str, least_bytes: int) -> int:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(f"{self._folder}/{file_name}", flags)
        except OSError as error:
            raise not_found(f"Shared memory '{file_name}' cannot be opened: {error.strerror}.") from error
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size < least_bytes:
            os.close(descriptor)
            raise invalid(
                f"Shared memory '{file_name}' has {about.st_size} bytes; {least_bytes} were to be registered."
            )
        return descriptor


def _unknown(name: str) -> EyespotError:
    return not_found(f"There is no shared memory region {name[:64]!r}.", "Register it first.")
