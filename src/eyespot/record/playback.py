"""Playback of any span of the archive: fragments of several segments on one continuous timeline.

Media time 0 is the wanted moment. Only headers and the fragments that are sent are read. Gaps in the footage stay gaps
in the timeline. Overlapping footage (the wall clock was set back) is played once, in the order it was recorded.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found
from eyespot.media.fmp4 import FragmentBuilder, FragmentInfo, shift_decode_times
from eyespot.record.index import SegmentIndex
from eyespot.record.lead_in import squeeze
from eyespot.record.segment import Segment
from eyespot.record.segment_reader import SegmentReader, open_segment

MAX_SPAN_NS = 24 * 3600 * NS_PER_S
_OVERLAP_NS = 100 * NS_PER_MS
_LOOK_BACK_NS = 3600 * NS_PER_S
_DONE = object()


class Playback:
    """One span of footage as fMP4; iterate it once, in a thread or, with ``async for``, in an event loop.

    Attributes:
        mime: what ``MediaSource.addSourceBuffer`` takes; a later change of format brings a new initialisation segment.
        zero_wall_ns: wall time of media time 0.
        start_wall_ns: wall time of the first picture: ``zero_wall_ns``, or later when the span begins in a gap.
    """

    def __init__(self, index: SegmentIndex, segments: list[Segment], from_wall_ns: int, to_wall_ns: int) -> None:
        self.zero_wall_ns = from_wall_ns
        self._index = index
        self._to_wall_ns = to_wall_ns
        self._segments = iter(segments)
        self._configuration_key = ""
        self._sequence = 0
        self._until_wall_ns = from_wall_ns
        first = self._next_reader()
        if first is None:
            raise not_found("There is no footage of that time.", "Look at the timeline for what was recorded.")
        self._first: tuple[Segment, SegmentReader] | None = first
        self.mime = first[0].mime
        self.start_wall_ns = max(from_wall_ns, first[0].start_wall_ns)

    def __iter__(self) -> Iterator[bytes]:
        current, self._first = self._first, None
        try:
            while current is not None:
                segment, reader = current
                yield from self._play(segment, reader)
                reader.close()
                current = self._next_reader()
        finally:
            if current is not None:
                current[1].close()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        try:
            while (chunk := await asyncio.to_thread(next, chunks, _DONE)) is not _DONE:
                assert isinstance(chunk, bytes)
                yield chunk
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def close(self) -> None:
        """Give everything back when it is not iterated to the end."""
        if self._first is not None:
            self._first[1].close()
            self._first = None

    def _next_reader(self) -> tuple[Segment, SegmentReader] | None:
        """The next segment that has something to play, opened; what is gone or broken by now is passed over."""
        for segment in self._segments:
            try:
                reader = open_segment(self._index, segment)
            except EyespotError as error:
                if error.kind in (Kind.NOT_FOUND, Kind.CORRUPT):
                    continue
                raise
            if reader.fragments and reader.end_wall_ns > self._until_wall_ns:
                return segment, reader
            reader.close()
        return None

    def _play(self, segment: Segment, reader: SegmentReader) -> Iterator[bytes]:
        fragments = reader.fragments
        position = 0
        if segment.configuration_key != self._configuration_key:
            self._configuration_key = segment.configuration_key
            yield reader.init()
        slack_ns = _OVERLAP_NS if self._sequence else 0
        if fragments and reader.start_wall_ns(fragments[0]) < self._until_wall_ns - slack_ns:
            position, lead = self._lead_in(reader, self._until_wall_ns)
            if lead:
                yield lead
        for fragment in fragments[position:]:
            if reader.start_wall_ns(fragment) >= self._to_wall_ns:
                break
            self._sequence += 1
            yield self._shifted(reader, fragment)
            run = fragment.video
            if run is not None:
                self._until_wall_ns = reader.wall_ns(run.end_time)

    def _lead_in(self, reader: SegmentReader, moment_wall_ns: int) -> tuple[int, bytes]:
        """The pictures from the key frame before the moment to the end of the moment's fragment, squeezed; and the
        position of the fragment behind it.
        """
        fragments = reader.fragments
        last = max((i for i, item in enumerate(fragments) if reader.start_wall_ns(item) <= moment_wall_ns), default=0)
        packets, key_ns = _from_key(reader, last, moment_wall_ns)
        moment_ns = moment_wall_ns - reader.origin_wall_ns + reader.origin_mono_ns
        zero_ns = self.zero_wall_ns - reader.origin_wall_ns + reader.origin_mono_ns
        wanted = [packet for packet in packets if packet.track == "audio" or packet.decode_ns >= key_ns]
        squeezed = squeeze(wanted, moment_ns, reader.info.video_timescale)
        behind = fragments[last + 1] if last + 1 < len(fragments) else None
        end_wall_ns = reader.start_wall_ns(behind) if behind else reader.end_wall_ns
        self._sequence += 1
        builder = FragmentBuilder(reader.stream, zero_ns - moment_ns, timescale=reader.info.video_timescale)
        data = builder.build(squeezed, self._sequence, next_video_ns=end_wall_ns - moment_wall_ns)
        self._until_wall_ns = end_wall_ns
        return last + 1, data

    def _shifted(self, reader: SegmentReader, fragment: FragmentInfo) -> bytes:
        data = reader.bytes_of(fragment)
        shift_ns = reader.origin_wall_ns - self.zero_wall_ns
        shifts = {run.track: shift_ns * reader.info.timescale(run.track) // NS_PER_S for run in fragment.runs}
        return shift_decode_times(data[: fragment.moof_bytes], fragment.runs, shifts) + data[fragment.moof_bytes :]


def stream(index: SegmentIndex, camera: str, stream: str, from_wall_ns: int, to_wall_ns: int) -> Playback:
    """Footage of one camera stream between two moments; blocks on the disk for a few milliseconds.

    Raises:
        EyespotError: ``INVALID`` for a span that is empty or longer than a day, ``NOT_FOUND`` when nothing is there.
    """
    if not 0 < to_wall_ns - from_wall_ns <= MAX_SPAN_NS:
        raise invalid("A span of footage must be between nothing and 24 hours long.", "Ask for less at a time.")
    return Playback(index, index.between(camera, stream, from_wall_ns, to_wall_ns), from_wall_ns, to_wall_ns)


def key_packet_at(index: SegmentIndex, camera: str, stream: str, wall_ns: int) -> tuple[StreamFormat, Packet]:
    """The newest key frame at or before a moment (at most an hour before), with the format to decode it.

    Raises ``NOT_FOUND`` when there is none.
    """
    for segment in reversed(index.between(camera, stream, wall_ns - _LOOK_BACK_NS, wall_ns + 1)):
        try:
            with open_segment(index, segment) as reader:
                for fragment in reversed(reader.fragments):
                    if reader.start_wall_ns(fragment) > wall_ns or not fragment.key_times:
                        continue
                    limit_ns = wall_ns - reader.origin_wall_ns + reader.origin_mono_ns
                    keys = [p for p in reader.packets(fragment) if p.track == "video" and p.is_key]
                    early = [packet for packet in keys if packet.decode_ns <= limit_ns]
                    if early:
                        return reader.stream, early[-1]
        except EyespotError as error:
            if error.kind not in (Kind.NOT_FOUND, Kind.CORRUPT):
                raise
    raise not_found("There is no picture of that time.", "Look at the timeline for what was recorded.")


def _from_key(reader: SegmentReader, last: int, moment_wall_ns: int) -> tuple[list[Packet], int]:
    """The packets from the fragment with the key frame at or before the moment up to fragment ``last``, and when that
    key frame decodes. A segment begins with a key frame, so there always is one.
    """
    moment_ns = moment_wall_ns - reader.origin_wall_ns + reader.origin_mono_ns
    groups: list[list[Packet]] = []
    for position in range(last, -1, -1):
        packets = reader.packets(reader.fragments[position])
        groups.append(packets)
        keys = [p.decode_ns for p in packets if p.track == "video" and p.is_key and p.decode_ns <= moment_ns]
        if keys:
            break
    else:
        keys = [groups[-1][0].decode_ns]
    return [packet for group in reversed(groups) for packet in group], keys[-1]
