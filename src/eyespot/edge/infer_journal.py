"""What the inference process was doing when it died, and what follows: targets that killed it are left alone a while.

A *target* is a variant on an accelerator, written ``package/variant@accelerator``. Before a lane touches one it writes
its name into a small mapped file, which outlives the process whatever ends it; names found at the next start are what
it died in. A target with ``MAX_CRASHES`` of them is avoided for ``AVOID_S``, so that the next best one takes over.
"""

import json
import logging
import mmap
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eyespot.kernel.clock import Clock, from_seconds

log = logging.getLogger(__name__)

MAX_CRASHES = 2
AVOID_S = 3600.0
MAX_TARGETS = 256
_SLOTS, _SLOT_BYTES = 64, 256
_MAX_FILE_BYTES = 1 << 18


class Journal:
    """Names of what runs now, in ``folder``; thread-safe. Made once a process, before its lanes."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._clock = clock
        self._crashes_path = folder / "infer-crashes.json"
        descriptor = os.open(folder / "infer-running", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            os.ftruncate(descriptor, _SLOTS * _SLOT_BYTES)
            self._running = mmap.mmap(descriptor, _SLOTS * _SLOT_BYTES)
        finally:
            os.close(descriptor)
        self._lock = threading.Lock()
        self._since_ns: dict[int, int] = {}
        self._crashes = self._read_crashes()
        self.died_in = tuple(sorted(set(self._names())))
        """Targets that the process before this one died in; empty after an orderly end."""
        self._running[:] = bytes(len(self._running))
        for target in self.died_in:
            self._note_crash(target)

    def avoided(self) -> frozenset[str]:
        """Targets to be left alone now."""
        since_ns = self._clock.wall_ns() - from_seconds(AVOID_S)
        return frozenset(
            target
            for target, times in self._crashes.items()
            if sum(since_ns < at_ns <= self._clock.wall_ns() for at_ns in times) >= MAX_CRASHES
        )

    @contextmanager
    def running(self, target: str) -> Iterator[None]:
        """While the process does something with ``target`` that could end it."""
        name = target.encode()[: _SLOT_BYTES - 1]
        with self._lock:
            slot = next((slot for slot in range(_SLOTS) if slot not in self._since_ns), None)
            if slot is not None:
                self._since_ns[slot] = self._clock.monotonic_ns()
        if slot is None:
            yield
            return
        begin = slot * _SLOT_BYTES
        self._running[begin : begin + len(name) + 1] = name + b"\0"
        try:
            yield
        finally:
            self._running[begin] = 0
            with self._lock:
                del self._since_ns[slot]

    def longest_ns(self) -> int:
        """For how long the oldest of what runs now has run; 0 when nothing does."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            return max((now_ns - since_ns for since_ns in self._since_ns.values()), default=0)

    def _names(self) -> Iterator[str]:
        for slot in range(_SLOTS):
            name = bytes(self._running[slot * _SLOT_BYTES : (slot + 1) * _SLOT_BYTES]).partition(b"\0")[0]
            if name:
                yield name.decode("utf-8", "replace")

    def _note_crash(self, target: str) -> None:
        times = [*self._crashes.get(target, [])[-MAX_CRASHES:], self._clock.wall_ns()]
        self._crashes[target] = times
        while len(self._crashes) > MAX_TARGETS:
            self._crashes.pop(next(iter(self._crashes)))
        part = self._crashes_path.with_suffix(".part")
        part.write_text(json.dumps(self._crashes), encoding="utf-8")
        part.replace(self._crashes_path)

    def _read_crashes(self) -> dict[str, list[int]]:
        """What is on disk, or nothing when that is not readable: a lost memory of crashes costs a crash at most."""
        try:
            with self._crashes_path.open("rb") as file:
                found = json.loads(file.read(_MAX_FILE_BYTES))
            return {str(name): [int(at_ns) for at_ns in times] for name, times in list(found.items())[:MAX_TARGETS]}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            log.warning("%s cannot be read and is begun anew", self._crashes_path.name)
            return {}
