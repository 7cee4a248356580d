"""Which footage goes first when something must go: what has used up the largest share of the time it was promised.

Footage with events is promised more days, so it outlives footage without by that factor, yet cannot crowd it out.
"""

from collections.abc import Iterable, Mapping

from eyespot.record.segment import Segment
from eyespot.record.settings import RetentionSettings

NS_PER_DAY = 86_400 * 1_000_000_000


def promised_ns(segment: Segment, retention: Mapping[str, RetentionSettings]) -> int:
    """How long ``segment`` is to be kept."""
    settings = retention.get(segment.camera) or RetentionSettings()
    return round((settings.event_days if segment.has_event else settings.days) * NS_PER_DAY)


def most_expendable(
    segments: Iterable[Segment], retention: Mapping[str, RetentionSettings], now_wall_ns: int
) -> list[Segment]:
    """``segments`` with what should go first in front; ties by age and id."""

    def used_up(segment: Segment) -> tuple[float, int, int]:
        age = now_wall_ns - segment.start_wall_ns
        return (-age / promised_ns(segment, retention), segment.start_wall_ns, segment.id)

    return sorted(segments, key=used_up)
