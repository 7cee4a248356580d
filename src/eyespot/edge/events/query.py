"""What to look for in the event store, and the SQL condition that says it."""

from dataclasses import dataclass
from typing import Any

from eyespot.kernel.errors import invalid

MAX_LIMIT = 500


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Filters, all optional; newest first.

    Attributes:
        from_ns, to_ns: only events that overlap this wall time.
        limit: at most so many, 1 to ``MAX_LIMIT``.
        before: cursor that an earlier page gave.
    """

    camera: str | None = None
    kind: str | None = None
    label: str | None = None
    zone: str | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    limit: int = 50
    before: str | None = None

    def condition(self) -> tuple[str, list[Any]]:
        """A WHERE clause (never empty) and its values; raises ``INVALID`` on a bad cursor or limit."""
        if not 1 <= self.limit <= MAX_LIMIT:
            raise invalid(f"limit is {self.limit}.", f"Ask for 1 to {MAX_LIMIT} events.")
        parts, values = ["1"], list[Any]()
        for column in ("camera", "kind", "label", "zone"):
            wanted = getattr(self, column)
            if wanted is not None:
                parts.append(f"{column} = ?")
                values.append(wanted)
        if self.to_ns is not None:
            parts.append("start_ns < ?")
            values.append(_clamped(self.to_ns))
        if self.from_ns is not None:
            parts.append("(end_ns IS NULL OR end_ns >= ?)")
            values.append(_clamped(self.from_ns))
        if self.before is not None:
            parts.append("(start_ns, id) < (?, ?)")
            values.extend(parse_cursor(self.before))
        return " AND ".join(parts), values


def make_cursor(start_ns: int, event_id: str) -> str:
    """The place just after an event in the newest-first order."""
    return f"{start_ns}.{event_id}"


def parse_cursor(cursor: str) -> tuple[int, str]:
    """The inverse of ``make_cursor``; raises ``INVALID``."""
    number, dot, event_id = cursor.partition(".")
    if not dot or not number.isascii() or not number.isdigit() or len(number) > 19 or len(event_id) > 64:
        raise invalid("The cursor is not one that this program gave.", "Start again without it.")
    return _clamped(int(number)), event_id


def _clamped(ns: int) -> int:
    return max(-(1 << 63), min(ns, (1 << 63) - 1))
