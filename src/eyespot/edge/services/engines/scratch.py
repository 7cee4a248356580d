"""A service's own storage, kept across restarts and bounded in size.

As root it is an ext4 image of exactly the budget, mounted through a loop device: when it is full the service alone
gets ENOSPC. Else it is a plain folder, where only the size of each file is bounded (RLIMIT_FSIZE) and nothing bounds
their number.

A namespace that is being made holds a copy of every mount, for a moment or (podman's monitor of a container) as long
as another service runs. So the image is mounted on a shared mount of the folder: unmounting it here unmounts it in
every copy. It is never looked at, resized or mounted again before its loop device is gone.

The image's blocks are written by the kernel alone, never by the service, so mounting it again is safe. Nothing here
follows a link or opens a file that a service made.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.services.engines.disk_rate import lift_limits
from eyespot.kernel.errors import EyespotError, unavailable

log = logging.getLogger(__name__)

IMAGE, MOUNT, FOLDER = "storage.img", "storage", "files"
_TOOLS = ("mkfs.ext4", "e2fsck", "resize2fs", "mount", "umount")
_LOOKS, _LOOK_S = 500, 0.02
_NEVER = threading.Event()
_LOOP_SET_DIRECT_IO = 0x4C08
"""linux/loop.h"""
_FSCK_OK = 1
"""e2fsck's status: 0 clean, 1 repaired."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """Opened storage: ``where`` is what the service gets; ``mounted`` tells whether its size is a hard cap."""

    where: Path
    mounted: bool

    def close(self) -> None:
        """The service has ended: put the storage away."""
        if self.mounted:
            _unmount(self.where)


def open_scratch(home: Path, disk_mb: int, owner_uid: int, pause: Callable[[float], object] = _NEVER.wait) -> Scratch:
    """Open the storage kept in ``home``, making or resizing it first.

    Args:
        owner_uid: the user (of the host) who may use it.
        pause: waits so many seconds, in the caller's thread.

    Raises ``UNAVAILABLE`` when an image is there but cannot be mounted, or is still mounted elsewhere.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    image, where = home / IMAGE, home / MOUNT
    where.mkdir(exist_ok=True)
    _unmount(where)  # an earlier life may have left it
    if os.geteuid() == 0 and disk_mb > 0 and all(map(shutil.which, _TOOLS)):
        known = image.exists()
        _await_detached(image, pause)
        try:
            _prepare(image, disk_mb << 20, owner_uid)
            _run("mount", "--bind", "--make-shared", str(where), str(where))
            _run("mount", "-o", "loop,nosuid,nodev,noexec,noatime", str(image), str(where))
            _go_direct(where)
            return Scratch(where, mounted=True)
        except EyespotError as error:
            _unmount(where)
            if known:
                raise
            log.warning("storage in %s is a plain folder: %s", home, error.what)
            image.unlink(missing_ok=True)
    return Scratch(_plain(home / FOLDER, owner_uid), mounted=False)


async def opened(home: Path, disk_mb: int, owner_uid: int) -> Scratch:
    """``open_scratch`` in a thread; where it is cancelled, what the thread opens all the same is put away first."""
    opening = asyncio.ensure_future(asyncio.to_thread(open_scratch, home, disk_mb, owner_uid))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(EyespotError, OSError):
            await asyncio.to_thread((await opening).close)
        raise


def put_away(home: Path) -> None:
    """Unmount storage that an earlier life has left; nothing of it is running any more."""
    _unmount(home / MOUNT)


def discard(home: Path) -> None:
    """Remove the storage in ``home`` for good, mounted or not."""
    put_away(home)
    shutil.rmtree(home, ignore_errors=True)


def _go_direct(where: Path) -> None:
    """Past the host's page cache: what is written there is the service's own I/O, at its rate and priority.

    Not every file system below can do that; then the loop device writes by itself, later.
    """
    with contextlib.suppress(OSError):
        device = os.open(f"/dev/loop{os.minor(where.stat().st_dev)}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.ioctl(device, _LOOP_SET_DIRECT_IO, 1)
        finally:
            os.close(device)


def _await_detached(image: Path, pause: Callable[[float], object]) -> None:
    for _ in range(_LOOKS):
        if not _attached(image):
            return
        pause(_LOOK_S)
    raise unavailable(f"{image} is still in use.", "Find with losetup and findmnt --task what holds it, and end that.")


def _attached(image: Path) -> bool:
    """Whether a loop device of this machine has the image open."""
    name = str(image.resolve())
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            if file.read_text(encoding="utf-8", errors="surrogateescape").rstrip("\n") == name:
                return True
    return False


def _prepare(image: Path, size_bytes: int, owner_uid: int) -> None:
    if not image.exists():
        fresh = image.with_suffix(".new")
        with fresh.open("wb") as file:
            file.truncate(size_bytes)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", f"root_owner={owner_uid}:{owner_uid}", str(fresh))
        fresh.rename(image)
        return
    _run("e2fsck", "-f", "-p", str(image), worst=_FSCK_OK)
    now_bytes = image.stat().st_size
    if now_bytes == size_bytes:
        return
    try:
        if size_bytes > now_bytes:
            os.truncate(image, size_bytes)
        _run("resize2fs", str(image), f"{size_bytes // 1024}K")
        os.truncate(image, size_bytes)
    except EyespotError as error:
        log.warning("storage of %s keeps its size: %s", image.parent.name, error.what)


def _plain(folder: Path, owner_uid: int) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, owner_uid, owner_uid)
    return folder


def _unmount(where: Path) -> None:
    """The image and the shared mount below it, whichever are there."""
    for _ in range(mounts_on(where)):
        lift_limits(where)
        try:
            _run("umount", str(where))
        except EyespotError:
            log.warning("%s is still in use and is unmounted when it no longer is", where)
            _run("umount", "--lazy", str(where))


def mounts_on(place: Path) -> int:
    """How many mounts lie on ``place``, one above the other. ``ismount`` does not tell a folder bound to itself."""
    name = (
        str(place.resolve()).replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")
    )
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
        return sum(line.split(" ", 2)[1] == name for line in mounts)


def _run(*command: str, worst: int = 0) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode > worst:
        said = (done.stderr or done.stdout).strip().splitlines()
        why = said[-1] if said else f"status {done.returncode}"
        raise unavailable(f"{command[0]} of {command[-1]} failed: {why}.")
