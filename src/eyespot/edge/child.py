"""One child process: started with a death wish, restarted with back-off and a budget, stopped politely, then firmly."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eyespot.kernel.clock import NS_PER_S, Clock, from_seconds, seconds

log = logging.getLogger(__name__)

FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.25, 30.0
CALM_S = 60.0
"""A child that ran so long starts its next back-off from the beginning."""
BUDGET, BUDGET_WINDOW_S = 12, 300.0
"""More deaths than this in the window, and every further restart waits the longest back-off."""
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to start, and how long it may take to stop."""

    role: str
    command: Sequence[str]
    env: Mapping[str, str]
    stop_s: float = 10.0


@dataclass(slots=True)
class ChildState:
    """What is known of a child now."""

    state: str = "starting"
    pid: int | None = None
    started_ns: int = 0
    restarts: int = 0
    last_exit: int | None = None
    deaths_ns: list[int] = field(default_factory=list)


class Child:
    """Keeps one process running until told to stop.

    Args:
        on_death: called with the exit status (negative: signal) when it died unasked.
    """

    def __init__(self, spec: ChildSpec, clock: Clock, on_death: Callable[[str, int], None]) -> None:
        self.spec = spec
        self.now = ChildState()
        self._clock = clock
        self._on_death = on_death
        self._process: asyncio.subprocess.Process | None = None
        self._backoff_s = FIRST_BACKOFF_S
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Start, and start again after every death, until ``stop``."""
        while not self._stopping.is_set():
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self.spec.command,
                    env=dict(self.spec.env),
                    stdin=asyncio.subprocess.DEVNULL,
                    preexec_fn=_die_with(os.getpid()),
                )
            except OSError as error:
                log.error("%s cannot be started: %s", self.spec.role, error)
                self._on_death(self.spec.role, 127)
            else:
                self.now.pid, self.now.state = self._process.pid, "running"
                self.now.started_ns = self._clock.monotonic_ns()
                if self._stopping.is_set():
                    self.restart()  # told to stop while it was being made: it goes at once
                code = await self._process.wait()
                self.now.pid, self.now.last_exit = None, code
                if self._stopping.is_set():
                    break
                log.error("%s died (%s)", self.spec.role, exit_text(code))
                self._on_death(self.spec.role, code)
            self.now.state = "restarting"
            await self._rest()
            self.now.restarts += 1
        self.now.state = "stopped"

    async def stop(self) -> None:
        """Ask it to end; kill it when it has not within ``stop_s``. Returns when it is gone."""
        self._stopping.set()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_s)
        except TimeoutError:
            log.warning("%s did not end within %.0f s and is killed", self.spec.role, self.spec.stop_s)
            self.kill()
            await process.wait()

    def kill(self) -> None:
        """End it at once; it is started again unless ``stop`` was called."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    def restart(self) -> None:
        """Ask it to end in order; it is started again unless ``stop`` was called."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def reload(self) -> None:
        """Tell it to read its configuration anew (SIGHUP); only for a program that is known to be ready for that."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGHUP)

    def status(self) -> dict[str, Any]:
        """State, pid, restarts, uptime and memory."""
        now = self.now
        return {
            "role": self.spec.role,
            "state": now.state,
            "pid": now.pid,
            "restarts": now.restarts,
            "last_exit": None if now.last_exit is None else exit_text(now.last_exit),
            "uptime_s": round(seconds(self._clock.monotonic_ns() - now.started_ns), 1) if now.pid else 0.0,
            "rss_bytes": rss_bytes(now.pid) if now.pid else 0,
        }

    async def _rest(self) -> None:
        now_ns = self._clock.monotonic_ns()
        if now_ns - self.now.started_ns > from_seconds(CALM_S):
            self._backoff_s = FIRST_BACKOFF_S
        recent = [at for at in self.now.deaths_ns if now_ns - at < BUDGET_WINDOW_S * NS_PER_S]
        self.now.deaths_ns = [*recent, now_ns]
        spent = len(self.now.deaths_ns) > BUDGET
        rest_s = LAST_BACKOFF_S if spent else self._backoff_s
        self._backoff_s = min(LAST_BACKOFF_S, self._backoff_s * 2)
        waits = [asyncio.ensure_future(self._stopping.wait()), asyncio.ensure_future(self._clock.sleep(rest_s))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def exit_text(code: int) -> str:
    """An exit status in words: ``signal KILL`` or ``status 1``."""
    if code >= 0:
        return f"status {code}"
    try:
        return f"signal {signal.Signals(-code).name.removeprefix('SIG')}"
    except ValueError:
        return f"signal {-code}"


def rss_bytes(pid: int) -> int:
    """Resident memory of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _die_with(parent: int) -> Callable[[], None]:
    def wish() -> None:
        """In the child before exec: a session of its own (Ctrl-C goes to the supervisor alone), TERM when orphaned."""
        os.setsid()
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return wish
