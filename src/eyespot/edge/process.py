"""What every child process of the host does alike: arguments, logging, event loop, signals, bus, status reports."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.bus import nats, subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.status import Role, StatusMessage
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.config_file import load_config
from eyespot.edge.layout import StateLayout
from eyespot.kernel.clock import Clock, SystemClock, seconds
from eyespot.kernel.errors import EyespotError
from eyespot.kernel.log import setup_logging

log = logging.getLogger(__name__)

STATUS_EVERY_S = 2.0
CONFIG_LOOK_S = 10.0
"""The config file is looked at this often even when nobody says that it changed."""


@dataclass(slots=True)
class HostProcess:
    """What a child process has at hand; ``config`` is what was applied last."""

    role: Role
    config_path: Path
    layout: StateLayout
    config: CameraHostConfig
    bus: Bus
    clock: Clock


Work = Callable[[HostProcess, asyncio.Event], Awaitable[None]]


def run_process(role: Role, work: Work) -> int:
    """Run ``work`` as the process ``role`` of a host until SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog=f"eyespot {role}")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    setup_logging(role, verbose=arguments.verbose)
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(_main(role, arguments.config, arguments.state, work))
    except EyespotError as error:
        log.error("%s", error)
        return error.kind.value.exit_code
    return 0


async def _main(role: Role, config_path: Path, state: Path, work: Work) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    layout = StateLayout.of(state)
    bus = await nats.connect(layout.run_dir, role)
    try:
        process = HostProcess(role, config_path, layout, load_config(config_path), bus, SystemClock())
        await work(process, stop)
    finally:
        await bus.close()


def settle_memory() -> None:
    """Called once a process has imported and built what it needs: the collector need not look at that again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)  # what is made for a frame dies by its reference count; cycles are rare


class StatusReporter:
    """A service that publishes the process's status every two seconds, and once more at the end.

    Args:
        totals, cameras: called for each report; cheap.
    """

    name = "status"

    def __init__(
        self,
        process: HostProcess,
        totals: Callable[[], dict[str, Any]],
        cameras: Callable[[], dict[str, dict[str, Any]]],
    ) -> None:
        self._process = process
        self._totals = totals
        self._cameras = cameras
        self._begin_ns = process.clock.monotonic_ns()

    async def run(self, stop: asyncio.Event) -> None:
        """Report until ``stop``."""
        while not stop.is_set():
            await self.report()
            try:
                await asyncio.wait_for(stop.wait(), STATUS_EVERY_S)
            except TimeoutError:
                continue

    async def report(self) -> None:
        """Publish one report now."""
        clock = self._process.clock
        message = StatusMessage(
            role=self._process.role,
            pid=os.getpid(),
            wall_ns=clock.wall_ns(),
            uptime_s=round(seconds(clock.monotonic_ns() - self._begin_ns), 1),
            totals=self._totals(),
            cameras=self._cameras(),
        )
        await self._process.bus.publish(subjects.status(self._process.role), message.model_dump_json().encode())

    def status(self) -> dict[str, Any]:
        return {}


async def follow_config(process: HostProcess, apply: Callable[[CameraHostConfig], Awaitable[None]]) -> None:
    """Call ``apply`` with the new settings each time the file was changed to something valid and different, for ever.

    A word on the bus says when; as words may be lost, the file's stamp is looked at every ten seconds too. What could
    not be applied is tried again then.
    """
    told = asyncio.Event()
    told.set()  # it may have changed since the process read it
    listening = asyncio.create_task(_hear_of_config(process.bus, told))
    stamp: object = None
    try:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), CONFIG_LOOK_S)
            told.clear()
            now = _stamp(process.config_path)
            if now != stamp and await _take_config(process, apply):
                stamp = now
    finally:
        listening.cancel()


async def _hear_of_config(bus: Bus, told: asyncio.Event) -> None:
    async for _ in bus.subscribe(subjects.config_changed()):
        told.set()


def _stamp(path: Path) -> tuple[int, int, int]:
    """What differs between two states of a file that is replaced or written."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


async def _take_config(process: HostProcess, apply: Callable[[CameraHostConfig], Awaitable[None]]) -> bool:
    """Bring the process in line with the file; False when that is to be tried again."""
    try:
        changed = load_config(process.config_path)
    except EyespotError as error:
        log.error("the config file cannot be used, the old settings stay: %s", error)
        return True
    if changed == process.config:
        return True
    try:
        await apply(changed)
    except Exception:  # a defect in one part must not end all later changes; it is logged, and tried again
        log.exception("the new settings could not be applied in full")
        return False
    process.config = changed
    return True
