"""How good the predictions are, by what became true of them: beside saying that everything stays where it is. Pure."""

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Any

from eyespot.sdk import NS_PER_S
from eyespot.sdk.regions import Point

from .way import Way

EVERY_S, LATE_S = 1.0, 0.5
"""A prediction a second and track is judged, by where the track is at most so long after its time came."""
MAX_WAITING, KEPT = 512, 500


@dataclass(frozen=True, slots=True)
class _Said:
    track: int
    due_ns: int
    ahead: Point
    foot: Point
    height: float


class Score:
    """Errors of the last ``KEPT`` predictions that came due, in heights of the object's box.

    Objects that were lost meanwhile are not judged: of them it is not known where they went.
    """

    def __init__(self) -> None:
        self._waiting: deque[_Said] = deque(maxlen=MAX_WAITING)
        self._said_ns: dict[int, int] = {}
        self._errors: deque[tuple[float, float]] = deque(maxlen=KEPT)

    def update(self, ways: dict[int, Way], at_ns: int, horizon_s: float) -> None:
        """Judge what is due at ``at_ns``, and note what is predicted now."""
        while self._waiting and self._waiting[0].due_ns <= at_ns:
            said = self._waiting.popleft()
            now = ways.get(said.track)
            if now is not None and at_ns - said.due_ns <= LATE_S * NS_PER_S:
                ours, still = math.dist(now.foot, said.ahead), math.dist(now.foot, said.foot)
                self._errors.append((ours / said.height, still / said.height))
        self._said_ns = {number: self._said_ns.get(number, 0) for number in ways}
        for number, way in ways.items():
            if at_ns - self._said_ns[number] >= EVERY_S * NS_PER_S:
                self._said_ns[number] = at_ns
                due_ns = at_ns + round(horizon_s * NS_PER_S)
                self._waiting.append(_Said(number, due_ns, way.ahead(horizon_s), way.foot, way.height))

    def start_over(self) -> None:
        """Another horizon, or another life of the camera's clock: what waits cannot be judged any more."""
        self._waiting.clear()
        self._said_ns.clear()
        self._errors.clear()

    def told(self) -> dict[str, Any]:
        """Medians, and of how many; nothing before there is one."""
        if not self._errors:
            return {"judged": 0}
        ours, still = (round(median(errors), 3) for errors in zip(*self._errors, strict=True))
        return {"judged": len(self._errors), "median_error": ours, "median_error_staying": still}
