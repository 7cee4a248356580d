"""The disks of one media process: which root is written to, what happens when it is full or broken, who is told.

A full disk stops nothing but the oldest footage: a write that finds no space deletes the oldest segments of that disk
and is tried again at once.
"""

import errno
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.errors import EyespotError, unavailable
from eyespot.record.disk_thread import DiskThread
from eyespot.record.files import Files
from eyespot.record.index import SegmentIndex
from eyespot.record.ranking import most_expendable
from eyespot.record.segment import Segment
from eyespot.record.settings import RetentionSettings, RootSettings

log = logging.getLogger(__name__)

OnTrouble = Callable[[str, str], None]
"""``on_trouble(kind, text)``: kind is ``full``, ``failed`` or ``ok`` (the trouble is over). Any thread may call it."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_AVOID_NS = 60 * NS_PER_S
_ROOM_BYTES = 16 << 20
PLENTY_BYTES = 256 << 20
"""So much above a disk's floor, and its space is back: more than deleting the oldest footage leaves free by itself."""


class Storage:
    """What writers and retention share.

    Args:
        index: the segment index.
        roots: where footage may lie, hot ones in the order in which they are filled.
        clock: for ageing and for leaving a failed disk alone a while.
        retention: by camera, for choosing what goes first; cameras without an entry have the default.
        on_trouble: told when a disk is full or fails, and when it is well again.
    """

    def __init__(
        self,
        index: SegmentIndex,
        roots: tuple[RootSettings, ...],
        clock: Clock,
        *,
        retention: Mapping[str, RetentionSettings] | None = None,
        files: Files | None = None,
        on_trouble: OnTrouble | None = None,
        disk: DiskThread | None = None,
    ) -> None:
        self.index = index
        self.roots = roots
        self.clock = clock
        self.retention = dict(retention or {})
        self.files = files or Files()
        self.disk = disk or DiskThread()
        self.deleted_when_full = 0
        self.write_errors = 0
        self._on_trouble = on_trouble
        self._troubles: dict[str, str] = {}
        self._short: set[str] = set()
        self._failed_at: dict[str, int] = {}

    def close(self) -> None:
        """Finish what is queued and stop the disk thread."""
        self.disk.close()

    def choose_root(self) -> RootSettings:
        """The hot root to write to now: the first with free space that did not fail in the last minute, or else the
        first that did not fail, where the oldest footage will have to go. Raises ``UNAVAILABLE`` when none can be used.
        """
        hot = [root for root in self.roots if root.tier == "hot"]
        now = self.clock.monotonic_ns()
        usable = [root for root in hot if now - self._failed_at.get(str(root.path), now - _AVOID_NS) >= _AVOID_NS]
        fallback: RootSettings | None = None
        for root in usable or hot:
            try:
                root.path.mkdir(parents=True, exist_ok=True)
                free = self.files.free_bytes(root.path)
            except OSError as error:
                self.failed(str(root.path), error)
                continue
            fallback = fallback or root
            if free > max(root.min_free_bytes, _ROOM_BYTES):
                return root
        if fallback is None:
            raise unavailable(
                "No disk for footage can be used.", "Check that the storage roots are mounted and writable."
            )
        return fallback

    def make_room(self, root: str) -> bool:
        """Delete the most expendable closed segments of ``root``, a few at once; False when there is none."""
        candidates = self.index.oldest(root, 64)
        gone: list[Segment] = []
        freed = 0
        for segment in most_expendable(candidates, self.retention, self.clock.wall_ns()):
            self.files.delete(segment.file)
            gone.append(segment)
            freed += segment.size_bytes
            if freed >= _ROOM_BYTES:
                break
        if not gone:
            return False
        self.deleted_when_full += len(gone)
        text = f"{root} is full: the {len(gone)} oldest segments were deleted to go on recording."
        self.trouble("full", root, text, for_space=True)
        try:
            self.index.delete(segment.id for segment in gone)
        except EyespotError as error:  # the index may lie on the full disk: recovery drops rows without files
            log.warning("deleted segments stay in the index for now: %s", error)
        return True

    def failed(self, root: str, error: OSError) -> None:
        """A disk refused to work: leave it alone for a minute if there is another."""
        self.write_errors += 1
        self._failed_at[root] = self.clock.monotonic_ns()
        self.trouble("failed", root, f"{root} cannot be written: {error.strerror or error}.")

    def trouble(self, kind: str, root: str, text: str, *, for_space: bool = False) -> None:
        """Tell, once until it is over; ``for_space``: it is over as soon as there is plenty of free space."""
        (self._short.add if for_space else self._short.discard)(root)
        if self._troubles.get(root) == kind:
            return
        self._troubles[root] = kind
        log.warning("storage trouble: %s", text)
        if self._on_trouble is not None:
            self._on_trouble(kind, text)

    def well(self, root: str) -> None:
        """A disk works and has the free space it should have."""
        self._short.discard(root)
        if self._troubles.pop(root, None) is not None and self._on_trouble is not None:
            self._on_trouble("ok", f"{root} works again.")

    def worked(self, root: str) -> None:
        """Something was written: a disk that failed works again."""
        if self._troubles.get(root) == "failed":
            self.well(root)

    @property
    def short_of_space(self) -> bool:
        """Whether a disk is in trouble for nothing but space."""
        return bool(self._short)

    def look(self) -> None:
        """End the trouble of disks that were short of space and have plenty again; blocks on the disk for a moment."""
        for root in self.roots:
            name = str(root.path)
            try:
                if name in self._short and self.files.free_bytes(root.path) >= root.min_free_bytes + PLENTY_BYTES:
                    self.well(name)
            except OSError:  # it is not there now: the next write or round of retention says so
                continue

    def status(self) -> dict[str, Any]:
        """Disks and counters as JSON-ready values."""
        return {
            "roots": [self._root_status(root) for root in self.roots],
            "deleted_when_full": self.deleted_when_full,
            "write_errors": self.write_errors,
            "disk_queue": self.disk.status(),
        }

    def _root_status(self, root: RootSettings) -> dict[str, Any]:
        try:
            free: int | None = self.files.free_bytes(root.path)
        except OSError:
            free = None
        name = str(root.path)
        return {
            "path": name, "tier": root.tier, "free_bytes": free, "min_free_bytes": root.min_free_bytes,
            "trouble": self._troubles.get(name, ""),
        }  # fmt: skip


def is_full(error: OSError) -> bool:
    """Whether an error says that there is no space left."""
    return error.errno in _FULL


def default_roots(state: Path) -> tuple[RootSettings, ...]:
    """What is used when nothing is configured: ``archive`` below the state folder."""
    return (RootSettings(path=(state / "archive").absolute()),)
