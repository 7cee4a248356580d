"""Clips to keep: written to a nameless temporary file by one thread, then streamed from it.

The file is unlinked as soon as it is open, so it is gone with its last reader, after a crash too. One clip is made at a
time, so that recording keeps the disk; a few wait, the rest are refused.
"""

import asyncio
import contextlib
import secrets
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, invalid
from eyespot.record.index import SegmentIndex

MAX_EXPORT_NS = 2 * 3600 * NS_PER_S
_MAX_WAITING = 4
_SPARE_BYTES = 256 << 20
_CHUNK_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Clip:
    """An MP4 file without a name; iterate ``chunks`` to the end or close it."""

    file: BinaryIO
    size_bytes: int
    start_wall_ns: int

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes; closes it."""
        with self.file:
            while chunk := self.file.read(_CHUNK_BYTES):
                yield chunk


class Exports:
    """Makes clips below ``folder``; what a crash left there is removed."""

    def __init__(self, index: SegmentIndex, folder: Path) -> None:
        self._index = index
        self._folder = folder
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="export")
        self._waiting = 0
        shutil.rmtree(folder, ignore_errors=True)

    async def make(self, camera: str, stream: str, from_ns: int, to_ns: int) -> Clip:
        """The footage between two moments as one MP4.

        Raises:
            EyespotError: ``INVALID`` for an impossible span, ``NOT_FOUND`` without footage, ``THROTTLED`` when too many
                clips are being made, ``EXHAUSTED`` when the disk has no room for it.
        """
        if not 0 < to_ns - from_ns <= MAX_EXPORT_NS:
            raise invalid("A clip must be longer than nothing and at most two hours long.", "Export it in parts.")
        if self._waiting >= _MAX_WAITING:
            raise EyespotError(Kind.THROTTLED, "Several clips are being made already.", "Try again in a minute.")
        self._waiting += 1
        try:
            work = asyncio.get_running_loop().run_in_executor(self._thread, self._make, camera, stream, from_ns, to_ns)
            return await work
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Give up what waits."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _make(self, camera: str, stream: str, from_ns: int, to_ns: int) -> Clip:
        from eyespot.record.export import export_clip  # brings PyAV: only for those who ask for clips

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        segments = self._index.between(camera, stream, from_ns, to_ns)
        needed = sum(segment.size_bytes for segment in segments) + _SPARE_BYTES
        if shutil.disk_usage(self._folder).free < needed:
            raise EyespotError(
                Kind.EXHAUSTED, "The disk of the state folder has no room for this clip.", "Export a shorter one."
            )
        path = self._folder / f"{secrets.token_hex(8)}.mp4"
        try:
            made = export_clip(self._index, camera, stream, from_ns, to_ns, path)
            return Clip(path.open("rb"), made.size_bytes, made.start_wall_ns)
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
