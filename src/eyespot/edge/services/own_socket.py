"""A socket that belongs to one service, in its own folder: made, and reachable by the service's user."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from eyespot.contracts.frames_door import Grant
from eyespot.kernel.socket_path import reachable

log = logging.getLogger(__name__)

LAST_WORDS_S = 1.0
"""How long what was sent before the end may take to be read."""
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


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection; one that does not read what was sent is not waited for, and nothing of it is kept."""
    try:
        writer.close()
        async with asyncio.timeout(LAST_WORDS_S):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        log.debug("a connection was not read to its end")
    finally:
        writer.transport.abort()


def _let_reach(path: Path, uid: int) -> None:
    """Let ``uid`` connect; who does is checked at each connection."""
    path.chmod(0o600)
    if uid != os.geteuid():
        try:
            os.chown(path, uid, -1)
        except PermissionError:  # not root: the mode lets others near, the kernel tells who they are
            path.chmod(0o666)
