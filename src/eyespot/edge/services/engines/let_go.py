"""Letting go of a child process whose pipes somebody else may hold open.

asyncio closes the pipes of a child when their other ends are closed. A grandchild that lives on (what bubblewrap or
podman has started) keeps them open: then neither ``communicate`` nor ``wait`` ends, and an event loop that is closed
leaves them behind.
"""

import asyncio
import contextlib

_MOST_BYTES, _PATIENCE_S = 4096, 1.0


async def let_go(process: asyncio.subprocess.Process) -> None:
    """Kill ``process`` where it still runs, close our ends of its pipes, and wait for its own end alone."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process._transport.close()  # type: ignore[attr-defined]  # asyncio closes pipes that others hold in no public way
    await process.wait()


async def last_words(process: asyncio.subprocess.Process, output: asyncio.StreamReader) -> str:
    """The last 300 characters or less that a child said which is of no use any more; it is killed, its pipes stay.

    Their end is not waited for: a child of it that still waits may hold them.
    """
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    said = b""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_S):
            while len(said) < _MOST_BYTES and (more := await output.read(_MOST_BYTES)):
                said += more
    return said.decode(errors="replace").strip()[-300:]
