"""What one hour comes to, for each place and group: summed up moment by moment into plain values. Pure.

``sum_s`` is the number times how long it was so, in seconds: divided by the hour's ``watched_s`` it is the average;
``busy_s`` is how long there was anybody, ``max`` the most at once, ``visits`` how many tracks came.
"""

from typing import Any

from eyespot.sdk import NS_PER_S

from .counting import Present

GAP_S = 15.0
"""Between two moments further apart nobody looked."""
FORGET_S = 30.0
"""A track that comes back to a place within so long is still the same visit."""
Hour = dict[str, Any]


class Totals:
    """Adds moments to hours; what was at a moment is taken to last until the next."""

    def __init__(self) -> None:
        self._before: Present = {}
        self._before_ns: int | None = None
        self._seen_ns: dict[tuple[str, str, int], int] = {}

    def add(self, there: Present, capture_ns: int, hour: Hour) -> None:
        """Take the moment ``capture_ns`` (monotonic) into ``hour``."""
        gap_s = 0.0 if self._before_ns is None else (capture_ns - self._before_ns) / NS_PER_S
        if 0 < gap_s <= GAP_S:
            _add_time(self._before, gap_s, hour)
        self._add_visits(there, capture_ns, hour)
        self._before, self._before_ns = there, capture_ns

    def _add_visits(self, there: Present, capture_ns: int, hour: Hour) -> None:
        known = self._seen_ns
        oldest_ns = capture_ns - int(FORGET_S * NS_PER_S)
        self._seen_ns = {key: at_ns for key, at_ns in known.items() if oldest_ns <= at_ns <= capture_ns}
        for place, groups in there.items():
            for group, ids in groups.items():
                fresh = sum((place, group, number) not in self._seen_ns for number in ids)
                self._seen_ns |= {(place, group, number): capture_ns for number in ids}
                if ids:
                    sums = _sums(hour, place, group)
                    sums["visits"] += fresh
                    sums["max"] = max(sums["max"], len(ids))


def _add_time(there: Present, gap_s: float, hour: Hour) -> None:
    hour["watched_s"] = round(hour.get("watched_s", 0.0) + gap_s, 3)
    for place, groups in there.items():
        for group, ids in groups.items():
            if ids:
                sums = _sums(hour, place, group)
                sums["sum_s"] = round(sums["sum_s"] + len(ids) * gap_s, 3)
                sums["busy_s"] = round(sums["busy_s"] + gap_s, 3)


def _sums(hour: Hour, place: str, group: str) -> dict[str, Any]:
    places = hour.setdefault("places", {})
    empty = {"sum_s": 0.0, "busy_s": 0.0, "max": 0, "visits": 0}
    found: dict[str, Any] = places.setdefault(place, {}).setdefault(group, empty)
    return found
