"""A database file that grows with the program, all or nothing, and says what is wrong with it."""

import sqlite3
from pathlib import Path

import pytest

from eyespot.kernel.errors import EyespotError, Kind
from eyespot.kernel.sqlite import Database

FIRST = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;"
SECOND = "ALTER TABLE thing ADD COLUMN size INTEGER NOT NULL DEFAULT 7; CREATE INDEX by_size ON thing (size);"


def opened(path: Path, *steps: str, checked: bool = False) -> Database:
    return Database(path, "thing store", steps, mend="Mend it.", checked=checked)


def test_a_file_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "things.db"
    old = opened(path, FIRST)
    assert old.change("INSERT INTO thing (name) VALUES (?)", ("a",)).lastrowid == 1
    old.close()
    new = opened(path, FIRST, SECOND, checked=True)
    assert new.rows("SELECT name, size FROM thing") == [("a", 7)]
    assert new.rows("PRAGMA user_version") == [(2,)]
    assert new.rows("PRAGMA synchronous") == [(2,)]
    assert new.rows("PRAGMA journal_mode") == [("wal",)]
    new.close()
    with pytest.raises(EyespotError) as caught:
        opened(path, FIRST)
    assert caught.value.kind is Kind.CONFLICT
    assert "thing store" in caught.value.what
    assert "version 2" in caught.value.what


def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "things.db"
    opened(path, FIRST).close()
    with pytest.raises(EyespotError):
        opened(path, FIRST, SECOND + " CREATE TABLE thing (id);")
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (1,)
        assert [row[1] for row in raw.execute("PRAGMA table_info(thing)")] == ["id", "name"]
    raw.close()


def test_many_changes_are_all_made_or_none(tmp_path: Path) -> None:
    things = opened(tmp_path / "things.db", FIRST)
    insert = "INSERT INTO thing (name) VALUES (?)"
    things.change_many(insert, [("a",), ("b",)])
    with pytest.raises(EyespotError):
        things.change_many(insert, [("c",), ("a",)])
    assert things.rows("SELECT name FROM thing ORDER BY name") == [("a",), ("b",)]
    assert things.change("DELETE FROM thing WHERE name = ?", ("b",)).rowcount == 1
    things.close()


def test_damage_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "things.db"
    things = opened(path, FIRST)
    things.change_many("INSERT INTO thing (name) VALUES (?)", ((f"{number:0500}",) for number in range(200)))
    things.close()
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192)
    with pytest.raises(EyespotError) as caught:
        opened(path, FIRST, checked=True)
    assert caught.value.kind is Kind.CORRUPT
    assert caught.value.todo == "Mend it."


def test_a_file_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "things.db").mkdir()
    with pytest.raises(EyespotError) as caught:
        opened(tmp_path / "things.db", FIRST)
    assert caught.value.kind is Kind.UNAVAILABLE
