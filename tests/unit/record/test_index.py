"""The index as other rooms use it."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.record.index import SegmentIndex
from eyespot.record.segment import Note, Segment, segment_path

ROW = Segment(
    0, "/a", "door", "main", "x.mp4", 100 * NS_PER_S, 99 * NS_PER_S, 5, 60 * NS_PER_S, 1000, 800, "video/mp4", "k",
    64, 48, False, 0, "closed",
)  # fmt: skip


def rows_at(index: SegmentIndex, *starts_s: int) -> list[int]:
    return [
        index.add(replace(ROW, path=f"{start}.mp4", start_wall_ns=start * NS_PER_S, origin_wall_ns=start * NS_PER_S))
        for start in starts_s
    ]


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "index.db"
    index = SegmentIndex(path)
    number = index.add(replace(ROW, state="open", has_event=True, clock_jump_ns=-7))
    index.close()
    again = SegmentIndex(path)
    assert again.get(number) == replace(ROW, id=number, state="open", has_event=True, clock_jump_ns=-7)
    assert again.open_segments() == again.all()
    again.close_segment(number, duration_ns=5, size_bytes=6, has_event=False)
    closed = again.get(number)
    assert closed == replace(ROW, id=number, has_event=True, clock_jump_ns=-7, duration_ns=5, size_bytes=6)
    again.close()


def test_it_commits_with_a_full_sync(tmp_path: Path) -> None:
    index = SegmentIndex(tmp_path / "index.db")
    assert index._db.rows("PRAGMA synchronous") == [(2,)]
    assert index._db.rows("PRAGMA journal_mode") == [("wal",)]
    index.close()


def test_search_by_time(tmp_path: Path) -> None:
    index = SegmentIndex(tmp_path / "index.db")
    rows_at(index, 0, 60, 120, 180)
    found = index.between("door", "main", 61 * NS_PER_S, 180 * NS_PER_S)
    assert [row.start_wall_ns // NS_PER_S for row in found] == [60, 120]
    assert index.between("door", "sub", 0, 1 << 60) == []
    index.add(replace(ROW, path="open.mp4", start_wall_ns=240 * NS_PER_S, duration_ns=0, state="open"))
    found = index.between("door", "main", 1000 * NS_PER_S, 1001 * NS_PER_S)
    assert [row.state for row in found] == ["open"]
    index.close()


def test_marking_an_event(tmp_path: Path) -> None:
    index = SegmentIndex(tmp_path / "index.db")
    rows_at(index, 0, 60, 120)
    assert index.mark_event("door", 70 * NS_PER_S, 130 * NS_PER_S) == 2
    assert index.mark_event("door", 70 * NS_PER_S, 130 * NS_PER_S) == 0
    assert [row.has_event for row in index.all()] == [False, True, True]
    index.close()


def test_totals_and_deletion(tmp_path: Path) -> None:
    index = SegmentIndex(tmp_path / "index.db")
    numbers = rows_at(index, 0, 60)
    assert index.totals() == {"door": {"segments": 2, "bytes": 2000, "oldest_wall_ns": 0}}
    assert index.used_bytes("/a") == 2000
    index.delete(numbers[:1])
    assert [row.id for row in index.all()] == numbers[1:]
    index.close()


def test_two_processes_share_it(tmp_path: Path) -> None:
    writer, reader = SegmentIndex(tmp_path / "index.db"), SegmentIndex(tmp_path / "index.db")
    rows_at(writer, 0)
    assert len(reader.all()) == 1
    writer.close()
    reader.close()


def test_an_index_of_a_later_version_is_refused_not_changed(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    SegmentIndex(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(EyespotError) as caught:
        SegmentIndex(path)
    assert caught.value.kind is Kind.CONFLICT
    assert "version 99" in caught.value.what


def test_notes_survive_and_hostile_ones_are_refused() -> None:
    note = Note("door", "main", 1, 2, 3, has_event=True, clock_jump_ns=-4)
    assert Note.decode(note.encode()) == note
    good = note.encode()
    for bad in (
        b"", b"[]", b"null", good[:-1], good.replace(b'"door"', b'"../door"'), good.replace(b'"v":1', b'"v":2'),
        good.replace(b":-4", b":1e400"), good.replace(b":-4", b":" + b"9" * 30), b"[" * 4000, b"x" * 5000,
    ):  # fmt: skip
        with pytest.raises(EyespotError) as caught:
            Note.decode(bad)
        assert caught.value.kind is Kind.CORRUPT


def test_names_are_utc_and_kept_apart() -> None:
    start = 1_760_000_000 * NS_PER_S + 7_000_000
    assert segment_path("door", "main", start) == "door/main/2025-10-09/08-53-20.007.mp4"
    assert segment_path("door", "main", start, 2) == "door/main/2025-10-09/08-53-20.007-2.mp4"
