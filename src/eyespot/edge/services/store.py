"""Which services should run, and how: one SQLite file, the one truth. Written by whoever installs or changes them,
read by the services process, which makes it so; and the last states of each, for people to look at.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from eyespot.edge.services.granted import Granted
from eyespot.kernel.errors import EyespotError, Kind, not_found
from eyespot.kernel.sqlite import Database

_STEPS = (
    """
CREATE TABLE service (
    name TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    starts INTEGER NOT NULL,
    granted TEXT NOT NULL,
    settings TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE state (
    at INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    wall_ns INTEGER NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT;
CREATE INDEX state_by_name ON state (name, at);
""",
    "ALTER TABLE service ADD COLUMN former TEXT NOT NULL DEFAULT 'null'",
    "ALTER TABLE service ADD COLUMN origin TEXT NOT NULL DEFAULT ''",
)
KEPT_STATES = 10
State = Literal["installed", "starting", "running", "unhealthy", "backoff", "stopped", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Row:
    """One installed service as it should be.

    Attributes:
        digest: SHA-256 of its folder, hex; see ``digest``.
        starts: how often its owner said that it shall run; 0 or less: it shall not.
        settings: what the owner set, without defaults.
        before: version and digest of the one to go back to until this one has proved healthy; empty: none.
        former: version and digest of the one that its owner can go back to after that; empty: none.
        origin: ``builtin`` for code that came with the platform, which is renewed with it; empty: somebody brought it.
    """

    name: str
    version: str
    digest: str
    starts: int = 1
    granted: Granted = field(default_factory=Granted)
    settings: dict[str, Any] | None = None
    before: tuple[str, str] | None = None
    former: tuple[str, str] | None = None
    origin: str = ""

    @property
    def way_back(self) -> tuple[str, str] | None:
        """Version and digest of the one that its owner can go back to."""
        return self.before or self.former

    @property
    def enabled(self) -> bool:
        """Whether it shall run."""
        return self.starts > 0

    @property
    def folder(self) -> str:
        """Its place below the folder of services."""
        return folder_of(self.name, self.version, self.digest)


def folder_of(name: str, version: str, digest: str) -> str:
    """``<name>/<version>-<digest12>``."""
    return f"{name}/{version}-{digest[:12]}"


@dataclass(frozen=True, slots=True)
class Moment:
    """A state that a service came into."""

    wall_ns: int
    state: str
    why: str


class ServiceStore:
    """The store at ``path``; safe for several processes; calls block on the disk. Raises as ``Database`` does."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, "store of services", _STEPS, mend="Move it away and install the services again.")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def rows(self) -> list[Row]:
        """All, by name."""
        columns = "name, version, digest, starts, granted, settings, before, former, origin"
        return [_row(found) for found in self._db.rows(f"SELECT {columns} FROM service ORDER BY name")]

    def get(self, name: str) -> Row:
        """One; raises ``NOT_FOUND``."""
        for row in self.rows():
            if row.name == name:
                return row
        raise not_found(f"No service '{name[:64]}' is installed.", "See: eyespot services list.")

    def put(self, row: Row) -> None:
        """Store ``row``, in place of one with its name."""
        values = (
            row.name, row.version, row.digest, row.starts, row.granted.model_dump_json(),
            json.dumps(row.settings or {}), json.dumps(row.before), json.dumps(row.former),
            row.origin,
        )  # fmt: skip
        self._db.change(
            "INSERT OR REPLACE INTO service (name, version, digest, starts, granted, settings, before, former, origin) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            values,
        )

    def set_granted(self, name: str, digest: str, granted: Granted) -> bool:
        """Change what the version with ``digest`` is granted; False when that is not installed any more."""
        values = (granted.model_dump_json(), name, digest)
        return self._db.change("UPDATE service SET granted = ? WHERE name = ? AND digest = ?", values).rowcount == 1

    def set_settings(self, name: str, digest: str, settings: dict[str, Any]) -> bool:
        """Change the settings of the version with ``digest``; False when that is not installed any more."""
        values = (json.dumps(settings), name, digest)
        return self._db.change("UPDATE service SET settings = ? WHERE name = ? AND digest = ?", values).rowcount == 1

    def scrub(self) -> None:
        """Write the file anew, so that nothing of what was overwritten can be read from it."""
        self._db.change("VACUUM")
        self._db.change("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def set_enabled(self, name: str, *, enabled: bool) -> None:
        """Let a service run, once more where it ran already, or not; one that is not installed is left so."""
        starts = "abs(starts) + 1" if enabled else "-abs(starts)"
        self._db.change(f"UPDATE service SET starts = {starts} WHERE name = ?", (name,))

    def settle(self, name: str, digest: str) -> None:
        """The version with ``digest`` has proved healthy: from now on only its owner goes back."""
        self._db.change(
            "UPDATE service SET former = before, before = 'null' WHERE name = ? AND digest = ? AND before <> 'null'",
            (name, digest),
        )

    def roll_back(self, name: str, digest: str) -> bool:
        """Put the version before in place of the one with ``digest``; False when there is none."""
        row = next((one for one in self.rows() if one.name == name and one.digest == digest), None)
        if row is None or row.before is None:
            return False
        statement = (
            "UPDATE service SET version = ?, digest = ?, before = 'null', former = 'null', origin = '' "
            "WHERE name = ? AND digest = ?"
        )
        return self._db.change(statement, (*row.before, name, digest)).rowcount == 1

    def remove(self, name: str) -> None:
        """Forget a service and its states; raises ``NOT_FOUND``."""
        if self._db.change("DELETE FROM service WHERE name = ?", (name,)).rowcount == 0:
            raise not_found(f"No service '{name[:64]}' is installed.", "See: eyespot services list.")
        self._db.change("DELETE FROM state WHERE name = ?", (name,))

    def note(self, name: str, wall_ns: int, state: State, why: str = "") -> None:
        """A service came into ``state``; the last ``KEPT_STATES`` are kept."""
        self._db.change(
            "INSERT INTO state (name, wall_ns, state, why) VALUES (?, ?, ?, ?)", (name, wall_ns, state, why[:500])
        )
        self._db.change(
            "DELETE FROM state WHERE name = ?1 AND at NOT IN "
            "(SELECT at FROM state WHERE name = ?1 ORDER BY at DESC LIMIT ?2)",
            (name, KEPT_STATES),
        )

    def forget_states(self) -> None:
        """Forget the states of services that are not installed any more: one may have said its last after that."""
        self._db.change("DELETE FROM state WHERE name NOT IN (SELECT name FROM service)")

    def states(self, name: str) -> list[Moment]:
        """The last states of one, oldest first."""
        found = self._db.rows("SELECT wall_ns, state, why FROM state WHERE name = ? ORDER BY at", (name,))
        return [Moment(int(wall_ns), str(state), str(why)) for wall_ns, state, why in found]


def _row(found: Sequence[Any]) -> Row:
    name, version, digest, starts, granted, settings, before, former, origin = found
    try:
        return Row(
            name, version, digest, int(starts), Granted.model_validate_json(granted), json.loads(settings),
            _way_back(before), _way_back(former), str(origin),
        )  # fmt: skip
    except (ValueError, LookupError, TypeError) as error:
        raise EyespotError(
            Kind.CORRUPT, f"What is stored of service '{name}' does not parse.", "Remove it and install it again."
        ) from error


def _way_back(stored: str) -> tuple[str, str] | None:
    found = json.loads(stored)
    return None if found is None else (str(found[0]), str(found[1]))
