"""When a service counts as silent, when it is to rest after a death, when it has failed. Pure but for its clock."""

from eyespot.contracts.service_bus import Beat
from eyespot.edge.services.progress import Progress
from eyespot.kernel.clock import Clock, from_seconds, seconds

FIRST_BEAT_S, SILENT_S = 30.0, 10.0
"""Patience with one that starts, and with one that was heard."""
SETTLED_S = 30.0
"""Healthy for so long, and a new version stays."""
DEATHS, WINDOW_S = 5, 300.0
FIRST_REST_S, LAST_REST_S = 0.5, 8.0
TRIES_OF_UPDATE = 2
"""A new version that died so often before it was healthy gives way to the one before."""


class Health:
    """Of one service over its lives."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_ns = self._heard_ns = clock.monotonic_ns()
        self._deaths_ns: list[int] = []
        self.beat: Beat | None = None
        self.progress = Progress(clock)
        self.deaths = 0

    def begin(self) -> None:
        """A life begins."""
        self._began_ns = self._heard_ns = self._clock.monotonic_ns()
        self.beat = None
        self.progress = Progress(self._clock)

    def heard(self, beat: Beat) -> None:
        """It said that it is alive."""
        if self.beat is None:
            self._began_ns = self._clock.monotonic_ns()
        self.beat, self._heard_ns = beat, self._clock.monotonic_ns()
        self.progress.heard(beat)

    @property
    def silent_s(self) -> float:
        """How long it has been silent for too long; 0 when it has not."""
        silent_s = seconds(self._clock.monotonic_ns() - self._heard_ns)
        return silent_s if silent_s > (FIRST_BEAT_S if self.beat is None else SILENT_S) else 0.0

    @property
    def settled(self) -> bool:
        """Whether this life has proved healthy."""
        return self.beat is not None and self._clock.monotonic_ns() - self._began_ns >= from_seconds(SETTLED_S)

    def died(self) -> float | None:
        """It died; returns how many seconds it is to rest, None when it has failed."""
        now_ns = self._clock.monotonic_ns()
        self.deaths += 1
        self._deaths_ns = [*(at for at in self._deaths_ns if now_ns - at < from_seconds(WINDOW_S)), now_ns]
        if len(self._deaths_ns) >= DEATHS:
            return None
        return min(LAST_REST_S, FIRST_REST_S * (1 << (len(self._deaths_ns) - 1)))
