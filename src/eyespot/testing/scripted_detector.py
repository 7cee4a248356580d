"""A detector that knows the truth, for tests of what comes after detection."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.testing.synthetic_camera import SyntheticScene


class ScriptedDetector:
    """Stands in for the edge's detectors and for the one detector they give.

    Args:
        boxes: from capture time in ns to ``x1 y1 x2 y2`` rows in fractions of the picture; all of label 0, score 0.9.
        delay_s: how long each detection takes.
    """

    labels = ("person",)
    input_px = (416, 416)
    waiting = 0

    def __init__(self, boxes: Callable[[int], list[tuple[float, float, float, float]]], delay_s: float = 0.0) -> None:
        self.asked_ns: list[int] = []
        self.delay_s = delay_s
        self._boxes = boxes

    @classmethod
    def of_scene(cls, scene: SyntheticScene, start_ns: int = 0, least_visible: float = 0.5) -> "ScriptedDetector":
        """One that finds every figure of which ``least_visible`` is seen."""

        def boxes(capture_ns: int) -> list[tuple[float, float, float, float]]:
            index = round((capture_ns - start_ns) * scene.settings.fps / 1e9)
            return [each.box for each in scene.truth(index) if each.visible >= least_visible]

        return cls(boxes)

    def get(self, name: str, aspect: float, step: int = 0) -> "ScriptedDetector":
        """Itself, for every package."""
        return self

    def sizes(self, name: str, aspect: float) -> tuple[tuple[int, int], ...]:
        """The one size."""
        return (self.input_px,)

    def image(self, frame: Any, region: Any = None) -> NDArray[np.uint8]:
        """An empty picture."""
        return np.zeros((2, 2, 3), np.uint8)

    def wanted(self, labels: tuple[str, ...]) -> None:
        """All."""

    async def detect(self, image: NDArray[np.uint8], asked: Any) -> Detections:
        """The truth; ``asked`` is the edge's ``Asked``."""
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self.asked_ns.append(asked.capture_ns)
        boxes = np.array(self._boxes(asked.capture_ns), np.float32).reshape(-1, 4)
        count = len(boxes)
        return Detections(
            asked.capture_ns, boxes, np.full(count, 0.9, np.float32), np.zeros(count, np.int32), asked.aspect
        )
