"""Unix sockets in folders whose path is longer than a socket address holds, and who can reach them."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

MAX_ADDRESS_BYTES = 107


@contextlib.contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A name for ``path`` that fits into a socket address (107 bytes), however deep the folder is; valid inside."""
    if len(os.fsencode(path)) <= MAX_ADDRESS_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def let_reach(path: Path, uid: int) -> None:
    """Let the user ``uid`` connect to the socket at ``path``. A convenience: whoever listens checks each caller."""
    path.chmod(0o600)
    if uid != os.geteuid():
        try:
            os.chown(path, uid, -1)
        except PermissionError:  # not root: the mode lets others near, the kernel tells who they are
            path.chmod(0o666)
