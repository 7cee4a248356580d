"""A camera host with services for the bench: what is installed, which of them run, what they and their hosts cost."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from eyespot.bench import camera_run
from eyespot.bench.live_host import host_of
from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.contracts.service import Host
from eyespot.contracts.status import StatusMessage
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.errors import unavailable

UP_S = 90.0
"""Services that do not run by then never will."""
COUNTED = ("eyespot.edge.frames", "eyespot.edge.services")
"""Processes whose whole trees are counted, beside the bus server."""

_MANIFEST = """
[service]
name = "{name}"
version = "1.0.0"
title = "{name}"
python = "reader:Reader"
{view}
[budget]
cpu = 1.0
"""
_VIEW = """
[[view]]
name = "seen"
pixels = "{pixels}"
width_px = {width}
height_px = {height}
rate_hz = 5.0
"""
_VIEWS = (_VIEW.format(pixels="rgb", width=640, height=360), _VIEW.format(pixels="grey", width=320, height=180))
_CODE = "from eyespot.sdk import Service\n\n\nclass Reader(Service):\n    pass\n"


class Rig:
    """A running host and its services; of two distinct views, taken in turns."""

    def __init__(self, state: Path, host: "subprocess.Popen[bytes]") -> None:
        self._layout = StateLayout.of(state)
        self.store = ServiceStore(self._layout.services_db)
        self._installed = Installed(self._layout, self.store)
        self._host = host
        self._state = state

    def install(self, names: Sequence[str], *, views: bool) -> None:
        """Install readers, which do not run yet."""
        for number, name in enumerate(names):
            folder = self._state / "made" / name
            folder.mkdir(parents=True)
            view = _VIEWS[number % len(_VIEWS)] if views else ""
            (folder / "service.toml").write_text(_MANIFEST.format(name=name, view=view), encoding="utf-8")
            (folder / "reader.py").write_text(_CODE, encoding="utf-8")
            self._installed.install(folder, "cam0")
            self._installed.enable(name, enabled=False)

    def install_on(self, folder: Path, host: Host) -> str:
        """Install the service in ``folder``, or move it to another host; it does not run yet. Returns its name."""
        return self._installed.install(folder, "cam0", host=host, enabled=False).name

    @property
    def run_dir(self) -> Path:
        """Where the host's sockets and keys are."""
        return self._layout.run_dir

    def run_only(self, names: Sequence[str], seconds: float) -> None:
        """Exactly ``names`` run, and have run for ``seconds``; raises ``UNAVAILABLE`` when they do not come up."""
        for row in self.store.rows():
            if row.enabled != (row.name in names):
                self._installed.enable(row.name, enabled=row.name in names)
        self._until(lambda: all(self._state_of(row.name) in _wanted(row.name, names) for row in self.store.rows()))
        time.sleep(seconds)

    def start_ms(self, name: str) -> float:
        """From the moment that the last start of a service began until it first said that it is alive."""
        running = starting = 0
        for moment in self.store.states(name):
            if moment.state == "starting":
                starting = moment.wall_ns
            elif moment.state == "running":
                running = moment.wall_ns
        return (running - starting) / 1e6

    def cost(self, seconds: float) -> dict[str, float]:
        """Processor time over ``seconds``, in per cent of a core, by process of ours; a service's is under services."""
        before, start = self._cpu_s(), time.monotonic()
        time.sleep(seconds)
        after, took_s = self._cpu_s(), time.monotonic() - start
        return {name: 100 * (after[name] - before.get(name, 0.0)) / took_s for name in after}

    def frames_read(self) -> dict[str, int]:
        """How many frames each running reader says it has handled since its start."""
        beats = {name: told.get("beat") or {} for name, told in asyncio.run(_services(self._layout)).items()}
        return {name: sum(beat.get("frames", {}).values()) for name, beat in beats.items()}

    def pss_mb(self) -> float:
        """Memory of everything below the services process, shared pages split between their users; itself left out."""
        return sum(_pss(child) for child in self._find("eyespot.edge.services").children(recursive=True)) / 2**20

    def own_pss_mb(self) -> float:
        """The same of the services process and the frames process themselves."""
        return sum(_pss(self._find(module)) for module in COUNTED) / 2**20

    def _cpu_s(self) -> dict[str, float]:
        found = {"nats": _own(self._find("nats-server"))}
        for module in COUNTED:
            root = self._find(module)
            found[module] = _own(root)
            if children := root.children(recursive=True):
                found["services' own"] = sum(_own(child) for child in children)
        return found

    def _find(self, word: str) -> psutil.Process:
        for child in psutil.Process(self._host.pid).children(recursive=True):
            try:
                if any(part == word or part.endswith(f"/{word}") for part in child.cmdline()):
                    return child
            except psutil.NoSuchProcess:
                continue
        raise unavailable(f"There is no process {word}.", f"See {self._state / 'log.txt'}.")

    def _state_of(self, name: str) -> str:
        states = self.store.states(name)
        return states[-1].state if states else ""

    def _until(self, condition: Callable[[], bool]) -> None:
        begin_s = time.monotonic()
        while not condition():
            if self._host.poll() is not None or time.monotonic() - begin_s > UP_S:
                raise unavailable("The services of the bench do not run.", f"See {self._state / 'log.txt'}.")
            time.sleep(0.1)


@contextmanager
def hosting(clip: Path, folder: Path) -> Iterator[Rig]:
    """A host on a paced RTSP camera ``cam0`` of ``clip``, recording, detection off."""
    state = folder / "eyespot"
    with camera_run.rtsp_cameras(clip, 1) as urls, host_of(urls, state) as host:
        rig = Rig(state, host)
        try:
            yield rig
        finally:
            rig.store.close()


async def _services(layout: StateLayout) -> dict[str, Any]:
    """What the services process says of its services in its next report."""
    bus = await connect(layout.run_dir, "api")
    try:
        report = await anext(aiter(bus.subscribe(subjects.status("services"))))
        return dict(StatusMessage.model_validate_json(report.data).totals["services"])
    finally:
        await bus.close()


def _wanted(name: str, names: Sequence[str]) -> tuple[str, ...]:
    return ("running",) if name in names else ("", "stopped")


def _own(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.NoSuchProcess:
        return 0
