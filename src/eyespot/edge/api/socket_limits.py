"""How many WebSockets may be open: for the whole host, and for one account."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from eyespot.kernel.errors import EyespotError, Kind


class SocketLimits:
    """Counts open WebSockets."""

    def __init__(self, *, per_account: int = 64, in_all: int = 256) -> None:
        self._per_account = per_account
        self._in_all = in_all
        self._open: Counter[str] = Counter()
        self.refused = 0

    @contextmanager
    def hold(self, account: str) -> Iterator[None]:
        """Count one of ``account`` while inside; raises ``THROTTLED`` when there are too many."""
        if self._open[account] >= self._per_account or self._open.total() >= self._in_all:
            self.refused += 1
            raise EyespotError(Kind.THROTTLED, "Too many live connections are open.", "Close some views.")
        self._open[account] += 1
        try:
            yield
        finally:
            self._open[account] -= 1
            if not self._open[account]:
                del self._open[account]

    @property
    def open(self) -> int:
        """Open WebSockets now."""
        return self._open.total()
