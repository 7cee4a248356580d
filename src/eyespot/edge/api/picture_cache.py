"""Thumbnails kept on disk, so many and no more; the oldest go. Safe to lose, safe to delete while running."""

import contextlib
import os
import secrets
import threading
from pathlib import Path

MAX_FILES = 4000
_DROP = 400


class PictureCache:
    """JPEGs by name in ``folder``; made and swept when the first is put. Safe to use from several threads."""

    def __init__(self, folder: Path, *, max_files: int = MAX_FILES) -> None:
        self._folder = folder
        self._max_files = max_files
        self._count: int | None = None
        self._lock = threading.Lock()

    def get(self, name: str) -> bytes | None:
        """The picture, None when it is not kept."""
        try:
            return self._file(name).read_bytes()
        except OSError:
            return None

    def put(self, name: str, picture: bytes) -> None:
        """Keep ``picture``; a disk that refuses costs the cache, never the caller."""
        with self._lock, contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self._folder / f".{secrets.token_hex(8)}"
            try:
                draft.write_bytes(picture)
                os.replace(draft, self._file(name))
            finally:
                draft.unlink(missing_ok=True)
            self._count = self._counted() + 1
            if self._count > self._max_files:
                self._count -= self._sweep()

    def _counted(self) -> int:
        return len(os.listdir(self._folder)) - 1 if self._count is None else self._count

    def _sweep(self) -> int:
        """Delete the oldest tenth and return how many went."""
        drop = max(1, min(_DROP, self._max_files // 10))
        oldest = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime_ns)[:drop]
        for file in oldest:
            file.unlink(missing_ok=True)
        return len(oldest)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.jpg"
