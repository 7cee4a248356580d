"""A service in a thread of the platform itself, with an event loop of its own: for built-in services alone.

It finds the same sockets, storage and start as in a process of its own, and what it logs goes to its own log.
"""

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from eyespot.contracts.service import read_manifest
from eyespot.kernel.errors import EyespotError
from eyespot.sdk.place import Place, read_start
from eyespot.sdk.run import check_class, serve
from eyespot.sdk.service import Service

_LINE = logging.Formatter("%(levelname)s %(name)s: %(message)s")


def run_inside(
    target: str, code: Path, run: Path, scratch: Path, stop: threading.Event, tell: Callable[[str], None]
) -> int:
    """Run ``package.module:Class`` until ``stop``; returns its exit status. ``stop`` is set when it returns.

    Args:
        code: the folder of its manifest.
        run: the folder of its sockets and ``service.json``.
        tell: gets each line that it logs.
    """
    logs = _OfThread(threading.get_ident(), tell)
    logging.getLogger().addHandler(logs)
    try:
        place = Place(read_manifest(code), read_start(run), run, scratch)
        asyncio.run(_until(_find(target)(), place, stop))
    except EyespotError as error:
        tell(f"eyespot: {error}")
        return error.kind.value.exit_code
    finally:
        logging.getLogger().removeHandler(logs)
    return 0


def _find(target: str) -> type[Service]:
    module_name, _, class_name = target.partition(":")
    return check_class(getattr(importlib.import_module(module_name), class_name, None), target)


async def _until(service: Service, place: Place, stop: threading.Event) -> None:
    stopping = asyncio.Event()

    async def watch() -> None:
        await asyncio.to_thread(stop.wait)
        stopping.set()

    watching = asyncio.create_task(watch())
    try:
        await serve(service, place, stopping)
    finally:
        stop.set()  # else the thread that waits for it would hold up the end of the loop
        await watching


class _OfThread(logging.Handler):
    """Hands on what is logged in one thread."""

    def __init__(self, thread: int, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._thread, self._tell = thread, tell
        self.setFormatter(_LINE)

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            for line in self.format(record).splitlines():
                self._tell(line)
