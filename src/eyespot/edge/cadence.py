"""When the next look at a camera's picture is due: at the asked rate, where it costs least.

To see one picture, all since the last key frame must be decoded, so pictures soon after a key frame are cheap and
those just before the next are dear. Where key frames come regularly, as many looks as the rate asks for are spread over
the beginning of each group of pictures, a little closer than the period, and the longest pause lies before the key
frame. The average rate stays what was asked; no pause is longer than one and two thirds of the period.
"""

from eyespot.kernel.clock import from_seconds

CLOSER = 0.22
"""Looks after a key frame follow one another by this part of the period sooner."""
SOONEST = 2 / 3
"""But a look is never sooner than it would be by more than this part of the period."""
SAME = 0.1
"""A look that is due within this part of the period of one that was late is the same look. Much more would cost slow
cameras looks: where few pictures come, each look is late by part of the time between two, and the next one near.
"""
LEAST_PERIODS = 4
"""Shorter groups of pictures have too few looks to choose among."""


class Cadence:
    """Due times of one camera, in capture time.

    Args:
        rate_hz: looks a second, on average.

    Attributes:
        period_ns: the inverse of the rate.
        due_ns: no look is due before; a key frame may be looked at half a period sooner.
    """

    def __init__(self, rate_hz: float) -> None:
        self.period_ns = from_seconds(1 / rate_hz)
        self.due_ns = 0

    def change(self, rate_hz: float) -> None:
        """Another rate from the next look on."""
        self.period_ns = from_seconds(1 / rate_hz)

    def looked(self, capture_ns: int, key_ns: int, gop_ns: int) -> None:
        """A picture was looked at.

        Args:
            key_ns: of the last key frame that came.
            gop_ns: from key frame to key frame, 0 when that is not regular.
        """
        looks = round(gop_ns / self.period_ns)
        since_ns = capture_ns - key_ns
        if looks >= LEAST_PERIODS and 0 <= since_ns < gop_ns:
            self.due_ns = key_ns + self._next_in_gop(since_ns, gop_ns, looks)
        elif since_ns == 0:
            self.due_ns = capture_ns + self.period_ns
        else:
            self.due_ns = max(self.due_ns + self.period_ns, capture_ns + self.period_ns // 2)

    def _next_in_gop(self, since_ns: int, gop_ns: int, looks: int) -> int:
        for look in range(1, looks):
            after_ns = round((look - min(CLOSER * look, SOONEST)) * self.period_ns)
            if after_ns > since_ns + SAME * self.period_ns:
                return after_ns
        return gop_ns
