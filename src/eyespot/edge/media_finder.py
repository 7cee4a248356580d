"""Whether the process that finds events is still the one that started them, so that none is waited for in vain."""

from collections.abc import Callable

from eyespot.kernel.clock import Clock, from_seconds

SILENT_S = 15.0
"""Reports come every two seconds; so long without one, and the finder counts as gone."""


class FinderWatch:
    """Watches the vision process from the media process.

    Args:
        forget: called when the events that lasted will not be ended any more by who found them.
    """

    def __init__(self, clock: Clock, forget: Callable[[], None]) -> None:
        self._clock = clock
        self._forget = forget
        self._pid: int | None = None
        self._heard_ns = 0

    def heard(self, pid: int) -> None:
        """A status report of process ``pid`` came."""
        if self._pid is not None and pid != self._pid:
            self._forget()
        self._pid, self._heard_ns = pid, self._clock.monotonic_ns()

    def died(self) -> None:
        """The supervisor says that the process is gone."""
        self._pid = None
        self._forget()

    def look(self) -> None:
        """Called every few seconds."""
        if self._pid is not None and self._clock.monotonic_ns() - self._heard_ns > from_seconds(SILENT_S):
            self.died()
