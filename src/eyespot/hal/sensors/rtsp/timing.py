"""From RTP timestamps to the host's monotonic clock.

A frame's capture time is its RTP time plus an offset. The offset is the smallest "arrival minus RTP time" of the last
seconds: the packet that was delayed least tells most, so jitter, bursts and late reads do not shake the result. The
offset is approached by stretching time a little, never by a step back: capture times of frames in order stay in order.
"""

import heapq

from eyespot.kernel.clock import NS_PER_MS, NS_PER_S

WINDOW_NS = 5 * NS_PER_S
JUMP_NS = 10 * NS_PER_S
BACK_NS = 2 * NS_PER_S
FORWARD_STEP_NS = NS_PER_S
SHARED_CLOCK_TRUST_NS = 2 * NS_PER_S
_FAR, _NEAR = 200 * NS_PER_MS, 20 * NS_PER_MS


class TrackClock:
    """Maps one track's RTP timestamps to monotonic nanoseconds."""

    def __init__(self, clock_hz: int) -> None:
        self.jumps = 0
        self.offset_ns = 0
        self.ntp_offset_ns: int | None = None
        self._hz = clock_hz
        self._last: int | None = None
        self._ticks = 0
        self._source_ns = 0
        self._newest_ns = 0
        self._arrival_ns = 0
        self._window_ns = 0
        self._least: int = 0
        self._least_before: int = 0

    def capture_ns(self, timestamp: int, arrival_ns: int, leader: "TrackClock | None" = None) -> int:
        """The capture time of the frame with this 32-bit ``timestamp`` that was complete at ``arrival_ns``.

        ``leader`` is the track to stay in step with, by sender reports, when both have had one.
        """
        if self._last is None:
            self._anchor(timestamp, arrival_ns, arrival_ns)
            return arrival_ns
        delta = ((timestamp - self._last + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
        step_ns = delta * NS_PER_S // self._hz
        waited_ns = arrival_ns - self._arrival_ns
        if step_ns < -BACK_NS or step_ns > waited_ns + JUMP_NS:
            self.jumps += 1
            self._anchor(timestamp, arrival_ns, max(arrival_ns, self._newest_ns + self.offset_ns + NS_PER_MS))
            return self._source_ns + self.offset_ns
        self._last = timestamp
        self._arrival_ns = arrival_ns
        self._ticks += delta
        self._source_ns = self._ticks * NS_PER_S // self._hz
        target = self._observe(arrival_ns)
        if leader is not None:
            target = self._shared_target(leader, target)
        self._approach(target)
        return self._source_ns + self.offset_ns

    def sender_report(self, timestamp: int, ntp_ns: int) -> None:
        """Note that the camera's clock read ``ntp_ns`` at RTP time ``timestamp``."""
        if self._last is not None:
            delta = ((timestamp - self._last + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
            self.ntp_offset_ns = ntp_ns - (self._ticks + delta) * NS_PER_S // self._hz

    def _anchor(self, timestamp: int, arrival_ns: int, capture_ns: int) -> None:
        self._last = timestamp
        self._ticks = 0
        self._source_ns = self._newest_ns = 0
        self._arrival_ns = self._window_ns = arrival_ns
        self.offset_ns = self._least = self._least_before = capture_ns
        self.ntp_offset_ns = None

    def _observe(self, arrival_ns: int) -> int:
        """Take an arrival in; the smallest delay of this window and the one before."""
        delay = arrival_ns - self._source_ns
        if arrival_ns - self._window_ns > WINDOW_NS:
            self._window_ns = arrival_ns
            self._least_before, self._least = self._least, delay
        elif delay < self._least:
            self._least = delay
        return min(self._least, self._least_before)

    def _shared_target(self, leader: "TrackClock", own: int) -> int:
        if self.ntp_offset_ns is None or leader.ntp_offset_ns is None:
            return own
        shared = leader.offset_ns - leader.ntp_offset_ns + self.ntp_offset_ns
        return shared if abs(shared - own) < SHARED_CLOCK_TRUST_NS else own

    def _approach(self, target: int) -> None:
        error = target - self.offset_ns
        advance = self._source_ns - self._newest_ns
        if advance <= 0:
            return
        self._newest_ns = self._source_ns
        if error > FORWARD_STEP_NS:
            self.offset_ns = target
            return
        distance = abs(error)
        limit = advance // 4 if distance > _FAR else advance // 20 if distance > _NEAR else advance // 200
        self.offset_ns += max(-limit, min(limit, error))


class DecodeTimes:
    """Decode times for frames that arrive in decode order with capture (presentation) times only.

    With a reorder depth of N frames (from the sequence parameter set, or learned when a frame is first shown before one
    that came earlier), a frame's decode time is the capture time that is N places earlier in presentation order, as an
    encoder would have set it. Without reordering, decode time equals capture time. Never goes back.
    """

    MAX_DEPTH = 16

    def __init__(self, depth: int | None) -> None:
        self._fixed = depth is not None
        self._depth = depth or 0
        self._heap: list[int] = []
        self._last: int | None = None

    def set_depth(self, depth: int | None) -> None:
        """Take the depth of a new format; times go on without a step back."""
        self._fixed = depth is not None
        self._depth = depth or 0
        self._heap.clear()

    def decode_ns(self, capture_ns: int) -> int:
        """The decode time of the next frame in decode order."""
        heapq.heappush(self._heap, capture_ns)
        if len(self._heap) > self._depth:
            found = heapq.heappop(self._heap)
        else:
            found = self._heap[0] - (self._depth + 1 - len(self._heap)) * NS_PER_MS
        if self._last is not None and found < self._last:
            found = self._last
            if not self._fixed and self._depth < self.MAX_DEPTH:
                self._depth += 1
        self._last = found
        return found
