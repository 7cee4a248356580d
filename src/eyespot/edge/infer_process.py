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
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.edge.child import Child, ChildSpec, exit_text
from eyespot.edge.infer_door import Doors, DoorSettings
from eyespot.edge.infer_guests import Guests
from eyespot.edge.infer_journal import Journal
from eyespot.edge.infer_models import Models
from eyespot.edge.infer_worker import WorkerServer
from eyespot.infer.share.accelerator import SharedAccelerator
from eyespot.kernel.clock import Clock, SystemClock, seconds
from eyespot.kernel.errors import EyespotError
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
        niceness: 0 to 19, how far the process stands back behind others when the processors are busy.
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
        niceness: int = 0,
        doors: DoorSettings | None = None,
        on_crash: Callable[[Crash], None] = lambda _: None,
    ) -> None:
        self.socket = run_dir / SOCKET
        self._run_dir = run_dir
        self._clock = clock
        self._on_crash = on_crash
        self.crashes = 0
        command = [
            sys.executable, "-m", "eyespot.edge.infer_process",
            "--models", str(models), "--run-dir", str(run_dir), "--lanes", str(lanes), "--nice", str(niceness),
            *_door_words(doors or DoorSettings()),
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


def _door_words(doors: DoorSettings) -> list[str]:
    ports = {"--rest-port": doors.rest_port, "--grpc-port": doors.grpc_port}
    words = [word for name, port in ports.items() if port is not None for word in (name, str(port))]
    return [*words, "--guest-share", str(doors.share)] if words else []


async def serve(models: Path, run_dir: Path, lanes: int, doors: DoorSettings, clock: Clock) -> None:
    """The whole life of the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    journal = Journal(run_dir, clock)
    if avoided := journal.avoided():
        log.warning("left alone, for they crashed: %s", ", ".join(sorted(avoided)))
    shared = SharedAccelerator(clock, lanes=lanes)
    opened = Models(models, journal)
    server = WorkerServer(run_dir / SOCKET, opened, shared, clock)
    try:
        async with _guests(doors, opened, shared, run_dir, clock):
            await _watch(journal, clock, stop)
    finally:
        server.close()
        shared.close()


@asynccontextmanager
async def _guests(
    settings: DoorSettings, models: Models, shared: SharedAccelerator, run_dir: Path, clock: Clock
) -> AsyncIterator[None]:
    """The doors for guests, open meanwhile, where any is wanted; what keeps them shut is logged and costs no more."""
    if not settings.wanted:
        yield
        return
    guests = Guests(models, shared, clock, share=settings.share)
    doors = Doors(guests, settings, run_dir)
    try:
        try:
            await doors.open()
        except EyespotError as error:
            log.error("the doors for guests stay shut: %s", error)
        yield
    finally:
        await doors.close()
        guests.close()


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
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("--rest-port", type=int)
    parser.add_argument("--grpc-port", type=int)
    parser.add_argument("--guest-share", type=float, default=0.25)
    arguments = parser.parse_args()
    setup_logging("inference")
    os.nice(max(0, arguments.nice))
    doors = DoorSettings(arguments.rest_port, arguments.grpc_port, arguments.guest_share)
    asyncio.run(serve(arguments.models, arguments.run_dir, arguments.lanes, doors, SystemClock()))


if __name__ == "__main__":
    main()
