"""The segment index: one SQLite file that says which footage lies where. The only module of the room that knows SQL.

Written by the media process when a segment opens, closes, moves or goes, never for each fragment; read by the api
process. What was committed survives a power cut. It can be rebuilt from the files.
"""

from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from eyespot.kernel.sqlite import Database
from eyespot.record.segment import Segment

_COLUMNS = tuple(field.name for field in fields(Segment))
_STEPS = (
    """
CREATE TABLE segment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    root TEXT NOT NULL,
    camera TEXT NOT NULL,
    stream TEXT NOT NULL,
    path TEXT NOT NULL,
    start_wall_ns INTEGER NOT NULL,
    origin_wall_ns INTEGER NOT NULL,
    start_mono_ns INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    init_bytes INTEGER NOT NULL,
    mime TEXT NOT NULL,
    configuration_key TEXT NOT NULL,
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    has_event INTEGER NOT NULL,
    clock_jump_ns INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed')),
    UNIQUE (root, path)
) STRICT;
CREATE INDEX segment_by_time ON segment (camera, stream, start_wall_ns);
CREATE INDEX segment_by_class ON segment (root, camera, has_event, start_wall_ns, size_bytes);
CREATE INDEX segment_by_age ON segment (root, start_wall_ns, id);
CREATE INDEX segment_open ON segment (state) WHERE state = 'open';
""",
)
_LONGEST_NS = 2 * 3600 * 1_000_000_000
"""No segment is longer (``segment_s`` is at most an hour): bounds the look-back of a search by time."""


class SegmentIndex:
    """The index at ``path``, made when missing. Safe to use from several threads; calls block on the disk.

    Raises ``CORRUPT`` when the file is not a sound index, ``CONFLICT`` when a later version of the program wrote it,
    ``UNAVAILABLE`` when the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path, "segment index", _STEPS, mend="Restart: it is rebuilt from the files.", checked=True)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, segment: Segment) -> int:
        """Store ``segment`` (its ``id`` is ignored) and return its id; a row of the same root and path is replaced."""
        names = ", ".join(_COLUMNS[1:])
        marks = ", ".join("?" * (len(_COLUMNS) - 1))
        inserted = self._db.change(f"INSERT OR REPLACE INTO segment ({names}) VALUES ({marks})", astuple(segment)[1:])
        return int(inserted.lastrowid or 0)

    def close_segment(self, segment_id: int, *, duration_ns: int, size_bytes: int, has_event: bool) -> None:
        """The segment is whole: its true length is known. An event mark that is there stays."""
        self._db.change(
            "UPDATE segment SET state = 'closed', duration_ns = ?, size_bytes = ?, has_event = has_event | ? "
            "WHERE id = ?",
            (duration_ns, size_bytes, has_event, segment_id),
        )

    def mark_event(self, camera: str, from_wall_ns: int, to_wall_ns: int) -> int:
        """Mark all streams' segments that overlap the time as having an event; returns how many were newly marked."""
        marked = self._db.change(
            "UPDATE segment SET has_event = 1 WHERE camera = ? AND has_event = 0 AND start_wall_ns < ? "
            "AND start_wall_ns > ? AND (state = 'open' OR start_wall_ns + duration_ns > ?)",
            (camera, to_wall_ns, from_wall_ns - _LONGEST_NS, from_wall_ns),
        )
        return marked.rowcount

    def move(self, segment_id: int, root: str) -> None:
        """The file lies below another root now."""
        self._db.change("UPDATE segment SET root = ? WHERE id = ?", (root, segment_id))

    def delete(self, segment_ids: Iterable[int]) -> None:
        """Forget segments, all at once or not at all."""
        self._db.change_many("DELETE FROM segment WHERE id = ?", ((number,) for number in segment_ids))

    def get(self, segment_id: int) -> Segment | None:
        """One segment, or None."""
        return next(iter(self._select("WHERE id = ?", (segment_id,))), None)

    def between(self, camera: str, stream: str, from_wall_ns: int, to_wall_ns: int) -> list[Segment]:
        """Segments that overlap the time, by start; an open one counts as lasting until now."""
        return self._select(
            "WHERE camera = ? AND stream = ? AND start_wall_ns < ? AND start_wall_ns > ? "
            "AND (state = 'open' OR start_wall_ns + duration_ns > ?) ORDER BY start_wall_ns, id",
            (camera, stream, to_wall_ns, from_wall_ns - _LONGEST_NS, from_wall_ns),
        )

    def all(self) -> list[Segment]:
        """Every segment, by start."""
        return self._select("ORDER BY start_wall_ns, id", ())

    def open_segments(self) -> list[Segment]:
        """Segments that are being written, or were when the program died."""
        return self._select("WHERE state = 'open' ORDER BY id", ())

    def oldest(self, root: str, count: int = 16) -> list[Segment]:
        """The oldest closed segments on ``root``."""
        return self._select("WHERE root = ? AND state = 'closed' ORDER BY start_wall_ns, id LIMIT ?", (root, count))

    def bytes_by_camera(self) -> dict[tuple[str, str], int]:
        """``{(root, camera): bytes}``."""
        query = "SELECT root, camera, SUM(size_bytes) FROM segment GROUP BY root, camera"
        return {(row[0], row[1]): int(row[2]) for row in self._db.rows(query)}

    def oldest_of_each(self, count: int) -> list[Segment]:
        """The ``count`` oldest closed segments of every root and camera, with and without events."""
        found: list[Segment] = []
        for root, camera in self.bytes_by_camera():
            for has_event in (0, 1):
                found += self._select(
                    "WHERE root = ? AND camera = ? AND has_event = ? AND state = 'closed' "
                    "ORDER BY start_wall_ns, id LIMIT ?",
                    (root, camera, has_event, count),
                )
        return found

    def totals(self) -> dict[str, dict[str, int]]:
        """``{camera: {"segments", "bytes", "oldest_wall_ns"}}``."""
        query = "SELECT camera, COUNT(*), SUM(size_bytes), MIN(start_wall_ns) FROM segment GROUP BY camera"
        rows = self._db.rows(query)
        return {row[0]: {"segments": row[1], "bytes": row[2], "oldest_wall_ns": row[3]} for row in rows}

    def used_bytes(self, root: str) -> int:
        """Bytes of closed segments on ``root``."""
        return int(self._db.rows("SELECT COALESCE(SUM(size_bytes), 0) FROM segment WHERE root = ?", (root,))[0][0])

    def _select(self, where: str, values: tuple[Any, ...]) -> list[Segment]:
        rows = self._db.rows(f"SELECT {', '.join(_COLUMNS)} FROM segment {where}", values)
        return [_segment(row) for row in rows]


def _segment(row: tuple[Any, ...]) -> Segment:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["has_event"] = bool(values["has_event"])
    return Segment(**values)
