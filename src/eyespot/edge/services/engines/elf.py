"""Which shared libraries programs of this host need, for putting them into an image."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from eyespot.kernel.errors import unavailable

_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)")


def libraries_of(files: Sequence[Path]) -> list[Path]:
    """Absolute paths of all libraries and loaders that ``files`` (trusted: the loader runs) name, themselves left out.

    Raises ``UNAVAILABLE`` without ``ldd``.
    """
    try:
        done = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise unavailable("ldd cannot be found.", "Install it (Debian package libc-bin).") from error
    return [Path(name) for name in dict.fromkeys(_LIBRARY.findall(done.stdout))]
