"""A service as one file for carrying: a tar that is the same, byte for byte, wherever and whenever it is made.

Names are sorted; owner, group and times are 0; of the mode only whether it is executable is kept. It is not compressed,
because compressors of different versions differ.
"""

import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eyespot.contracts.service import read_manifest
from eyespot.edge.services.digest import MAX_BYTES, MAX_FILES
from eyespot.edge.services.package_file import SUFFIX
from eyespot.edge.services.package_tar import members
from eyespot.kernel.errors import EyespotError, Kind, invalid

IMAGE_SUFFIX = ".oci.tar"
"""Images lie beside packages; neither is packed."""
_SKIPPED = {"__pycache__", ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


@dataclass(frozen=True, slots=True)
class Package:
    """What was made.

    Attributes:
        digest: SHA-256 of the file, hex.
    """

    path: Path
    digest: str
    files: int
    size_bytes: int


def build(folder: Path, into: Path) -> Package:
    """Pack the service in ``folder`` into ``into`` as ``<name>-<version>.eyespot-app``, replacing an older one.

    Raises:
        EyespotError: ``INVALID`` for a bad manifest, a link or a device among the files; ``TOO_LARGE``;
            ``UNAVAILABLE`` when something cannot be read or written.
    """
    service = read_manifest(folder).service
    target = into / f"{service.name}-{service.version}{SUFFIX}"
    draft = target.with_name(f".{target.name}.new")
    try:
        names = sorted(_names(folder, ""))
        into.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            _fill(archive, folder, names)
        with draft.open("rb") as written:
            for _ in members(written):  # what could not be installed is not packed
                pass
            written.seek(0)
            digest = hashlib.file_digest(written, "sha256").hexdigest()
        draft.replace(target)
    except OSError as error:
        raise EyespotError(
            Kind.UNAVAILABLE, f"{folder} cannot be packed: {error}.", "Look at the folder's owner, mode and free space."
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return Package(target, digest, len(names), target.stat().st_size)


def _fill(archive: tarfile.TarFile, folder: Path, names: list[str]) -> None:
    total = 0
    for name in names:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(MAX_BYTES - total + 1)
            is_executable = os.fstat(file.fileno()).st_mode & 0o100
        total += len(data)
        if total > MAX_BYTES:
            raise _too_large(folder)
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o755 if is_executable else 0o644
        archive.addfile(member, io.BytesIO(data))


def _names(folder: Path, prefix: str) -> Iterator[str]:
    found = 0
    for entry in sorted(os.scandir(folder / prefix), key=lambda one: one.name):
        if entry.name in _SKIPPED or entry.name.removesuffix(".new").endswith((SUFFIX, IMAGE_SUFFIX)):
            continue
        name = f"{prefix}{entry.name}"
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            below = list(_names(folder, f"{name}/"))
        elif stat.S_ISREG(mode):
            below = [name]
        else:
            raise invalid(f"'{name[:80]}' is a link or a device.", "Put plain files there.")
        found += len(below)
        if found > MAX_FILES:
            raise _too_large(folder)
        yield from below


def _too_large(folder: Path) -> EyespotError:
    return EyespotError(
        Kind.TOO_LARGE, f"{folder} holds more than {MAX_FILES} files or {MAX_BYTES >> 20} MB.", "Make it smaller."
    )
