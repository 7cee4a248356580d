"""A clip to keep: one ordinary MP4 file from any span of one camera stream."""

import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found
from eyespot.media.fmp4 import FragmentInfo
from eyespot.media.remux import write_mp4
from eyespot.record.index import SegmentIndex
from eyespot.record.playback import MAX_SPAN_NS
from eyespot.record.segment import Segment
from eyespot.record.segment_reader import SegmentReader, open_segment

GAP_NS = 1 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Export:
    """What was written. ``start_wall_ns`` is the key frame the clip begins with; ``skipped_segments`` could not be
    joined because the camera's format changed.
    """

    path: Path
    size_bytes: int
    start_wall_ns: int
    skipped_segments: int


def export_clip(
    index: SegmentIndex, camera: str, stream: str, from_wall_ns: int, to_wall_ns: int, out_path: Path
) -> Export:
    """Write the footage between two moments to ``out_path``, from the key frame at or before the first; gaps are
    squeezed out, nothing is re-encoded. Blocks for as long as it takes to copy the bytes.

    Raises:
        EyespotError: ``INVALID`` for a span that is empty or too long, ``NOT_FOUND`` when nothing is there.
    """
    if not 0 < to_wall_ns - from_wall_ns <= MAX_SPAN_NS:
        raise invalid("A clip must be between nothing and 24 hours long.", "Ask for less at a time.")
    source = _Source(index, index.between(camera, stream, from_wall_ns, to_wall_ns), from_wall_ns, to_wall_ns)
    packets = source.packets()
    first = next(packets, None)
    if first is None or source.stream is None:
        raise not_found("There is no footage of that time.", "Look at the timeline for what was recorded.")
    part = out_path.with_name(out_path.name + ".part")
    try:
        write_mp4(source.stream, close_gaps(chain([first], packets)), part)
        os.replace(part, out_path)
    finally:
        packets.close()
        part.unlink(missing_ok=True)
    return Export(out_path, out_path.stat().st_size, source.start_wall_ns, source.skipped_segments)


def close_gaps(packets: Iterable[Packet]) -> Iterator[Packet]:
    """``packets`` with every jump of more than ``GAP_NS``, either way, closed to the step before it."""
    shift_ns = 0
    last: Packet | None = None
    step_ns = NS_PER_S // 25
    for packet in packets:
        if packet.track == "video":
            if last is not None:
                jump_ns = packet.decode_ns - last.decode_ns
                if 0 < jump_ns <= GAP_NS:
                    step_ns = jump_ns
                else:
                    shift_ns += step_ns - jump_ns
            last = packet
        moved = replace(packet, decode_ns=packet.decode_ns + shift_ns, capture_ns=packet.capture_ns + shift_ns)
        yield moved if shift_ns else packet


class _Source:
    """The span's packets, from all segments of the format that it begins with."""

    def __init__(self, index: SegmentIndex, segments: list[Segment], from_wall_ns: int, to_wall_ns: int) -> None:
        self._index = index
        self._segments = segments
        self._from = from_wall_ns
        self._to = to_wall_ns
        self._key = ""
        self.stream: StreamFormat | None = None
        self.start_wall_ns = 0
        self.skipped_segments = 0

    def packets(self) -> Generator[Packet, None, None]:
        """In decode order; times are wall times."""
        for segment in self._segments:
            if self._key and segment.configuration_key != self._key:
                self.skipped_segments += 1
                continue
            try:
                reader = open_segment(self._index, segment)
            except EyespotError as error:
                if error.kind not in (Kind.NOT_FOUND, Kind.CORRUPT):
                    raise
                self.skipped_segments += 1
                continue
            with reader:
                yield from self._segment(reader, segment)

    def _segment(self, reader: SegmentReader, segment: Segment) -> Iterator[Packet]:
        fragments = [item for item in reader.fragments if reader.start_wall_ns(item) < self._to]
        if not fragments or reader.end_wall_ns <= self._from:
            return
        shift_ns = reader.origin_wall_ns - reader.origin_mono_ns
        from_ns, to_ns = self._from - shift_ns, self._to - shift_ns
        begin_ns = _key_before(reader, fragments, from_ns)
        if not self._key:
            self._key, self.stream = segment.configuration_key, reader.stream
            self.start_wall_ns = begin_ns + shift_ns
        for fragment in fragments:
            run = fragment.video
            if run is None or reader.wall_ns(run.end_time) - shift_ns <= begin_ns:
                continue
            for packet in sorted(reader.packets(fragment), key=lambda item: item.decode_ns):
                if begin_ns <= packet.decode_ns < to_ns:
                    yield replace(
                        packet, decode_ns=packet.decode_ns + shift_ns, capture_ns=packet.capture_ns + shift_ns
                    )


def _key_before(reader: SegmentReader, fragments: list[FragmentInfo], from_ns: int) -> int:
    """Monotonic decode time of the newest key frame at or before ``from_ns``, or of the first."""
    rate = reader.info.video_timescale
    times = [reader.origin_mono_ns + ticks * NS_PER_S // rate for item in fragments for ticks in item.key_times]
    return max((time for time in times if time <= from_ns), default=times[0] if times else from_ns)
