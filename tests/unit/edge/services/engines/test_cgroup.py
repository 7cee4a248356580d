"""Where a group is made and what is written on folders that look like cgroups. The conformance suite has real ones."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.edge.services.engines import cgroup
from eyespot.edge.services.engines.contract import Budget, Usage

LEAF = f"eyespot-service-one.{os.getpid()}-7"
BUDGET = Budget(cpu=0.25, memory_mb=64, disk_mb=8, pids=30)


def own(root: Path) -> tuple[Path, Path]:
    return root / "proc" / "cgroup", root / "proc" / "mounts"


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    """A process in ``/system.slice/eyespot.service/host``, whose parent is delegated to it."""
    write(
        tmp_path / "proc",
        cgroup="0::/system.slice/eyespot.service/host\n",
        mounts=f"cgroup2 {tmp_path}/fs cgroup2 rw 0 0\n",
    )
    service = tmp_path / "fs" / "system.slice" / "eyespot.service"
    write(service / "host", cgroup__controllers="cpu memory pids\n")
    write(service, cgroup__subtree_control="cpu memory pids\n")
    return tmp_path


def test_version_2_makes_the_group_beside_this_process(v2: Path) -> None:
    group = cgroup.make("one", 7, BUDGET, 2, *own(v2))
    assert group is not None
    folder = v2 / "fs" / "system.slice" / "eyespot.service" / LEAF
    written = {file.name: file.read_text() for file in folder.iterdir()}
    assert written == {
        "memory.max": str(64 << 20), "memory.swap.max": "0", "memory.oom.group": "1",
        "pids.max": "32", "cpu.max": "25000 100000",
    }  # fmt: skip
    assert group.enforced() == {"memory": "cgroup v2", "pids": "cgroup v2", "cpu": "cgroup v2"}


def test_version_2_is_read(v2: Path) -> None:
    group = cgroup.make("one", 7, BUDGET, 2, *own(v2))
    assert group is not None
    folder = group.seats["memory"].folder
    write(folder, memory__current="1000\n", pids__current="5\n", cpu__stat="usage_usec 1500000\nnr_throttled 4\n")
    write(folder, memory__events="low 0\noom 3\noom_kill 2\n", pids__events="max 9\n")
    assert group.usage() == Usage(1.5, 1000, 3)
    assert group.breaches() == {"memory": 2, "pids": 9, "cpu": 4}


def test_version_1_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    lines = {"memory": "/a", "pids": "/", "cpu,cpuacct": "/b"}
    write(
        tmp_path / "proc",
        cgroup="".join(f"{n}:{names}:{path}\n" for n, (names, path) in enumerate(lines.items(), 1)) + "0::/\n",
        mounts="".join(f"cgroup {tmp_path}/{names} cgroup rw,{names} 0 0\n" for names in lines),
    )
    for names, path in lines.items():
        write(tmp_path / names / path.lstrip("/"))
    group = cgroup.make("one", 7, BUDGET, 0, *own(tmp_path))
    assert group is not None
    assert (tmp_path / "memory" / "a" / LEAF / "memory.limit_in_bytes").read_text() == str(64 << 20)
    assert (tmp_path / "pids" / LEAF / "pids.max").read_text() == "30"
    assert (tmp_path / "cpu,cpuacct" / "b" / LEAF / "cpu.cfs_quota_us").read_text() == "25000"
    write(tmp_path / "cpu,cpuacct" / "b" / LEAF, cpuacct__usage="2500000000\n")
    assert group.usage().cpu_s == 2.5


@pytest.mark.parametrize("mounts", ["", "cgroup2 /nowhere cgroup2 rw 0 0\n"])
def test_without_controllers_there_is_no_group(tmp_path: Path, mounts: str) -> None:
    write(tmp_path / "proc", cgroup="0::/x\n", mounts=mounts)
    assert cgroup.make("one", 7, BUDGET, 0, *own(tmp_path)) is None


def test_a_path_that_climbs_is_not_followed(tmp_path: Path) -> None:
    """Inside a cgroup namespace a process above its root shows as ``/../..``."""
    write(tmp_path / "proc", cgroup="0::/../../else\n", mounts=f"cgroup2 {tmp_path}/fs cgroup2 rw 0 0\n")
    write(tmp_path / "fs", cgroup__controllers="memory\n", cgroup__subtree_control="memory\n")
    assert cgroup.seats_of(*own(tmp_path)) == {"memory": cgroup.Seat(2, tmp_path / "fs")}


def test_what_a_host_that_is_gone_left_is_ended_and_removed(v2: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    parent = v2 / "fs" / "system.slice" / "eyespot.service"
    stale, other = parent / f"eyespot-service-two.{gone.pid}-3", parent / f"eyespot-service-two.{os.getpid()}-3"
    stale.mkdir()
    other.mkdir()
    cgroup.make("one", 7, BUDGET, 0, *own(v2))
    assert (stale.exists(), other.exists()) == (False, True)


def test_processes_of_a_host_that_is_gone_are_killed(v2: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    stale = v2 / "fs" / "system.slice" / "eyespot.service" / f"eyespot-service-two.{gone.pid}-3"
    with subprocess.Popen([sys.executable, "-c", "import time\ntime.sleep(3600)"]) as left:
        write(stale, cgroup__procs=f"{left.pid}\n")
        cgroup.make("one", 7, BUDGET, 0, *own(v2))
        assert left.wait() == -9
