"""A socket that belongs to one service, in its own folder: made, reachable by the service's user, its callers kept."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from eyespot.contracts.frames_door import Grant
from eyespot.kernel.socket_path import let_reach, reachable

log = logging.getLogger(__name__)

LAST_WORDS_S = 1.0
"""How long what was sent before the end may take to be read."""
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class OwnSocket:
    """Listens at a grant's socket from ``open`` to ``close``; each connection is a task.

    Args:
        talk: serves one connection. It checks who calls, bounds how many there are, and hangs up.
        limit_bytes: what a connection's reader holds before the other side has to wait.
    """

    def __init__(self, grant: Grant, talk: Talk, limit_bytes: int) -> None:
        self._grant, self._talk, self._limit_bytes = grant, talk, limit_bytes
        self._open: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._open)

    async def open(self) -> None:
        """Listen; a socket left by an earlier life is replaced."""
        path = self._grant.socket
        path.unlink(missing_ok=True)
        with reachable(path) as short:
            self._listener = await asyncio.start_unix_server(self.accept, short, limit=self._limit_bytes)
        let_reach(path, self._grant.uid)

    async def close(self) -> None:
        """Hang up and take the socket away."""
        if self._listener is not None:
            self._listener.close()
            self._grant.socket.unlink(missing_ok=True)
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection, as the listener does for each."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        task.add_done_callback(lambda _: writer.transport.abort())  # one cancelled before it began does not hang up

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._talk(reader, writer)


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
