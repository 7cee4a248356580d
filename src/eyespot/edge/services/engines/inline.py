"""The inline engine: a trusted service in a thread of this process. It confines nothing, and says so.

For built-in services alone, where a process of their own would cost more than they do. A thread cannot be killed: one
that does not end when asked ends with the process that hosts it.
"""

import asyncio
import os
import threading
import time
import traceback
from collections.abc import Mapping

from eyespot.edge.services.engines.confined import namespace_of
from eyespot.edge.services.engines.contract import (
    Availability,
    Breach,
    Ended,
    Entry,
    Identity,
    InlineContext,
    KernelRefusals,
    Launch,
    Usage,
)
from eyespot.edge.services.engines.launch_check import check
from eyespot.edge.services.engines.log_tail import LogTail
from eyespot.edge.services.engines.scratch import FOLDER
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, invalid, unavailable

KILL_S = 1.0
"""How long a thread may take to end that in another engine would be killed."""


class InlineEngine:
    """Runs ``Launch.entry`` in a thread."""

    name = "inline"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started: dict[str, InlineRunning] = {}

    async def available(self) -> Availability:
        """Always."""
        return Availability(True, "Trusted services run in a thread of this process; nothing confines them.")

    async def start(self, launch: Launch) -> "InlineRunning":
        """See ``contract.Engine``; raises ``INVALID`` without an ``entry``, ``UNAVAILABLE`` while one of the same
        name that was to end has not.
        """
        check(launch)
        if launch.entry is None:
            raise invalid(f"{launch.name} is not a built-in service.", 'Run it with host = "process" or "container".')
        before = self._started.get(launch.name)
        if before is not None and before.is_alive:
            raise _does_not_end(launch.name)
        storage = launch.scratch / FOLDER
        storage.mkdir(mode=0o700, parents=True, exist_ok=True)
        logs = LogTail(launch.budget.log_kb_per_min, self._clock)
        loop = asyncio.get_running_loop()
        stop = threading.Event()

        def log(line: str) -> None:
            loop.call_soon_threadsafe(logs.feed, line.encode() + b"\n")

        context = InlineContext(launch.code, storage, launch.run, dict(launch.env), stop, log)
        self._started[launch.name] = InlineRunning(launch.name, launch.entry, context, logs)
        return self._started[launch.name]

    def close(self) -> None:
        """See ``contract.Engine``; there is nothing to give back."""


class InlineRunning:
    """A ``Running`` over a thread. No budget but the log's is enforced."""

    enforced: Mapping[str, str] = {}

    def __init__(self, name: str, entry: Entry, context: InlineContext, logs: LogTail) -> None:
        self.identity = Identity(os.getpid(), os.geteuid(), namespace_of(os.getpid()))
        self.logs = logs
        self._name = name
        self._stop = context.stop
        self._ended: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()
        self._thread = threading.Thread(target=self._run, args=(entry, context), name=f"service-{name}", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return not self._ended.done()

    def usage(self) -> Usage:
        """Processor time of its thread; memory is the host's."""
        ident = self._thread.ident
        if ident is None or not self.is_alive or not self._thread.is_alive():  # it may be told before it is gone
            return Usage(0.0, 0, 0)
        return Usage(time.clock_gettime(time.pthread_getcpuclockid(ident)), 0, 1)

    def breaches(self) -> dict[Breach, int]:
        """See ``contract.Running``."""
        return {"log": self.logs.dropped_bytes} if self.logs.dropped_bytes else {}

    def refusals(self) -> KernelRefusals:
        """See ``contract.Running``: no filter holds it, so nothing is refused."""
        return KernelRefusals(told=True)

    async def wait(self) -> Ended:
        """See ``contract.Running``."""
        return await asyncio.shield(self._ended)

    async def stop(self, grace_s: float) -> Ended:
        """Ask it to end; raises ``UNAVAILABLE`` when it has not after ``grace_s``."""
        self._stop.set()
        try:
            return await asyncio.wait_for(self.wait(), grace_s)
        except TimeoutError as error:
            raise _does_not_end(self._name) from error

    async def kill(self) -> Ended:
        """As ``stop``, with little patience."""
        return await self.stop(KILL_S)

    def _run(self, entry: Entry, context: InlineContext) -> None:
        loop = self._ended.get_loop()
        try:
            status = entry(context)
        except BaseException:  # noqa: BLE001 - the service's failure, of whatever kind, is its exit status, not the host's
            for line in traceback.format_exc().splitlines():
                context.log(line)
            status = 1
        loop.call_soon_threadsafe(self._end, status)

    def _end(self, status: int) -> None:
        if not self._ended.done():
            self._ended.set_result(Ended(status))


def _does_not_end(name: str) -> EyespotError:
    what = f"The inline service {name} does not end, and a thread cannot be killed."
    return unavailable(what, "Restart the host, or let it run as a process.")
