"""When a packet of recorded or rendered footage is due: footage time onto the monotonic clock, without drift."""

from eyespot.kernel.clock import NS_PER_S, Clock


class Pacer:
    """Lets footage run at the speed of its timestamps, or as fast as readers take it.

    The first packet is due when the pacer is made. Waits are towards absolute times, so lateness never adds up; after
    a pause of more than ``LATE_NS`` (a suspended machine) footage goes on from now instead of rushing.
    """

    LATE_NS = 2 * NS_PER_S

    def __init__(self, clock: Clock, *, live: bool) -> None:
        self._clock = clock
        self._live = live
        self.start_ns = clock.monotonic_ns()
        self.wall_offset_ns = clock.wall_ns() - self.start_ns

    async def wait(self, footage_ns: int) -> int:
        """Wait until footage time ``footage_ns`` (0 at the first packet) is due; returns its monotonic time."""
        due_ns = self.start_ns + footage_ns
        if not self._live:
            return due_ns
        ahead_ns = due_ns - self._clock.monotonic_ns()
        if ahead_ns > 0:
            await self._clock.sleep(ahead_ns / NS_PER_S)
        elif ahead_ns < -self.LATE_NS:
            self.start_ns -= ahead_ns
            due_ns -= ahead_ns
        return due_ns
