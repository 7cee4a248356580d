"""Percentiles over the last few hundred measured delays."""

from collections import deque

KEPT = 512


class Latency:
    """A window of delays."""

    def __init__(self) -> None:
        self._values_ms: deque[float] = deque(maxlen=KEPT)

    def note(self, delay_ns: int) -> None:
        """Add one delay."""
        self._values_ms.append(delay_ns / 1e6)

    def percentile(self, share: float) -> float | None:
        """The delay in ms that ``share`` (0 to 1) of the window stays below; None when it is empty."""
        return percentile(list(self._values_ms), share)

    def values(self) -> list[float]:
        """The window, oldest first."""
        return list(self._values_ms)


def percentile(values: list[float], share: float) -> float | None:
    """The value that ``share`` of ``values`` stay below."""
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
