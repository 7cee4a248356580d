"""How much of the disks' time a service may take, so that recording is not slowed. By control groups, where there are.

What it writes goes to its storage's loop device and is bounded there, in bytes and in writes a second: a service that
syncs without pause makes the host's file system commit its journal each time, and the recorder's syncs wait for that.
What it reads comes from the disks below, and is bounded there, since a file that was let go of in memory can be read
again and again.

Version 2 charges write-back to whoever wrote. Version 1 charges it to the root group, which is bounded for the loop
device too: nobody but the service writes there. Version 1's groups count apart, so a service may get twice as much,
once by write-back and once by its own syncs.

Sources: the kernel's cgroup-v1/blkio-controller.rst and cgroup-v2.rst (IO Interface Files).
"""

import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

import psutil

from eyespot.edge.services.engines.cgroup import OWN_CGROUP, OWN_MOUNTS, Cgroup, Seat, mount_of, seats_of

log = logging.getLogger(__name__)

WRITES_PER_MB, READ_FACTOR, READS_PER_MB = 10, 8, 25
"""Writes a second for each megabyte a second: one that is synced costs the disk ten more, for two journals. How much
more may be read than written, and reads a second for each megabyte of that.
"""
IDLE = ("ionice", "--class", "idle")
"""Put before a command: what it starts waits while others use the disk, where the disk's scheduler looks
at that (bfq, mq-deadline).
"""
_BLOCK = Path("/sys/dev/block")
_stat = os.stat


def limit_disks(
    group: Cgroup | None, storage: Path, read: Iterable[Path], mb_per_s: float, mounts: Path = OWN_MOUNTS
) -> str:
    """Bound what the processes of ``group`` read and write; returns by what that is enforced, or ``idle priority``.

    Args:
        storage: the service's own, an image that is mounted or a plain folder.
        read: places that it reads, on whichever disks.
        mb_per_s: 2^20 bytes a second that it may write.
    """
    seat, own = _seat(group, mounts), device_of(storage)
    if seat is None or not own:
        return "idle priority"
    bps, iops = round(mb_per_s * (1 << 20)), max(1, round(mb_per_s * WRITES_PER_MB))
    reads = max(1, round(mb_per_s * READ_FACTOR * READS_PER_MB))
    try:
        _write(seat, own, write_bps=bps, write_iops=iops)
        if seat.version == 1 and _is_loop(own):
            _write_root(own, bps, iops, mounts)
        for device in sorted({found for place in read if (found := device_of(place))}):
            _write(seat, device, read_bps=bps * READ_FACTOR, read_iops=reads)
    except OSError as error:
        log.info("the disk rate of a service is not bounded below %s: %s", seat.folder, error.strerror)
        return "idle priority"
    return f"cgroup v{seat.version}"


def stand_back(*pids: int) -> None:
    """``IDLE`` for processes that run already, and for what they start from now on.

    For containers: podman itself syncs its papers, and would be slow to start one.
    """
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            psutil.Process(pid).ionice(psutil.IOPRIO_CLASS_IDLE)


def lift_limits(storage: Path, mounts: Path = OWN_MOUNTS) -> None:
    """Whoever gets the loop device of ``storage`` next is not bounded. Call it before that is unmounted."""
    loop = device_of(storage)
    if loop and _is_loop(loop):
        _write_root(loop, 0, 0, mounts)


def device_of(place: Path) -> str:
    """``major:minor`` of the whole disk that holds ``place``; empty where the kernel has none for it (tmpfs, btrfs)."""
    try:
        number = _stat(place).st_dev
        entry = (_BLOCK / f"{os.major(number)}:{os.minor(number)}").resolve(strict=True)
        if (entry / "partition").exists():
            entry = entry.parent
        return (entry / "dev").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _seat(group: Cgroup | None, mounts: Path) -> Seat | None:
    """The service's own; one that it shares with this process or with everybody is never limited."""
    shared = seats_of(OWN_CGROUP, mounts)
    for controller in ("io", "blkio"):
        seat = group.seats.get(controller) if group is not None else None
        if seat is not None and seat != shared.get(controller) and seat.folder != mount_of(controller, mounts):
            return seat
    return None


def _write(seat: Seat, device: str, **limits: int) -> None:
    """0 lifts a limit of version 1."""
    if seat.version == 2:
        words = {"read_bps": "rbps", "read_iops": "riops", "write_bps": "wbps", "write_iops": "wiops"}
        line = " ".join(f"{words[name]}={value}" for name, value in limits.items())
        (seat.folder / "io.max").write_text(f"{device} {line}", encoding="ascii")
        return
    for name, value in limits.items():
        (seat.folder / f"blkio.throttle.{name}_device").write_text(f"{device} {value}", encoding="ascii")


def _write_root(loop: str, bps: int, iops: int, mounts: Path) -> None:
    """Version 1's write-back, which is nobody's. Where the root group is not ours to set, it stays without bounds."""
    root = mount_of("blkio", mounts)
    if root is not None:
        with contextlib.suppress(OSError):
            _write(Seat(1, root), loop, write_bps=bps, write_iops=iops)


def _is_loop(device: str) -> bool:
    return (_BLOCK / device / "loop").exists()
