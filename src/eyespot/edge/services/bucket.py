"""A token bucket: so much a second, with a second's worth saved up at most. Pure but for the clock it is given."""

from eyespot.kernel.clock import Clock, seconds


class Bucket:
    """Holds at most ``rate_per_s`` tokens and gains as many a second."""

    def __init__(self, rate_per_s: float, clock: Clock) -> None:
        self._rate_per_s = rate_per_s
        self._clock = clock
        self._left = rate_per_s
        self._looked_ns = clock.monotonic_ns()

    def take(self, amount: float) -> float:
        """Take ``amount``, going into debt when it must; returns how many seconds to wait until the debt is paid."""
        now_ns = self._clock.monotonic_ns()
        self._left = min(self._rate_per_s, self._left + seconds(now_ns - self._looked_ns) * self._rate_per_s)
        self._looked_ns = now_ns
        self._left -= amount
        return max(0.0, -self._left / self._rate_per_s)
