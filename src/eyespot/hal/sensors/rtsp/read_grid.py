"""A grid of moments at which all connections of an event loop read: one timer for any number of cameras."""

import asyncio
import math
from collections.abc import Callable
from weakref import WeakKeyDictionary


class ReadGrid:
    """Calls every member once a tick while there are members. One that raises is called no more, and reported."""

    def __init__(self, loop: asyncio.AbstractEventLoop, every_s: float) -> None:
        self._loop = loop
        self._every_s = every_s
        self._members: dict[Callable[[], None], None] = {}
        self._handle: asyncio.TimerHandle | None = None

    def join(self, member: Callable[[], None]) -> None:
        """Call ``member`` from the next tick on."""
        self._members[member] = None
        if self._handle is None:
            self._schedule()

    def leave(self, member: Callable[[], None]) -> None:
        """Call ``member`` no more."""
        self._members.pop(member, None)

    def _schedule(self) -> None:
        tick = math.floor(self._loop.time() / self._every_s) + 1
        self._handle = self._loop.call_at(tick * self._every_s, self._run)

    def _run(self) -> None:
        self._handle = None
        if not self._members:
            return
        self._schedule()
        for member in list(self._members):
            try:
                member()
            except Exception as error:  # noqa: BLE001 - a mistake in reading one camera must not stop the others
                self.leave(member)
                self._loop.call_exception_handler({"message": "A camera's read failed.", "exception": error})


_grids: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[float, ReadGrid]]" = WeakKeyDictionary()


def read_grid(every_s: float) -> ReadGrid:
    """The running loop's grid of this width."""
    loop = asyncio.get_running_loop()
    of_loop = _grids.setdefault(loop, {})
    if every_s not in of_loop:
        of_loop[every_s] = ReadGrid(loop, every_s)
    return of_loop[every_s]
