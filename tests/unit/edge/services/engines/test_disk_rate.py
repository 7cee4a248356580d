"""What bounds a service's disks, on folders that look like cgroups. The hostile suite has real ones."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from eyespot.edge.services.engines import disk_rate
from eyespot.edge.services.engines.cgroup import Cgroup, Seat
from eyespot.edge.services.engines.disk_rate import IDLE, device_of, lift_limits, limit_disks, stand_back

STORAGE, DISK = "7:3", "8:0"


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on loop device 7:3, in a kernel where everything else is on the second partition of disk 8:0."""
    blocks, places = tmp_path / "block", {"storage": STORAGE, "code": "8:2"}
    (blocks / STORAGE / "loop").mkdir(parents=True)
    (blocks / STORAGE / "dev").write_text(f"{STORAGE}\n")
    (blocks / "disk" / "part").mkdir(parents=True)
    (blocks / "disk" / "dev").write_text(f"{DISK}\n")
    (blocks / "disk" / "part" / "partition").write_text("2\n")
    (blocks / "8:2").symlink_to(blocks / "disk" / "part")
    for name in places:
        (tmp_path / name).mkdir()
    real = os.stat

    class At:
        def __init__(self, device: str) -> None:
            major, minor = map(int, device.split(":"))
            self.st_dev = os.makedev(major, minor)

    def stat(place: Path) -> object:
        return At(places[place.name]) if place.name in places else real(place)

    monkeypatch.setattr(disk_rate, "_BLOCK", blocks)
    monkeypatch.setattr(disk_rate, "_stat", stat)
    return tmp_path / "storage"


def group(home: Path, controller: str, version: int) -> Cgroup:
    (home / controller / "one").mkdir(parents=True)
    return Cgroup({controller: Seat(version, home / controller / "one")})


def written(folder: Path) -> dict[str, str]:
    return {file.name.removeprefix("blkio.throttle."): file.read_text() for file in folder.iterdir() if file.is_file()}


def test_version_1_bounds_the_service_and_the_write_back_of_its_storage(storage: Path) -> None:
    home = storage.parent
    mounts = home / "mounts"
    mounts.write_text(f"cgroup {home}/blkio cgroup rw,blkio 0 0\n")
    assert limit_disks(group(home, "blkio", 1), storage, [storage.parent / "code"], 2.0, mounts) == "cgroup v1"
    bounded = {"write_bps_device": f"{STORAGE} {2 << 20}", "write_iops_device": f"{STORAGE} 20"}
    read = {"read_bps_device": f"{DISK} {16 << 20}", "read_iops_device": f"{DISK} 400"}
    assert written(home / "blkio" / "one") == bounded | read
    assert written(home / "blkio") == bounded
    lift_limits(storage, mounts)
    assert set(written(home / "blkio").values()) == {f"{STORAGE} 0"}


def test_version_2_has_one_file(storage: Path) -> None:
    made = group(storage.parent, "io", 2)
    assert limit_disks(made, storage, [], 2.0) == "cgroup v2"
    assert written(made.seats["io"].folder) == {"io.max": f"{STORAGE} wbps={2 << 20} wiops=20"}


def test_a_plain_folder_is_bounded_on_its_disk_for_the_service_alone(storage: Path) -> None:
    home = storage.parent
    mounts = home / "mounts"
    mounts.write_text(f"cgroup {home}/blkio cgroup rw,blkio 0 0\n")
    made = group(home, "blkio", 1)
    limit_disks(made, home / "code", [], 2.0, mounts)
    assert written(home / "blkio" / "one")["write_bps_device"] == f"{DISK} {2 << 20}"
    lift_limits(home / "code", mounts)
    assert written(home / "blkio") == {}, "the disk of others is never touched"


def test_without_a_group_or_a_disk_only_the_priority_is_low(storage: Path) -> None:
    assert limit_disks(None, storage, [], 2.0) == "idle priority"
    assert limit_disks(group(storage.parent, "cpu", 2), storage, [], 2.0) == "idle priority"
    assert limit_disks(group(storage.parent, "io", 2), Path("/proc"), [], 2.0) == "idle priority"
    assert device_of(storage / "gone") == ""
    refused = Cgroup({"io": Seat(2, storage.parent / "nowhere")})
    assert limit_disks(refused, storage, [], 2.0) == "idle priority"


def test_a_group_of_everybody_is_never_limited(storage: Path) -> None:
    home = storage.parent
    (home / "blkio").mkdir()
    mounts = home / "mounts"
    mounts.write_text(f"cgroup {home}/blkio cgroup rw,blkio 0 0\n")
    everybody = Cgroup({"blkio": Seat(1, home / "blkio")})
    assert limit_disks(everybody, storage, [home / "code"], 2.0, mounts) == "idle priority"
    assert written(home / "blkio") == {}


def test_idle_priority_is_inherited() -> None:
    done = subprocess.run([*IDLE, "ionice"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().startswith("idle")


def test_a_process_that_runs_already_stands_back() -> None:
    with subprocess.Popen(["sleep", "60"]) as running:
        stand_back(running.pid)
        assert psutil.Process(running.pid).ionice().ioclass == psutil.IOPRIO_CLASS_IDLE
        running.kill()
    stand_back(running.pid)
