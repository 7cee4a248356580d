"""The inference process: models and runtimes in a process of their own, so that a driver's crash costs no camera.

``python -m eyespot.edge.infer_process`` is the process; ``InferenceProcess`` starts it, starts it again when it died,
and tells what it died in. What it died in twice is avoided for an hour, so that the next best target takes over.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.edge.child import Child, ChildSpec, exit_text
from eyespot.edge.infer_journal import Journal
from eyespot.edge.infer_models import Models
from eyespot.edge.infer_worker import WorkerServer
from eyespot.infer.share.accelerator import SharedAccelerator
from eyespot.kernel.clock import Clock, SystemClock, seconds
from eyespot.kernel.log import setup_logging

log = logging.getLogger(__name__)

SOCKET = "infer.sock"
HUNG_S = 30.0
"""A run that takes longer is a driver that hangs: the process ends itself, and that counts as a crash."""
HUNG_EXIT = 71
LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Crash:
    """The inference process died unasked.

    Attributes:
        how: the exit status in words.
        died_in: the targets that were at work, written ``package/variant@accelerator``; empty: none.
        avoided: the targets that the next process leaves alone.
    """

    how: str
    died_in: tuple[str, ...]
    avoided: tuple[str, ...]


class InferenceProcess:
    """Keeps one inference process running; a service.

    Args:
        models: folder of model packages.
        run_dir: 0700; holds the socket and the journal.
        on_crash: called on the event loop after each crash, before the process is started again.
    """

    name = "inference"

    def __init__(
        self,
        models: Path,
        run_dir: Path,
        env: Mapping[str, str],
        clock: Clock,
        *,
        lanes: int = 1,
        on_crash: Callable[[Crash], None] = lambda _: None,
    ) -> None:
        self.socket = run_dir / SOCKET
        self._run_dir = run_dir
        self._clock = clock
        self._on_crash = on_crash
        self.crashes = 0
        command = [
            sys.executable, "-m", "eyespot.edge.infer_process",
            "--models", str(models), "--run-dir", str(run_dir), "--lanes", str(lanes),
        ]  # fmt: skip
        self._child = Child(ChildSpec(self.name, command, env), clock, self._died)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        running = asyncio.create_task(self._child.run())
        await stop.wait()
        await self._child.stop()
        await running

    def status(self) -> dict[str, Any]:
        return {**self._child.status(), "crashes": self.crashes}

    def _died(self, _: str, code: int) -> None:
        self.crashes += 1
        journal = Journal(self._run_dir, self._clock)
        crash = Crash(exit_text(code), journal.died_in, tuple(sorted(journal.avoided())))
        log.error("the inference process died (%s) in %s", crash.how, ", ".join(crash.died_in) or "nothing")
        self._on_crash(crash)


async def serve(models: Path, run_dir: Path, lanes: int, clock: Clock) -> None:
    """The whole life of the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    journal = Journal(run_dir, clock)
    if avoided := journal.avoided():
        log.warning("left alone, for they crashed: %s", ", ".join(sorted(avoided)))
    shared = SharedAccelerator(clock, lanes=lanes)
    server = WorkerServer(run_dir / SOCKET, Models(models, journal), shared)
    try:
        await _watch(journal, clock, stop)
    finally:
        server.close()
        shared.close()


async def _watch(journal: Journal, clock: Clock, stop: asyncio.Event) -> None:
    """Until ``stop``; ends the process at once when a run hangs, leaving its name in the journal."""
    while not stop.is_set():
        if seconds(journal.longest_ns()) > HUNG_S:
            log.critical("an inference has not ended within %.0f s: the process ends itself", HUNG_S)
            os._exit(HUNG_EXIT)
        try:
            await asyncio.wait_for(stop.wait(), LOOK_S)
        except TimeoutError:
            continue


def main() -> None:
    """Run as a process."""
    parser = argparse.ArgumentParser(prog="eyespot inference")
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--lanes", type=int, default=1)
    arguments = parser.parse_args()
    setup_logging("inference")
    asyncio.run(serve(arguments.models, arguments.run_dir, arguments.lanes, SystemClock()))


if __name__ == "__main__":
    main()
