"""What a service said, on disk: so much and no more, so that its last words outlive it and the host.

Written by the services process alone, read by whoever may read the state folder. Not synced: a power cut may cost the
newest lines, and nothing else waits for them.
"""

import contextlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from eyespot.kernel.clock import NS_PER_S

MAX_FILE_BYTES = 256 * 1024
"""Of the file that is written; the one before it is kept too, so a service takes twice that at most."""
SUFFIX, OLDER_SUFFIX = ".log", ".log.1"


class LogFile:
    """The log of service ``name`` in ``folder``, which is made when missing. Calls block on the disk."""

    def __init__(self, folder: Path, name: str, *, max_bytes: int = MAX_FILE_BYTES) -> None:
        self._path = folder / f"{name}{SUFFIX}"
        self._older = folder / f"{name}{OLDER_SUFFIX}"
        self._max_bytes = max_bytes

    def write(self, lines: Iterable[str], wall_ns: int) -> None:
        """Add ``lines``, each with the time; raises ``OSError`` where the disk refuses."""
        stamp = datetime.fromtimestamp(wall_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        data = "".join(f"{stamp} {line}\n" for line in lines).encode("utf-8", "replace")
        if not data:
            return
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        data = data[-self._max_bytes :]
        with contextlib.suppress(FileNotFoundError):
            if self._path.stat().st_size + len(data) > self._max_bytes:
                self._path.replace(self._older)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            file.write(data)

    def lines(self, count: int) -> list[str]:
        """The newest ``count`` lines, oldest first; none when it has not said anything."""
        found: list[str] = []
        for path in (self._older, self._path):
            try:
                found += path.read_text(encoding="utf-8", errors="replace").splitlines()
            except FileNotFoundError:
                continue
        return found[-count:] if count > 0 else []


def remove_logs(folder: Path, kept: Iterable[str]) -> None:
    """Remove the logs in ``folder`` of every service that is not one of ``kept``."""
    names = set(kept)
    for path in folder.glob(f"*{SUFFIX}*"):
        if path.name.removesuffix(OLDER_SUFFIX).removesuffix(SUFFIX) not in names:
            path.unlink(missing_ok=True)
