"""A package (one ``.eyespot-app`` file) as the folder that it is the carrying form of."""

import os
from pathlib import Path

from eyespot.edge.services.digest import MAX_BYTES, MAX_FILES
from eyespot.edge.services.package_tar import BLOCK, MAX_END_BYTES, MAX_PAX_BYTES, members
from eyespot.edge.services.sent_file import Hashed, sent_file
from eyespot.kernel.errors import EyespotError, Kind

SUFFIX = ".eyespot-app"
MAX_PACKAGE_BYTES = MAX_BYTES + MAX_FILES * (4 * BLOCK + MAX_PAX_BYTES) + MAX_END_BYTES
"""No package is larger; who takes one from elsewhere need not read further."""


def unpack(package: Path, folder: Path) -> str:
    """Write the files of ``package`` to ``folder`` (new, 0700) and return the SHA-256 (hex) of the package.

    Raises:
        EyespotError: as ``package_tar.members``, and ``UNAVAILABLE`` when something cannot be read or written. What is
            in ``folder`` by then is to be thrown away.
    """
    try:
        folder.mkdir(mode=0o700)
        with sent_file(package) as file:
            hashed = Hashed(file)
            for member in members(hashed):
                place = folder / member.name
                place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                mode = 0o755 if member.is_executable else 0o644
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                with os.fdopen(os.open(place, flags, mode), "wb") as target:
                    for piece in member.content:
                        target.write(piece)
            return hashed.digest()
    except OSError as error:
        raise EyespotError(
            Kind.UNAVAILABLE, f"{package} cannot be unpacked: {error.strerror}.", "Look at its mode and the free space."
        ) from error
