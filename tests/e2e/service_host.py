"""A whole host with one synthetic camera, for tests of services; what it stored, said and started."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.contracts.event import Event
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.store import ServiceStore

T = TypeVar("T")


class Host:
    """A running `eyespot camera run` with one synthetic camera, and ``more`` in its configuration."""

    def __init__(self, state: Path, more: str = "") -> None:
        self.state = state
        state.mkdir()
        (state / "config.toml").write_text(
            '[web]\nport = 0\ntls = "off"\n[[camera]]\nid = "front"\n[camera.detect]\nenabled = false\n'
            '[[camera.stream]]\nname = "main"\nsource = "synthetic:"\n' + more
        )
        self.layout = StateLayout.of(state)
        self.store = ServiceStore(self.layout.services_db)
        self.installed = Installed(self.layout, self.store)
        self.log = (state / "log.txt").open("wb")
        self.process = self._begin()

    def _begin(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "eyespot.cli.main", "camera", "run", "--config"]
        where = [str(self.state / "config.toml"), "--state", str(self.state)]
        return subprocess.Popen([*command, *where], stdout=self.log, stderr=self.log)

    def begin_again(self) -> None:
        """Start the host once more, after its end."""
        self.process.wait()
        self.process = self._begin()

    def until(self, what: Callable[[], T | None]) -> T:
        """What ``what`` gives as soon as it gives something."""
        while not (found := what()):
            assert self.process.poll() is None, (self.state / "log.txt").read_text()[-3000:]
            time.sleep(0.1)
        return found

    def events(self) -> list[Event]:
        store = EventStore(self.layout.events_db)
        try:
            return store.find(EventQuery(limit=500))[0]
        finally:
            store.close()

    def child(self, module: str) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if module in child.cmdline():
                    return child
            except psutil.Error:
                continue
        return None

    def status(self) -> dict[str, Any]:
        """What the services process last said of its services; empty before it did."""

        async def hear() -> dict[str, Any]:
            bus = await connect(self.layout.run_dir, "api")
            heard = bus.subscribe(subjects.status("services"))
            try:
                found: dict[str, Any] = json.loads((await anext(heard)).data)["totals"]["services"]
                return found
            finally:
                await bus.close()

        return asyncio.run(hear())

    def state_of(self, name: str) -> str:
        states = self.store.states(name)
        return states[-1].state if states else ""

    def recorded_bytes(self) -> int:
        return sum(file.stat().st_size for file in (self.state / "archive").rglob("*.mp4"))

    def confined(self) -> set[int]:
        """Every process that sees the state folder from mounts of its own, whoever its parent is now."""
        own, found = os.readlink("/proc/self/ns/mnt"), set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(process / "ns" / "mnt") == own:
                    continue
                if str(self.state) in (process / "mountinfo").read_text():
                    found.add(int(process.name))
            except OSError:
                continue
        return found

    def orphans(self) -> set[int]:
        """Confined processes that are no descendants of the host."""
        confined = self.confined()
        return confined - {child.pid for child in psutil.Process(self.process.pid).children(recursive=True)}

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait()
        self.log.close()
        self.store.close()


def counted(host: Host) -> list[Event]:
    """Events of services."""
    return [event for event in host.events() if event.kind == "service"]


def logs(host: Host, name: str) -> list[str]:
    async def ask() -> list[str]:
        bus = await connect(host.layout.run_dir, "api")
        try:
            answer = await bus.request(subjects.control("services"), json.dumps({"logs": name}).encode(), 10)
            found: list[str] = json.loads(answer)["lines"]
            return found
        finally:
            await bus.close()

    return asyncio.run(ask())
