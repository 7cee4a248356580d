"""How much of something may still be spent: so much a second, saved up to a bound, refused when there is none. Pure."""

from eyespot.kernel.clock import Clock, seconds


class Meter:
    """Gains ``rate_per_s`` each second up to ``most``; what is spent may go into debt."""

    def __init__(self, rate_per_s: float, most: float, clock: Clock) -> None:
        self._rate_per_s, self._most, self._clock = rate_per_s, most, clock
        self._left, self._looked_ns = most, clock.monotonic_ns()

    def wait_s(self, amount: float = 0.0) -> float:
        """Seconds until ``amount`` is there, or what was owed is paid; 0: now."""
        now_ns = self._clock.monotonic_ns()
        self._left = min(self._most, self._left + seconds(now_ns - self._looked_ns) * self._rate_per_s)
        self._looked_ns = now_ns
        return max(0.0, (amount - self._left) / self._rate_per_s)

    def spend(self, amount: float) -> None:
        """Take ``amount``."""
        self.wait_s()
        self._left -= amount
