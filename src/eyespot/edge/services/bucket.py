"""A token bucket: so much a second, saved up to a bound. Pure but for the clock it is given."""

from eyespot.kernel.clock import Clock, seconds


class Bucket:
    """Gains ``rate_per_s`` tokens a second, up to ``most`` (None: a second's worth), and begins full."""

    def __init__(self, rate_per_s: float, clock: Clock, most: float | None = None) -> None:
        self._rate_per_s = rate_per_s
        self._most = rate_per_s if most is None else most
        self._clock = clock
        self._left = self._most
        self._looked_ns = clock.monotonic_ns()

    def wait_s(self, amount: float = 0.0) -> float:
        """Seconds until ``amount`` is there, or what is owed is paid; 0: now."""
        now_ns = self._clock.monotonic_ns()
        self._left = min(self._most, self._left + seconds(now_ns - self._looked_ns) * self._rate_per_s)
        self._looked_ns = now_ns
        return max(0.0, (amount - self._left) / self._rate_per_s)

    def take(self, amount: float) -> float:
        """Take ``amount``, going into debt when it must; returns how many seconds to wait until the debt is paid."""
        self.wait_s()
        self._left -= amount
        return max(0.0, -self._left / self._rate_per_s)
