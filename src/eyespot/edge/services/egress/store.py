"""The newest connections of services, in one SQLite file beside the store of services: ``<state>/egress.db``."""

from collections.abc import Iterable
from pathlib import Path

from eyespot.edge.services.egress.record import Connection
from eyespot.kernel.sqlite import Database

_STEPS = (
    """
CREATE TABLE connection (
    id TEXT PRIMARY KEY,
    service TEXT NOT NULL,
    wall_ns INTEGER NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    address TEXT NOT NULL,
    sent_bytes INTEGER NOT NULL,
    received_bytes INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    outcome TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX connection_by_service ON connection (service, outcome, id);
""",
)
KEPT_MADE, KEPT_REFUSED = 400, 100
"""Of one service. Refused ones are kept apart, so that a flood of attempts does not push out what was sent."""
KEPT_SERVICES = 128
_COLUMNS = "id, service, wall_ns, host, port, address, sent_bytes, received_bytes, duration_s, outcome, why"


class EgressStore:
    """The store at ``path``; safe for several processes; calls block on the disk. Raises as ``Database`` does."""

    def __init__(self, path: Path) -> None:
        self._db = Database(path, "journal of connections", _STEPS, mend="Move it away: a new one is begun.")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def put(self, connections: Iterable[Connection]) -> None:
        """Store the newest states, and drop what is more than is kept."""
        rows = [
            (
                one.id, one.service, one.wall_ns, one.host, one.port, one.address, one.sent_bytes, one.received_bytes,
                one.duration_s, one.outcome, one.why,
            )
            for one in connections
        ]  # fmt: skip
        self._db.change_many(f"INSERT OR REPLACE INTO connection VALUES ({', '.join('?' * 11)})", rows)
        for service in {row[1] for row in rows}:
            self._trim(str(service))

    def interrupt(self) -> None:
        """Those that were open when the process before ended, ended with it."""
        self._db.change("UPDATE connection SET outcome = 'interrupted' WHERE outcome = 'open'")

    def newest(self, service: str, limit: int = KEPT_MADE + KEPT_REFUSED) -> list[Connection]:
        """The newest connections of one service, oldest first."""
        found = self._db.rows(
            f"SELECT {_COLUMNS} FROM connection WHERE service = ? ORDER BY id DESC LIMIT ?", (service, limit)
        )
        return sorted((Connection(*row) for row in found), key=lambda one: one.wall_ns)  # ids tell milliseconds alone

    def _trim(self, service: str) -> None:
        for condition, kept in (("outcome <> 'refused'", KEPT_MADE), ("outcome = 'refused'", KEPT_REFUSED)):
            self._db.change(
                f"DELETE FROM connection WHERE service = ?1 AND {condition} AND id NOT IN "
                f"(SELECT id FROM connection WHERE service = ?1 AND {condition} ORDER BY id DESC LIMIT ?2)",
                (service, kept),
            )
        self._db.change(
            "DELETE FROM connection WHERE service NOT IN "
            "(SELECT service FROM connection GROUP BY service ORDER BY max(id) DESC LIMIT ?)",
            (KEPT_SERVICES,),
        )
