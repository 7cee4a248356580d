"""A control group for one service: caps on memory, processes and CPU, and what was used. Versions 1 and 2 and
mixtures of both.

A group is made below the cgroup of this process, so limits from above go on holding. Where that is not allowed there
is none, and the engine says so. Sources: the kernel's cgroup-v1/{memory,pids}.rst, sched-bwc.rst and cgroup-v2.rst.
"""

import contextlib
import logging
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.contract import Breach, Budget, Usage

log = logging.getLogger(__name__)

CONTROLLERS = ("memory", "pids", "cpu", "cpuacct", "blkio", "io")
"""cpuacct and blkio are version 1's; version 2 counts time in ``cpu``, and has ``io``. Those two are limited by
``disk_rate``.
"""
PERIOD_US = 100_000
_COUNTED = ("memory", "pids", "cpu")
OWN_CGROUP, OWN_MOUNTS = Path("/proc/self/cgroup"), Path("/proc/self/mounts")
_PREFIX = "eyespot-service-"


@dataclass(frozen=True, slots=True)
class Seat:
    """The folder of a process's cgroup for one controller."""

    version: int
    folder: Path


@dataclass(frozen=True, slots=True)
class Cgroup:
    """Where a service is counted: controller → folder.

    Args:
        overhead_pids: processes in it that belong to the engine, not to the service.
    """

    seats: Mapping[str, Seat]
    overhead_pids: int = 0

    def enforced(self) -> dict[str, str]:
        """Budget → ``cgroup v1`` or ``cgroup v2``."""
        return {name: f"cgroup v{seat.version}" for name, seat in self.seats.items() if name in _COUNTED}

    def limit(self, budget: Budget) -> None:
        """Write the caps; raises ``OSError`` where the kernel refuses one."""
        for name, seat in self.seats.items():
            for file, value in _caps(name, seat.version, budget, self.overhead_pids):
                with contextlib.suppress(FileNotFoundError):  # kernels without swap accounting lack some
                    (seat.folder / file).write_text(value, encoding="ascii")

    def join_fds(self) -> list[int]:
        """Open files to which a process writes ``0`` to join; the caller closes them."""
        folders = dict.fromkeys(seat.folder for seat in self.seats.values())
        return [os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for folder in folders]

    def usage(self) -> Usage:
        """What is used now; zero where there is no controller or the group is gone."""
        memory, pids, cpu = self.seats.get("memory"), self.seats.get("pids"), self.seats.get("cpu")
        bytes_file = {1: "memory.usage_in_bytes", 2: "memory.current"}
        processes = _number(pids.folder / "pids.current") if pids else 0
        if cpu and cpu.version == 2:
            cpu_s = _stat(cpu.folder / "cpu.stat", "usage_usec") / 1e6
        else:
            cpuacct = self.seats.get("cpuacct")
            cpu_s = _number(cpuacct.folder / "cpuacct.usage") / 1e9 if cpuacct else 0.0
        return Usage(
            cpu_s,
            _number(memory.folder / bytes_file[memory.version]) if memory else 0,
            max(0, processes - self.overhead_pids),
        )

    def breaches(self) -> dict[Breach, int]:
        """Kills for memory, refused forks, throttled periods; only what is not zero."""
        memory, pids, cpu = self.seats.get("memory"), self.seats.get("pids"), self.seats.get("cpu")
        events = {1: "memory.oom_control", 2: "memory.events"}
        counts: dict[Breach, int] = {
            "memory": _stat(memory.folder / events[memory.version], "oom_kill") if memory else 0,
            "pids": _stat(pids.folder / "pids.events", "max") if pids else 0,
            "cpu": _stat(cpu.folder / "cpu.stat", "nr_throttled") if cpu else 0,
        }
        return {name: count for name, count in counts.items() if count}

    def remove(self) -> None:
        """Remove the folders; they must be empty of processes."""
        for folder in dict.fromkeys(seat.folder for seat in self.seats.values()):
            _remove(folder)


def make(
    name: str, start: int, budget: Budget, overhead_pids: int, cgroup: Path = OWN_CGROUP, mounts: Path = OWN_MOUNTS
) -> Cgroup | None:
    """A new group for service ``name`` with its caps set, or None where no controller can be used.

    Args:
        start: a number that no other start of this service has.
    """
    seats: dict[str, Seat] = {}
    leaf = f"{_PREFIX}{name}.{os.getpid()}-{start}"
    for controller, seat in seats_of(cgroup, mounts).items():
        parent = _parent(seat, controller)
        if parent is None:
            continue
        _sweep(parent)
        try:
            (parent / leaf).mkdir(exist_ok=True)
        except OSError as error:
            log.info("no cgroup for %s below %s: %s", controller, parent, error.strerror)
            continue
        seats[controller] = Seat(seat.version, parent / leaf)
    group = Cgroup(seats, overhead_pids)
    if not seats:
        return None
    try:
        group.limit(budget)
    except OSError as error:
        log.warning("the cgroup of %s cannot be limited: %s", name, error)
        group.remove()
        return None
    return group


