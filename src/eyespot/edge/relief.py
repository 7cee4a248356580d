"""Where a camera's decoding falls behind, key frames alone are looked at for a while, longer each time it happens."""

from eyespot.kernel.clock import NS_PER_S, from_seconds

SHORTEST_S, LONGEST_S = 10.0, 120.0
FORGOTTEN_NS = 60 * NS_PER_S
"""After so long without trouble the next time is short again."""


class Relief:
    """Times are monotonic."""

    def __init__(self) -> None:
        self._next_s = SHORTEST_S
        self._until_ns = 0

    def begin(self, now_ns: int) -> bool:
        """Decoding is behind: whether a time of relief begins now; False while one lasts."""
        if now_ns < self._until_ns:
            return False
        self._until_ns = now_ns + from_seconds(self._next_s)
        self._next_s = min(LONGEST_S, self._next_s * 2)
        return True

    def is_over(self, now_ns: int) -> bool:
        """Whether the time of relief has passed; asked after each look."""
        if now_ns - self._until_ns > FORGOTTEN_NS:
            self._next_s = SHORTEST_S
        return now_ns >= self._until_ns
