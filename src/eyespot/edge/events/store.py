"""The event store: one SQLite file, written by the processes that find events, read by the api process.

Each row holds the event's whole JSON document; the other columns are copies to search by. What was stored survives a
power cut.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from eyespot.contracts.event import Event
from eyespot.edge.events.query import EventQuery, make_cursor
from eyespot.kernel.errors import corrupt
from eyespot.kernel.sqlite import Database

_STEPS = (
    """
CREATE TABLE event (
    id TEXT PRIMARY KEY,
    camera TEXT NOT NULL,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    zone TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_time ON event (start_ns, id);
CREATE INDEX event_by_camera ON event (camera, start_ns, id);
CREATE INDEX event_open ON event (camera) WHERE end_ns IS NULL;
""",
)
SCHEMA_VERSION = len(_STEPS)


class EventStore:
    """The store at ``path``, made when missing; safe for several threads and processes; calls block on the disk.

    Raises ``CORRUPT`` when the file is damaged, ``CONFLICT`` when it is newer than this program, ``UNAVAILABLE`` when
    the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path, "event store", _STEPS, mend="Move it away: a new one is made.")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, event: Event) -> None:
        """Store ``event``; an earlier state of it is replaced."""
        self.put_many((event,))

    def put_many(self, events: Iterable[Event]) -> None:
        """Store all of ``events`` or, when it raises, none; for one id the last wins."""
        rows = [_row(event) for event in events]
        if rows:
            self._db.change_many("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def get(self, event_id: str) -> Event | None:
        """One event, or None."""
        return next(iter(self._select("id = ?", [event_id], "LIMIT 1")), None)

    def find(self, query: EventQuery) -> tuple[list[Event], str | None]:
        """Events that match, newest first, and the cursor of the next page (None at the end)."""
        condition, values = query.condition()
        found = self._select(condition, values, f"ORDER BY start_ns DESC, id DESC LIMIT {query.limit + 1}")
        if len(found) <= query.limit:
            return found, None
        page = found[: query.limit]
        return page, make_cursor(page[-1].start_wall_ns, page[-1].id)

    def between(self, camera: str, from_ns: int, to_ns: int, limit: int = 5000) -> list[Event]:
        """Events of one camera that overlap a wall time, oldest first."""
        condition, values = EventQuery(camera=camera, from_ns=from_ns, to_ns=to_ns).condition()
        return self._select(condition, values, f"ORDER BY start_ns, id LIMIT {limit}")

    def open_events(self, kinds: Sequence[str]) -> list[Event]:
        """Events of ``kinds`` that have no end yet."""
        marks = ", ".join("?" * len(kinds))
        return self._select(f"end_ns IS NULL AND kind IN ({marks})", list(kinds), "ORDER BY start_ns, id")

    def close_interrupted(self, kinds: Sequence[str]) -> list[Event]:
        """End every open event of ``kinds`` where it was last seen, marked ``interrupted``: their finder died.

        Called by a finder at its start; returns the ended events.
        """
        ended = [_interrupted(event) for event in self.open_events(kinds)]
        self.put_many(ended)
        return ended

    def forget_before(self, wall_ns: int, limit: int = 500) -> list[str]:
        """Delete up to ``limit`` events that ended before ``wall_ns``; returns the picture paths they leave behind."""
        old = self._select("end_ns < ?", [wall_ns], f"ORDER BY start_ns, id LIMIT {limit}")
        if old:
            self._db.change_many("DELETE FROM event WHERE id = ?", [(event.id,) for event in old])
        return [event.picture for event in old if event.picture]

    def count(self) -> int:
        """How many events there are."""
        return int(self._db.rows("SELECT COUNT(*) FROM event")[0][0])

    def _select(self, condition: str, values: Sequence[Any], tail: str) -> list[Event]:
        rows = self._db.rows(f"SELECT document FROM event WHERE {condition} {tail}", values)
        try:
            return [Event.model_validate_json(row[0]) for row in rows]
        except ValidationError as error:
            raise corrupt(f"The event store {self.path.name} holds an event that does not parse.") from error


def _row(event: Event) -> tuple[Any, ...]:
    return (
        event.id,
        event.camera,
        event.kind,
        event.label,
        event.zone,
        event.start_wall_ns,
        event.end_wall_ns,
        event.model_dump_json(),
    )


def _interrupted(event: Event) -> Event:
    seen = [event.start_wall_ns, event.best_wall_ns or 0, *(point.wall_ns for point in event.path)]
    return event.model_copy(update={"end_wall_ns": max(seen), "detail": {**event.detail, "interrupted": True}})
