"""Frozen or only quiet? A live sensor's noise changes every picture a little, everywhere; a frozen picture does not.

What is judged is the share of pixels that differ from one look to the next in the middle block: objects, and a clock
drawn into the picture, change some blocks only. Each camera is measured by its own quietest looks. An encoder that
removes all noise leaves nothing to tell by: such a camera is never called frozen. An encoder that refines a still
picture keeps changing it for a while: the picture is frozen once that has settled, and the finding is dated back to
when changes began to sink. Whatever changes the light or the view makes the camera learn anew what is usual, because
noise goes with both.
"""

import math
from collections import deque

import numpy as np

from eyespot.kernel.clock import NS_PER_S, from_seconds
from eyespot.vision.health.picture import COLUMNS, ROWS, Floats, Grey, block_means, quantile
from eyespot.vision.health.settings import HealthSettings

LEAST_LOOKS, LEAST_KEYS = 3, 2
"""So many comparisons at least, and so many with a key frame: between them an encoder may repeat a live picture."""
MAX_LOOKS = 256
DRAWN_BLOCKS = 4
"""So many blocks may go on changing in a frozen picture: a clock drawn into it."""
_SINKING = 0.8
_HOLD = 3.0
_BUSY = 0.5
_CLEAR_LEVELS, _CLEAR_SHARE = 10, 0.03
_FALL_S, _RISE_S, _FORGET_S = 60.0, 600.0, 86_400.0
_LIGHT_LEVELS, _LIGHT_SHARE = 6.0, 0.08


class Liveliness:
    """Follows one camera's changes from look to look."""

    def __init__(self, settings: HealthSettings) -> None:
        self._settings = settings
        self._last: Grey | None = None
        self._last_ns = 0
        self._quietest = math.inf
        self.forget()

    def forget(self) -> None:
        """Learn anew what is usual: the light or the view is another. The quietest that was ever usual stays known."""
        self._changes: deque[tuple[int, bool, Floats]] = deque(maxlen=MAX_LOOKS)
        self._floor = math.inf
        self._learned_s = 0.0
        self._level: float | None = None

    def update(self, grey: Grey, capture_ns: int, level: float, *, is_key: bool, still: bool) -> int | None:
        """Take the next image; since when the picture has stood still, None when it lives.

        Args:
            level: its mean brightness.
            is_key: it was decoded from a key frame.
            still: the picture has counted as frozen until now, and larger changes are wanted to think otherwise.
        """
        last, last_ns = self._last, self._last_ns
        self._last, self._last_ns = grey.copy(), capture_ns
        if last is None or last.shape != grey.shape or capture_ns <= last_ns:
            self.forget()
            return None
        if self._level is None:
            self._level = level
        elif abs(level - self._level) > _LIGHT_LEVELS + _LIGHT_SHARE * self._level:
            self.forget()
            return None
        self._changes.append((capture_ns, is_key, _changes(last, grey)))
        return self._judge(capture_ns, min(30.0, (capture_ns - last_ns) / NS_PER_S), still=still)

    def _judge(self, capture_ns: int, dt_s: float, *, still: bool) -> int | None:
        recent = self._recent(capture_ns - from_seconds(self._settings.frozen_s))
        if not recent:
            return None
        any_change, clear_change = np.max(recent, axis=0)
        most = np.sort(any_change)
        middle, busiest = float(most[ROWS * COLUMNS // 2]), float(most[-1 - DRAWN_BLOCKS])
        settings, usual = self._settings, min(self._floor, self._quietest)
        limit = settings.frozen_change * usual * (_HOLD if still else 1.0)
        if self._learned_s >= settings.lively_s and usual >= settings.least_change and middle < limit:
            moves = np.count_nonzero(clear_change > _CLEAR_SHARE) > DRAWN_BLOCKS
            if not moves and busiest < max(_BUSY * usual, limit):
                return self._since(usual)
            if moves:  # before a background that stands still: here, that is life
                self._quietest = middle
        self._learn(middle, dt_s)
        return None

    def _recent(self, begin_ns: int) -> list[Floats]:
        """The changes since ``begin_ns`` or before, so many that a live camera must have shown some; or none yet."""
        recent: list[Floats] = []
        keys = 0
        for at_ns, is_key, change in reversed(self._changes):
            if at_ns <= begin_ns and len(recent) >= LEAST_LOOKS and keys >= LEAST_KEYS:
                return recent
            recent.append(change)
            keys += is_key
        return []

    def _learn(self, most: float, dt_s: float) -> None:
        """Follow the quietest looks: down within a minute, up in ten, and up from the quietest ever in a day."""
        if self._learned_s < self._settings.lively_s:
            self._floor = min(self._floor, most)
        else:
            self._floor = _follow(self._floor, most, dt_s, _RISE_S)
            self._quietest = self._floor if self._quietest == math.inf else self._quietest
            self._quietest = _follow(self._quietest, most, dt_s, _FORGET_S)
        self._learned_s += dt_s

    def _since(self, usual: float) -> int:
        """The last look whose change was as usual: after it, changes sank for good."""
        for at_ns, _, change in reversed(self._changes):
            if quantile(change[0], 0.5) >= _SINKING * usual:
                return at_ns
        return self._changes[0][0]


def _follow(value: float, latest: float, dt_s: float, rise_s: float) -> float:
    pace_s = _FALL_S if latest < value else rise_s
    return value + (1.0 - math.exp(-dt_s / pace_s)) * (latest - value)


def _changes(before: Grey, after: Grey) -> Floats:
    """``(2, ROWS * COLUMNS)``: the share of each block's pixels that changed at all, and that changed clearly."""
    size = np.maximum(before, after) - np.minimum(before, after)
    shares = [block_means((size >= levels).astype(np.float32)).ravel() for levels in (1, _CLEAR_LEVELS)]
    return np.stack(shares)