def sweep_groups(cgroup: Path = OWN_CGROUP, mounts: Path = OWN_MOUNTS) -> None:
    """End and remove what hosts that are gone have left, wherever groups of services are made."""
    for controller, seat in seats_of(cgroup, mounts).items():
        parent = _parent(seat, controller)
        if parent is not None:
            _sweep(parent)


def seats_of(cgroup: Path, mounts: Path = OWN_MOUNTS) -> dict[str, Seat]:
    """Controller → where a process sits.

    Args:
        cgroup: its ``/proc/PID/cgroup``.
        mounts: the mounts of this process, which looks.
    """
    points = _points(mounts)
    seats: dict[str, Seat] = {}
    unified: Path | None = None
    for line in _lines(cgroup):
        _, names, path = line.split(":", 2)
        if not names and "" in points:
            unified = _below(points[""], path)
        for name in set(names.split(",")) & set(CONTROLLERS) & set(points):
            seats[name] = Seat(1, _below(points[name], path))
    if unified is not None:
        there = " ".join(_lines(unified / "cgroup.controllers")).split()
        seats |= {name: Seat(2, unified) for name in CONTROLLERS if name in there and name not in seats}
    return seats


def mount_of(controller: str, mounts: Path = OWN_MOUNTS) -> Path | None:
    """Where version 1's hierarchy of a controller is mounted: its root group."""
    return _points(mounts).get(controller)


def _points(mounts: Path) -> dict[str, Path]:
    """Controller → mount point; version 2's under the empty name."""
    found: dict[str, Path] = {}
    for line in _lines(mounts):
        _, point, kind, options, *_ = line.split()
        if kind == "cgroup2":
            found.setdefault("", Path(point))
        elif kind == "cgroup":
            found |= {name: Path(point) for name in options.split(",") if name in CONTROLLERS}
    return found


def _below(mount: Path, path: str) -> Path:
    return mount / path.lstrip("/") if ".." not in Path(path).parts else mount


def _parent(seat: Seat, controller: str) -> Path | None:
    """Where a group for ``controller`` may be made.

    Version 2 allows none beside processes, hence one level up as well.
    """
    if seat.version == 1:
        return seat.folder if os.access(seat.folder, os.W_OK) else None
    for folder in (seat.folder, seat.folder.parent):
        control = folder / "cgroup.subtree_control"
        with contextlib.suppress(OSError):
            if controller not in control.read_text(encoding="ascii").split():
                control.write_text(f"+{controller}", encoding="ascii")
            if os.access(folder, os.W_OK):
                return folder
    return None


def _caps(controller: str, version: int, budget: Budget, overhead_pids: int) -> list[tuple[str, str]]:
    memory, quota_us = str(budget.memory_mb << 20), max(1000, round(budget.cpu * PERIOD_US))
    pids = ("pids.max", str(budget.pids + overhead_pids))
    caps = {
        ("memory", 1): [("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory)],
        ("memory", 2): [("memory.max", memory), ("memory.swap.max", "0"), ("memory.oom.group", "1")],
        ("pids", 1): [pids],
        ("pids", 2): [pids],
        ("cpu", 1): [("cpu.cfs_period_us", str(PERIOD_US)), ("cpu.cfs_quota_us", str(quota_us))],
        ("cpu", 2): [("cpu.max", f"{quota_us} {PERIOD_US}")],
    }
    return caps.get((controller, version), [])


def _sweep(parent: Path) -> None:
    """End and remove what hosts that are gone have left."""
    for folder in parent.glob(f"{_PREFIX}*.*-*"):
        starter = folder.name.rpartition(".")[2].partition("-")[0]
        if starter.isdecimal() and not _lives(int(starter)):
            for pid in _lines(folder / "cgroup.procs"):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            _remove(folder)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        log.info("%s stays for now: %s", folder, error.strerror)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _number(file: Path) -> int:
    text = "".join(_lines(file)[:1])
    return int(text) if text.isdecimal() else 0


def _stat(file: Path, key: str) -> int:
    """A value of a file of ``key value`` lines."""
    found = [line.split()[1] for line in _lines(file) if line.split()[:1] == [key]]
    return int(found[0]) if found else 0
