"""Where segments and fragments begin and end: packets in, calls to a sink out; no I/O.

A segment begins with a key frame. It ends at the first key frame after ``segment_s``, at a change of format, and where
time goes missing. A fragment ends after ``fragment_s``, and a little earlier where a key frame comes, so that nearly
every key frame begins a fragment and playback can start there.
"""

from collections.abc import Sequence
from typing import Protocol

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import NS_PER_MS, from_seconds
from eyespot.media.fmp4 import FragmentBuilder

AUDIO_LEAD_NS = 500 * NS_PER_MS
"""Media time of the first picture in a file with audio: sound that arrives late but belongs before it has a place."""
MAX_SEGMENT_NS = from_seconds(6900)
MAX_FRAGMENT_BYTES = 16 << 20
MAX_FRAGMENT_PACKETS = 20_000
_KEY_CUT_NS = 200 * NS_PER_MS
_GAP_NS = from_seconds(5)


class Sink(Protocol):
    """What the cutter tells."""

    def begin(self, stream: StreamFormat, first: Packet, base_ns: int) -> None:
        """A segment begins with ``first``; capture time ``base_ns`` is its media time 0."""
        ...

    def fragment(self, parts: Sequence[bytes], size_bytes: int) -> None:
        """The next whole fragment."""
        ...

    def end(self, duration_ns: int) -> None:
        """The segment is over; it lasted ``duration_ns`` from its first picture."""
        ...


class SegmentCutter:
    """Cuts one stream.

    Args:
        sink: who is told.
        segment_s, fragment_s: see ``RecordSettings``.
    """

    def __init__(self, sink: Sink, *, segment_s: float, fragment_s: float) -> None:
        self._sink = sink
        self._segment_ns = from_seconds(segment_s)
        self._fragment_ns = from_seconds(fragment_s)
        self._format: StreamFormat | None = None
        self._builder: FragmentBuilder | None = None
        self._pending: list[Packet] = []
        self._pending_bytes = 0
        self._sequence = 0
        self._first_ns = 0
        self._cut_ns = 0
        self._key_cut_ns = 0
        self._last: Packet | None = None
        self._step_ns = 0
        self.skipped = 0

    @property
    def is_open(self) -> bool:
        """A segment has begun and not ended."""
        return self._builder is not None

    @property
    def has_pending(self) -> bool:
        """There are packets that are in no fragment yet."""
        return bool(self._pending)

    def format(self, stream: StreamFormat) -> None:
        """What follows looks like ``stream``: a change, or a source that was opened again. Either ends the segment."""
        self.close()
        self._format = stream

    def packet(self, packet: Packet) -> None:
        """The next packet of the format, in decode order."""
        if packet.track == "video":
            self._video(packet)
        elif self._builder is not None and self._format is not None and self._format.audio is not None:
            self._hold(packet)

    def flush(self) -> None:
        """Put what is pending into a fragment now: the stream has paused."""
        self._cut(None)

    def close(self) -> None:
        """End the segment, if one is open, with what is pending."""
        if self._builder is None:
            return
        self._cut(None)
        last = self._last
        length = last.decode_ns + (last.duration_ns or self._step_ns) - self._first_ns if last else 0
        self._end(length)

    def _video(self, packet: Packet) -> None:
        now = packet.decode_ns
        if self._builder is None:
            if packet.is_key and self._format is not None:
                self._begin(packet)
                self._hold(packet)
            else:
                self.skipped += 1
            return
        last = self._last
        step = now - last.decode_ns if last is not None else 0
        gap = step > max(_GAP_NS, 3 * self._step_ns)
        if now >= self._cut_ns or packet.is_key or gap or self._pending_bytes > MAX_FRAGMENT_BYTES:
            self._boundary(packet, now, gap=gap)
        if last is not None:
            self._step_ns = step
        if self._builder is not None:
            self._hold(packet)

    def _boundary(self, packet: Packet, now: int, *, gap: bool) -> None:
        """A segment or fragment may end before ``packet``."""
        age = now - self._first_ns
        if packet.is_key and (gap or age >= self._segment_ns):
            if gap:
                self.close()
            else:
                self._cut(now)
                self._end(age)
            self._begin(packet)
        elif age >= MAX_SEGMENT_NS:
            self.close()
            self.skipped += 1
        elif not packet.is_key or now >= self._key_cut_ns:
            self._cut(None if gap else now)
            self._mark(now)

    def _begin(self, packet: Packet) -> None:
        assert self._format is not None
        lead_ns = AUDIO_LEAD_NS if self._format.audio else 0
        base_ns = packet.decode_ns - lead_ns
        self._builder = FragmentBuilder(self._format, base_ns)
        self._first_ns = packet.decode_ns
        self._last = None
        self._sequence = 0
        self._mark(packet.decode_ns)
        self._sink.begin(self._format, packet, base_ns)

    def _hold(self, packet: Packet) -> None:
        self._pending.append(packet)
        self._pending_bytes += len(packet.data)
        if packet.track == "video":
            self._last = packet
        elif len(self._pending) > MAX_FRAGMENT_PACKETS:
            self._cut(None)

    def _mark(self, now: int) -> None:
        self._cut_ns = now + self._fragment_ns
        self._key_cut_ns = now + min(_KEY_CUT_NS, self._fragment_ns)

    def _cut(self, next_ns: int | None) -> None:
        if not self._pending or self._builder is None:
            return
        self._sequence += 1
        parts = self._builder.parts(self._pending, self._sequence, next_video_ns=next_ns)
        self._sink.fragment(parts, self._pending_bytes)
        self._pending = []
        self._pending_bytes = 0

    def _end(self, duration_ns: int) -> None:
        self._builder = None
        self._pending = []
        self._pending_bytes = 0
        self._sink.end(max(0, duration_ns))
