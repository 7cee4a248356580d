"""A socket that belongs to one service, in its own folder: made, and reachable by the service's user."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from eyespot.contracts.frames_door import Grant
from eyespot.kernel.socket_path import reachable

Accept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


async def listen(grant: Grant, accept: Accept, limit_bytes: int) -> asyncio.Server:
    """Listen at the grant's socket; one left by an earlier life is replaced. Who connects is for ``accept`` to check.

    Args:
        limit_bytes: what a connection's reader holds before the other side has to wait.
    """
    path = grant.socket
    path.unlink(missing_ok=True)
    with reachable(path) as short:
        server = await asyncio.start_unix_server(accept, short, limit=limit_bytes)
    _let_reach(path, grant.uid)
    return server


def _let_reach(path: Path, uid: int) -> None:
    """Let ``uid`` connect; who does is checked at each connection."""
    path.chmod(0o600)
    if uid != os.geteuid():
        try:
            os.chown(path, uid, -1)
        except PermissionError:  # not root: the mode lets others near, the kernel tells who they are
            path.chmod(0o666)
