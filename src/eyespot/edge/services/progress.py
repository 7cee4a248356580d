"""Does a service do its work? What it was offered is compared with what it says it has handled. Pure but for its clock.

What was offered is counted by the frames process, what was handled by the service itself in its beat. A service that
leaves a view out of its beat is not judged by that view. This finds what is stuck, not what lies: a service that counts
frames it has not looked at is believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.contracts.service_bus import Beat
from eyespot.kernel.clock import Clock, seconds

STUCK_S = 20.0
"""So long without a frame handled, or with one handler that does not return, and a service is unhealthy."""
LEAST_OFFERED = 5
"""Fewer frames left lying say nothing: views can be slow."""


@dataclass(slots=True)
class _View:
    """One view: handled as the last beat had it, offered now, and offered when that handling was surely in it."""

    handled: int = 0
    offered: int = 0
    base: int | None = None
    waiting_ns: int | None = None


class Progress:
    """Of one life of a service."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._views: dict[str, _View] = {}
        self._reported: set[str] = set()
        self._busy_s = 0.0

    def heard(self, beat: Beat) -> None:
        """It said how far it is."""
        self._busy_s = beat.busy_s
        self._reported = set(beat.frames)
        for name, handled in beat.frames.items():
            view = self._views.setdefault(name, _View())
            if handled != view.handled:
                view.handled, view.base, view.waiting_ns = handled, None, None

    def offered(self, counts: Mapping[str, int]) -> None:
        """The frames process said how many frames of each view it has offered; counted anew when it was restarted."""
        for name, count in counts.items():
            view = self._views.setdefault(name, _View())
            if view.base is None or count < view.offered:
                view.base, view.waiting_ns = count, None  # some of these may be in the last beat already
            elif count > view.base and view.waiting_ns is None:
                view.waiting_ns = self._clock.monotonic_ns()
            view.offered = count

    @property
    def stuck(self) -> str:
        """What does not go on, in words; empty when everything does."""
        if self._busy_s > STUCK_S:
            return f"a handler has not returned for {self._busy_s:.0f} s"
        now_ns = self._clock.monotonic_ns()
        for name in sorted(self._reported):
            view = self._views[name]
            if view.waiting_ns is None or view.base is None or view.offered - view.base < LEAST_OFFERED:
                continue
            waited_s = seconds(now_ns - view.waiting_ns)
            if waited_s > STUCK_S:
                left = view.offered - view.base
                return f"it beats but has handled none of {left} frames of the view {name} for {waited_s:.0f} s"
        return ""

    def status(self) -> dict[str, dict[str, int]]:
        """By view, what was offered by the door that is there now, and handled in this life."""
        return {name: {"offered": view.offered, "handled": view.handled} for name, view in self._views.items()}
