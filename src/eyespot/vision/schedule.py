"""When to detect: not in every picture, but when it may bring news.

Between detections the tracker's own prediction is trusted. A picture is worth a detection when a moment has passed
since the last one (the floor), when the tracker is unsure of what it follows, or when something moves where nothing is
known. Pure; time is capture time.
"""

from collections import deque
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from eyespot.contracts.detections import Boxes
from eyespot.kernel.clock import from_seconds
from eyespot.kernel.config import Settings

Box = tuple[float, float, float, float]
MAX_ASKED = 64
NEARLY = 0.95
"""A picture may come so much of a period early: capture times jitter, and the next one may be a whole frame away."""
Reason = Literal["first", "floor", "unsure", "new"]


class ScheduleSettings(Settings):
    """How often is often enough."""

    floor_hz: float = Field(default=5.0, gt=0, le=60)
    """While something moves or is known, detections are never further apart."""
    idle_hz: float = Field(default=1.0, gt=0, le=60)
    """While nothing moves and nothing is known: what stands still from the start must be found too."""
    ceiling_hz: float = Field(default=10.0, gt=0, le=240)
    """And never closer together, whatever happens."""
    margin: float = Field(default=0.25, ge=0, le=2)
    """A known object accounts for motion within its box widened by this part of its size on each side."""
    barren_s: float = Field(default=1.5, ge=0, le=600)
    """Motion in a place that was looked at for its sake, and is still unexplained, is not news again for so long."""
    tries: int = Field(default=1, ge=1, le=16)
    """A place is given up only after it was looked at so often within that time."""
    accounted: float = Field(default=0.6, gt=0, le=1)
    """Motion of which so large a part lies within known objects is not new."""


class DetectionSchedule:
    """The schedule of one camera.

    Attributes:
        counts: how many pictures were worth a detection, by reason.
    """

    def __init__(self, settings: ScheduleSettings | None = None) -> None:
        self.settings = settings or ScheduleSettings()
        self.counts: dict[Reason, int] = {"first": 0, "floor": 0, "unsure": 0, "new": 0}
        self._last_ns: int | None = None
        self._asked: deque[tuple[int, Boxes]] = deque(maxlen=MAX_ASKED)

    def wants(self, capture_ns: int, motion: Sequence[Box], known: Boxes, *, sure: bool) -> Reason | None:
        """Why this picture is worth a detection, None when it is not.

        Args:
            motion: where something moves, in fractions of the picture.
            known: where known objects should be now, ``(N, 4)``.
            sure: the tracker is sure of all it follows.
        """
        reason = self._reason(capture_ns, motion, known, sure=sure)
        if reason is not None:
            self.counts[reason] += 1
            self._last_ns = capture_ns
        return reason

    def _reason(self, capture_ns: int, motion: Sequence[Box], known: Boxes, *, sure: bool) -> Reason | None:
        if self._last_ns is None or capture_ns < self._last_ns:
            return "first"
        since_ns = capture_ns - self._last_ns
        rate_hz = self.settings.floor_hz if len(motion) or len(known) else self.settings.idle_hz
        if since_ns >= from_seconds(NEARLY / rate_hz):
            return "floor"
        if since_ns < from_seconds(NEARLY / self.settings.ceiling_hz):
            return None
        if not sure:
            return "unsure"
        news = self._unexplained(motion, known)
        while self._asked and capture_ns - self._asked[0][0] >= from_seconds(self.settings.barren_s):
            self._asked.popleft()
        looked = np.zeros(len(news), np.intp)
        for _, places in self._asked:
            looked += _middles_in(places, news)
        news = news[looked < self.settings.tries]
        if not len(news):
            return None
        self._asked.append((capture_ns, news))
        return "new"

    def _unexplained(self, motion: Sequence[Box], known: Boxes) -> Boxes:
        """The motion that is not explained by what is known, ``(N, 4)``."""
        moved = np.array(motion, np.float32).reshape(-1, 4)
        if not len(moved) or not len(known):
            return moved
        reach = (known[:, 2:] - known[:, :2]) * np.float32(self.settings.margin)
        low = np.maximum(moved[:, None, :2], known[:, :2] - reach)
        high = np.minimum(moved[:, None, 2:], known[:, 2:] + reach)
        shared = np.maximum(high - low, 0.0).prod(axis=2).sum(axis=1)
        areas = (moved[:, 2:] - moved[:, :2]).prod(axis=1)
        unexplained: Boxes = moved[shared < self.settings.accounted * areas]
        return unexplained


def _middles_in(places: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """For each of ``boxes`` whether its middle lies in one of ``places``."""
    middles = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    inside = (places[:, :2] <= middles) & (middles <= places[:, 2:])
    return np.asarray(np.any(np.all(inside, axis=2), axis=1), bool)
