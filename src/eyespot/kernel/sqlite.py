"""One SQLite file of ours: opened, brought up to date, shared by threads and processes, its errors made ours.

Owns the connection and how sure a commit is (WAL with ``synchronous=FULL``: what was committed survives a power cut);
what is in the file is its owner's business.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eyespot.kernel.errors import EyespotError, Kind, corrupt, unavailable

Row = tuple[Any, ...]
BUSY_S = 10.0
"""How long to wait while another process writes."""


class Database:
    """The database at ``path``, made when missing. Safe for several threads and processes; calls block on the disk.

    Args:
        name: what people call it: ``"segment index"``.
        steps: step N holds the statements, parted by ``;``, that bring a file of version N to version N + 1.
        mend: what to do when it is damaged.
        checked: look through the whole file for damage now.

    Everything raises ``CORRUPT`` when the file is damaged and ``UNAVAILABLE`` when the disk refuses; opening raises
    ``CONFLICT`` when a later version of the program wrote it.
    """

    def __init__(self, path: Path, name: str, steps: Sequence[str], *, mend: str, checked: bool = False) -> None:
        self._called = f"The {name} {path}"
        self._mend = mend
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._guard():
            self._db = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(steps)
                if checked:
                    self._check()
            except BaseException:  # whatever went wrong, the file must not stay open
                self._db.close()
                raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        """All that ``query`` finds."""
        with self._guard():
            return self._db.execute(query, values).fetchall()

    def change(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement and commit it; the cursor tells ``lastrowid`` and ``rowcount``."""
        with self._guard():
            return self._db.execute(statement, values)

    def change_many(self, statement: str, rows: Iterable[Row]) -> None:
        """Run one statement for each of ``rows`` and commit: all or, when it raises, none."""
        with self._guard(), self._transaction("IMMEDIATE"):
            self._db.executemany(statement, rows)

    def _prepare(self, steps: Sequence[str]) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        while (version := self._version()) != len(steps):
            if not 0 <= version < len(steps):
                raise EyespotError(
                    Kind.CONFLICT,
                    f"{self._called} is of version {version}; this program knows {len(steps)}.",
                    "Run the version of Eyespot that wrote it.",
                )
            with self._transaction("EXCLUSIVE"):
                if self._version() == version:  # another process may have been quicker
                    for statement in steps[version].split(";"):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA user_version = {version + 1}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def _check(self) -> None:
        found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise corrupt(f"{self._called} is damaged: {found}.", self._mend)

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        self._db.execute(f"BEGIN {kind}")
        try:
            yield
        except BaseException:  # all or nothing
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """One caller at a time; SQLite's errors become ours."""
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                raise unavailable(f"{self._called} cannot be used: {error}.", "Check the disk.") from error
            except sqlite3.DatabaseError as error:
                raise corrupt(f"{self._called} is damaged: {error}.", self._mend) from error
