"""Which time is covered by footage."""

from eyespot.kernel.clock import from_seconds
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.record.index import SegmentIndex
from eyespot.record.segment import Segment
from eyespot.record.segment_reader import open_segment


def coverage(
    index: SegmentIndex, camera: str, stream: str, from_wall_ns: int, to_wall_ns: int, merge_gap_s: float = 2.0
) -> list[tuple[int, int]]:
    """Spans ``(from_wall_ns, to_wall_ns)`` that hold footage, in order, cut to the asked time; gaps of at most
    ``merge_gap_s`` are closed. Overlapping footage gives one span.
    """
    gap_ns = from_seconds(merge_gap_s)
    spans: list[tuple[int, int]] = []
    for segment in index.between(camera, stream, from_wall_ns, to_wall_ns):
        start = max(from_wall_ns, segment.start_wall_ns)
        end = min(to_wall_ns, _end_wall_ns(index, segment))
        if end <= start:
            continue
        if spans and start <= spans[-1][1] + gap_ns:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end))
        else:
            spans.append((start, end))
    return spans


def _end_wall_ns(index: SegmentIndex, segment: Segment) -> int:
    """Where a segment ends; for one that is being written its file is asked."""
    if segment.state == "closed":
        return segment.end_wall_ns
    try:
        with open_segment(index, segment) as reader:
            return reader.end_wall_ns
    except EyespotError as error:
        if error.kind in (Kind.NOT_FOUND, Kind.CORRUPT):
            return segment.start_wall_ns
        raise
