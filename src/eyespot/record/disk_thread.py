"""One thread that does the waiting on disks for all streams of a process, with a bounded queue."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)
Job = Callable[[], None]


class DiskThread:
    """Does jobs in the order they came, away from the event loop.

    Args:
        max_jobs, max_bytes: what may wait. When either is passed ``submit`` refuses, and the caller keeps its data.
    """

    def __init__(self, *, max_jobs: int = 4096, max_bytes: int = 96 << 20) -> None:
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._jobs: deque[tuple[Job, int]] = deque()
        self._bytes = 0
        self._ready = threading.Condition()
        self._closing = False
        self._refused = 0
        self._peak_bytes = 0
        self._failed = 0
        self._thread = threading.Thread(target=self._work, name="disk", daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Jobs that wait."""
        return len(self._jobs)

    def submit(self, job: Job, size_bytes: int = 0) -> bool:
        """Queue ``job``, which holds ``size_bytes`` of data; False, counted, when the queue is full or closed."""
        with self._ready:
            full = len(self._jobs) >= self._max_jobs or (self._jobs and self._bytes + size_bytes > self._max_bytes)
            if full or self._closing:
                self._refused += 1
                return False
            self._jobs.append((job, size_bytes))
            self._bytes += size_bytes
            self._peak_bytes = max(self._peak_bytes, self._bytes)
            self._ready.notify()
            return True

    def drain(self, timeout_s: float = 30.0) -> bool:
        """Wait until everything queued before now is done; False when that took longer than ``timeout_s``."""
        done = threading.Event()
        with self._ready:
            if self._closing:
                return not self._jobs
            self._jobs.append((done.set, 0))  # beyond the bound: it holds no data and its caller waits for it
            self._ready.notify()
        return done.wait(timeout_s)

    def close(self, timeout_s: float = 30.0) -> None:
        """Do what is queued, then end the thread."""
        with self._ready:
            self._closing = True
            self._ready.notify()
        self._thread.join(timeout_s)

    def status(self) -> dict[str, Any]:
        """Counters as JSON-ready values."""
        return {
            "jobs": len(self._jobs), "bytes": self._bytes, "peak_bytes": self._peak_bytes,
            "refused": self._refused, "failed": self._failed,
        }  # fmt: skip

    def _work(self) -> None:
        while True:
            with self._ready:
                while not self._jobs:
                    if self._closing:
                        return
                    self._ready.wait()
                job, size_bytes = self._jobs[0]
            try:
                job()
            except Exception:  # a job that fails must not end the thread that all streams share
                log.exception("a disk job failed")
                self._failed += 1
            with self._ready:
                self._jobs.popleft()
                self._bytes -= size_bytes
