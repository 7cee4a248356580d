"""One distinct view on its way into its ring: when it is due, what is drawn, and who is told."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from eyespot.contracts.ring_slot import SeenObject, Stamp
from eyespot.contracts.view import WHOLE_PICTURE, View
from eyespot.edge.frames.canvas import Canvas
from eyespot.edge.frames.crops import draw_crops
from eyespot.edge.frames.silhouette import draw_silhouette
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.media.decode import Frame
from eyespot.media.ring_writer import RingWriter

EARLY = 0.5
"""A picture is due when no more than this part of the time between the stream's pictures is missing."""
BREAK_NS = 60 * NS_PER_S
"""Two pictures further apart than this, either way, have nothing to do with each other."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was known of a camera's objects when a frame was cut; ``tracks_ns`` 0: nothing."""

    objects: tuple[SeenObject, ...] = ()
    tracks_ns: int = 0


class Pace:
    """Which pictures of a stream make ``rate_hz``: the nearest to each even moment; never more."""

    def __init__(self, rate_hz: float) -> None:
        self._period_ns = round(NS_PER_S / rate_hz)
        self._due_ns = self._last_ns = 0

    def is_due(self, capture_ns: int) -> bool:
        """Whether the picture taken then is wanted; asked once for each. One from before the last is not wanted."""
        gap_ns = capture_ns - self._last_ns
        if not -BREAK_NS < gap_ns < BREAK_NS:  # the first one, or after a break
            self._due_ns = capture_ns
            gap_ns = 0
        elif gap_ns <= 0:  # packets of a stream that reorders
            return False
        self._last_ns = capture_ns
        if capture_ns + gap_ns * EARLY < self._due_ns:
            return False
        self._due_ns += self._period_ns
        if self._due_ns < capture_ns - self._period_ns:  # after a gap, or where pictures come slower than wanted
            self._due_ns = capture_ns + self._period_ns
        return True


class Cut:
    """Cuts ``view`` (of a definite camera and stream). Pictures are offered from one worker thread at a time.

    Args:
        announce: called from that thread with this cut and each new frame's ``seq``.

    Attributes:
        frames: how many were cut.

    Raises:
        EyespotError: as ``RingWriter``.
    """

    def __init__(self, view: View, clock: Clock, announce: Callable[["Cut", int], None]) -> None:
        self.view = view
        self.ring = RingWriter(view, clock)
        self.frames = 0
        self._announce = announce
        self._pace = Pace(view.rate_hz)
        self._lock = threading.Lock()
        self._closed = False

    def is_due(self, capture_ns: int) -> bool:
        """See ``Pace``."""
        return self._pace.is_due(capture_ns)

    def write(self, stamp: Stamp, sighting: Sighting, frame: Frame | None = None) -> None:
        """Cut one picture; ``frame`` is needed by the forms with pixels alone."""
        with self._lock:
            if self._closed:
                return
            pixels = self.ring.begin()
            objects: Sequence[SeenObject] = sighting.objects
            if frame is not None:
                objects = draw(self.view, Canvas(self.view, pixels), frame, sighting.objects)
            if self.view.form == "full":
                seq = self.ring.commit(stamp)
            else:
                counted = replace(stamp, objects_seen=len(sighting.objects), tracks_ns=sighting.tracks_ns)
                seq = self.ring.commit(counted, objects)
            self.frames += 1
        self._announce(self, seq)

    def close(self) -> None:
        """End the ring; waits for a picture that is being cut."""
        with self._lock:
            self._closed = True
            self.ring.close()


def draw(view: View, canvas: Canvas, frame: Frame, objects: Sequence[SeenObject]) -> Sequence[SeenObject]:
    """Draw ``frame`` as ``view`` wants it; returns the objects with where their crops are, best first."""
    if view.form == "full":
        box = None if view.region == WHOLE_PICTURE else view.region
        frame.fill(canvas.planes(), canvas.order, canvas.width_px, canvas.height_px, box=box)
        return ()
    canvas.clear()
    if view.form == "silhouette":
        draw_silhouette(canvas, objects)
        return ()
    return draw_crops(canvas, frame, view.region, objects)
