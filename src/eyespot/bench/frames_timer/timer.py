"""The service of `bench frames`: notes how long each frame had been whole in the ring when its handler was called."""

import time
from collections import deque
from typing import Any

from eyespot.sdk import Service

MOST = 10_000


class Timer(Service):
    """Answers `figures` with all waits since it was asked before, in milliseconds."""

    verbs = ("figures",)

    def on_start(self) -> None:
        """Begin with none."""
        self._beyond: deque[float] = deque(maxlen=MOST)
        self._whole: deque[float] = deque(maxlen=MOST)

    def on_frame(self, view: str, frame: Any) -> None:
        """Note when it came, and nothing else."""
        now_ns = time.monotonic_ns()
        self._beyond.append((now_ns - frame.written_ns) / 1e6)
        self._whole.append((now_ns - frame.stamp.capture_ns) / 1e6)

    def on_request(self, verb: str, body: Any) -> dict[str, list[float]]:
        """`figures`: what was noted."""
        noted = {"beyond_ms": self._beyond, "capture_ms": self._whole}
        answer = {name: [round(value, 3) for value in values] for name, values in noted.items()}
        self.on_start()
        return answer
