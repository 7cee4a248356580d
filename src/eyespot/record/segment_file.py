"""One segment on its way to disk. Every method is a job of the disk thread, in order."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from eyespot.kernel.errors import EyespotError
from eyespot.record.segment import Segment, segment_path
from eyespot.record.settings import SyncPolicy
from eyespot.record.storage import Storage, is_full

log = logging.getLogger(__name__)
_MAX_NAMES = 1000
_MAX_TRIES = 50
_BUSY_JOBS = 64


class SegmentFile:
    """A file being written, and its row in the index.

    Attributes:
        failed: the disk refused; the writer should begin another segment at the next key frame.
        lost_fragments: how many could not be written.
        syncs_skipped: how often a disk that lags behind was spared a sync.
    """

    def __init__(self, storage: Storage, segment: Segment, sync: SyncPolicy) -> None:
        self.failed = False
        self.lost_fragments = 0
        self.fragments = 0
        self.syncs_skipped = 0
        self.size_bytes = 0
        self._storage = storage
        self._segment = segment
        self._sync = sync
        self._descriptor = -1

    @property
    def segment(self) -> Segment:
        """The row as it was stored."""
        return self._segment

    def open(self, init: bytes) -> None:
        """Make the file with its initialisation segment, then its row."""
        storage = self._storage
        try:
            root = storage.choose_root()
        except EyespotError:
            self.failed = True
            return
        self._segment = replace(self._segment, root=str(root.path), init_bytes=len(init))
        try:
            self._create()
        except OSError as error:
            if not (is_full(error) and storage.make_room(self._segment.root)):
                self._give_up(error)
                return
        if self._descriptor < 0:
            try:
                self._create()
            except OSError as error:
                self._give_up(error)
                return
        if not self._write([init]):
            return
        self._add_row()

    def append(self, parts: Sequence[bytes]) -> None:
        """Write one fragment whole, or not at all."""
        if self._descriptor < 0 or not self._write(parts):
            self.lost_fragments += 1
            return
        self.fragments += 1
        if self._sync == "fragment":
            self._force()

    def close(self, duration_ns: int, *, has_event: bool) -> None:
        """Finish the file and its row."""
        if self._descriptor < 0:
            return
        if self._sync != "never":
            self._force(always=True)
        self._storage.files.close(self._descriptor)
        self._descriptor = -1
        if not self._segment.id and not self._add_row():
            return
        try:
            self._storage.index.close_segment(
                self._segment.id, duration_ns=duration_ns, size_bytes=self.size_bytes, has_event=has_event
            )
        except EyespotError as error:  # the row stays open: recovery closes it
            log.warning("segment %s stays open in the index: %s", self._segment.path, error)

    def _add_row(self) -> bool:
        """Tell the index. When it cannot take it (its own disk is full) it is tried again as the file closes."""
        try:
            self._segment = replace(self._segment, id=self._storage.index.add(self._segment))
        except EyespotError as error:  # the file is complete in itself: in the end recovery finds it
            log.warning("segment %s is not in the index yet: %s", self._segment.path, error)
            return False
        return True

    def _create(self) -> None:
        segment = self._segment
        for suffix in range(_MAX_NAMES):
            path = segment_path(segment.camera, segment.stream, segment.start_wall_ns, suffix)
            try:
                self._descriptor = self._storage.files.create(Path(segment.root) / path)
            except FileExistsError:
                continue
            self._segment = replace(segment, path=path)
            return
        raise FileExistsError(f"There are {_MAX_NAMES} files named like {segment.path}.")

    def _write(self, parts: Sequence[bytes]) -> bool:
        storage, root = self._storage, self._segment.root
        for _ in range(_MAX_TRIES):
            try:
                self.size_bytes += storage.files.append(self._descriptor, parts)
            except OSError as error:
                self._drop_tail()
                if is_full(error) and storage.make_room(root):
                    continue
                if is_full(error):
                    text = f"{root} is full and holds no footage that could be deleted."
                    storage.trouble("full", root, text, for_space=True)
                    return False
                self._give_up(error)
                return False
            storage.worked(root)
            return True
        return False

    def _drop_tail(self) -> None:
        try:
            self._storage.files.truncate(self._descriptor, self.size_bytes)
        except OSError as error:
            self._give_up(error)

    def _force(self, *, always: bool = False) -> None:
        if not always and self._storage.disk.backlog > _BUSY_JOBS:
            self.syncs_skipped += 1
            return
        try:
            self._storage.files.sync(self._descriptor)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        self.failed = True
        self._storage.failed(self._segment.root, error)
