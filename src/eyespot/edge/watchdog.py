"""Which processes have gone silent: told who is heard and who runs, says who is stuck. Pure; killing is not its work.

The supervisor hears its own reports too, over the same bus. While those do not come back it is the bus that is stuck,
and nobody else is blamed for it.
"""

from collections.abc import Mapping

from eyespot.kernel.clock import Clock, from_seconds, seconds

SILENT_S = 30.0
"""A process that reported and then said nothing for so long is stuck: it says something every two seconds."""
BUS_SILENT_S = 15.0
"""The same for the bus: well before the others, whom nobody can hear meanwhile."""
ASLEEP_S = 10.0
"""So long between two looks, and it was the supervisor that stood still, perhaps with the whole machine."""

BUS_ROLE, OWN_ROLE = "nats", "supervisor"


class Watchdog:
    """Knows when each role was heard last; silence is counted from then, or from the last time that listening began."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heard: dict[str, tuple[int, int]] = {}
        self._bus_pid: int | None = None
        self._looked_ns = self._listening_ns = clock.monotonic_ns()

    def heard(self, role: str, pid: int) -> None:
        """A report of ``role``, from the process ``pid``, has come over the bus now."""
        self._heard[role] = (pid, self._clock.monotonic_ns())

    def stuck(self, running: Mapping[str, int]) -> dict[str, float]:
        """Who is silent for too long, and for how many seconds; call every few seconds.

        Args:
            running: process id by role, of those that run now; one that never reported is left alone.
        """
        now_ns = self._clock.monotonic_ns()
        slept_ns, self._looked_ns = now_ns - self._looked_ns, now_ns
        bus_pid = running.get(BUS_ROLE)
        if slept_ns > from_seconds(ASLEEP_S) or bus_pid is None or bus_pid != self._bus_pid:
            self._bus_pid, self._listening_ns = bus_pid, now_ns
            return {}
        bus_silent_s = self._silent_s(OWN_ROLE, now_ns)
        if bus_silent_s > BUS_SILENT_S:
            self._listening_ns = now_ns
            return {BUS_ROLE: bus_silent_s}
        found: dict[str, float] = {}
        for role, (pid, _) in self._heard.items():
            silent_s = self._silent_s(role, now_ns)
            if running.get(role) == pid and silent_s > SILENT_S:
                found[role] = silent_s
        for role in found:
            del self._heard[role]  # it is told once; what comes after it reports anew
        return found

    def _silent_s(self, role: str, now_ns: int) -> float:
        _, heard_ns = self._heard.get(role, (0, 0))
        return seconds(now_ns - max(heard_ns, self._listening_ns))
