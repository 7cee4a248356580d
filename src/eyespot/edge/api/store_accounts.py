"""Accounts, sessions and bearer tokens in ``api.db`` (SQLite, WAL, ``synchronous=FULL``).

Secrets are kept only as SHA-256 hashes (256 random bits need no slow hash); passwords only as argon2id.
One connection behind a lock, usable from any thread. Decides nothing about rights: see ``principal``.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, not_found
from eyespot.kernel.ids import new_id

Role = Literal["admin", "viewer"]
SESSION_IDLE_NS = 7 * 86_400 * NS_PER_S
SESSION_LONGEST_NS = 30 * 86_400 * NS_PER_S
MAX_USERS, MAX_TOKENS_PER_USER, MAX_SESSIONS_PER_USER = 256, 64, 64

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
  name TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL CHECK (role IN ('admin', 'viewer')),
  password TEXT NOT NULL, cameras TEXT, created_ns INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  hash BLOB PRIMARY KEY, user TEXT NOT NULL COLLATE NOCASE REFERENCES users(name) ON DELETE CASCADE,
  created_ns INTEGER NOT NULL, seen_ns INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
  id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE,
  user TEXT NOT NULL COLLATE NOCASE REFERENCES users(name) ON DELETE CASCADE,
  name TEXT NOT NULL, role TEXT NOT NULL CHECK (role IN ('admin', 'viewer')),
  created_ns INTEGER NOT NULL, last_used_ns INTEGER) STRICT;
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``cameras``: the cameras it may see, None for all."""

    name: str
    role: Role
    password: str
    cameras: frozenset[str] | None
    created_ns: int


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token without its secret."""

    id: str
    name: str
    role: Role
    created_ns: int
    last_used_ns: int | None


def secret_hash(secret: str) -> bytes:
    """What is stored of a session or bearer secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


class AccountStore:
    """The accounts database at ``path`` (made with mode 0600)."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    # Accounts

    def any_user(self) -> bool:
        """True once the first account exists."""
        return bool(self._one("SELECT EXISTS (SELECT 1 FROM users)")[0])

    def user(self, name: str) -> User | None:
        """The account ``name`` (case does not matter)."""
        row = self._row("SELECT name, role, password, cameras, created_ns FROM users WHERE name = ?", name)
        return _user(row) if row else None

    def users(self) -> list[User]:
        """All accounts by name."""
        return [
            _user(row)
            for row in self._rows("SELECT name, role, password, cameras, created_ns FROM users ORDER BY name")
        ]

    def add_first_user(self, name: str, password: str, now_ns: int) -> bool:
        """Make the first account, an admin; False when there is one already. Two at once: exactly one wins."""
        with self._write() as db:
            if db.execute("SELECT EXISTS (SELECT 1 FROM users)").fetchone()[0]:
                return False
            db.execute("INSERT INTO users VALUES (?, 'admin', ?, NULL, ?)", (name, password, now_ns))
            return True

    def add_user(self, name: str, role: Role, password: str, cameras: frozenset[str] | None, now_ns: int) -> None:
        """Make an account; raises ``CONFLICT`` when the name is taken, ``EXHAUSTED`` when there are too many."""
        with self._write() as db:
            if db.execute("SELECT count(*) FROM users").fetchone()[0] >= MAX_USERS:
                raise EyespotError(Kind.EXHAUSTED, f"There are {MAX_USERS} accounts.", "Remove one that is not needed.")
            try:
                db.execute(
                    "INSERT INTO users VALUES (?, ?, ?, ?, ?)", (name, role, password, _cameras(cameras), now_ns)
                )
            except sqlite3.IntegrityError as error:
                raise EyespotError(
                    Kind.CONFLICT, f"There is an account {name} already.", "Choose another name."
                ) from error

    def change_user(self, name: str, role: Role, cameras: frozenset[str] | None) -> None:
        """Set role and cameras; raises ``CONFLICT`` when it would leave no admin."""
        with self._write() as db:
            _keep_an_admin(db, name, leaving=role != "admin")
            changed = db.execute(
                "UPDATE users SET role = ?, cameras = ? WHERE name = ?", (role, _cameras(cameras), name)
            )
            if changed.rowcount == 0:
                raise _no_user(name)

    def remove_user(self, name: str) -> None:
        """Remove an account with its sessions and tokens; raises ``CONFLICT`` for the last admin."""
        with self._write() as db:
            _keep_an_admin(db, name, leaving=True)
            if db.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount == 0:
                raise _no_user(name)

    def set_password(self, name: str, password: str, *, keep_session: bytes | None) -> None:
        """Store a new password hash and end all sessions of the account but ``keep_session`` (a secret's hash)."""
        with self._write() as db:
            if db.execute("UPDATE users SET password = ? WHERE name = ?", (password, name)).rowcount == 0:
                raise _no_user(name)
            db.execute("DELETE FROM sessions WHERE user = ? AND hash IS NOT ?", (name, keep_session))

    # Sessions

    def open_session(self, user: str, now_ns: int) -> str:
        """A new session's secret; the oldest beyond 64 of the account end."""
        secret = secrets.token_urlsafe(32)
        with self._write() as db:
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (secret_hash(secret), user, now_ns, now_ns))
            db.execute(
                "DELETE FROM sessions WHERE user = ? AND hash NOT IN "
                "(SELECT hash FROM sessions WHERE user = ? ORDER BY seen_ns DESC LIMIT ?)",
                (user, user, MAX_SESSIONS_PER_USER),
            )
            db.execute(
                "DELETE FROM sessions WHERE seen_ns < ? OR created_ns < ?",
                (now_ns - SESSION_IDLE_NS, now_ns - SESSION_LONGEST_NS),
            )
        return secret

    def session_user(self, hash_: bytes, now_ns: int) -> tuple[User, int] | None:
        """The account of a live session and when it was last seen; None when unknown, idle too long, or too old."""
        row = self._row(
            "SELECT u.name, u.role, u.password, u.cameras, u.created_ns, s.created_ns, s.seen_ns "
            "FROM sessions s JOIN users u ON u.name = s.user WHERE s.hash = ?",
            hash_,
        )
        if row is None or now_ns - row[6] > SESSION_IDLE_NS or now_ns - row[5] > SESSION_LONGEST_NS:
            return None
        return _user(row[:5]), row[6]

    def touch_session(self, hash_: bytes, now_ns: int) -> None:
        """Note that the session was used."""
        with self._write() as db:
            db.execute("UPDATE sessions SET seen_ns = ? WHERE hash = ?", (now_ns, hash_))

    def end_session(self, hash_: bytes) -> None:
        """End one session."""
        with self._write() as db:
            db.execute("DELETE FROM sessions WHERE hash = ?", (hash_,))

    # Bearer tokens

    def add_token(self, user: str, name: str, role: Role, now_ns: int) -> tuple[Token, str]:
        """A new bearer token and its secret, which is never shown again."""
        secret = f"eyespot_{secrets.token_urlsafe(32)}"
        token = Token(new_id(now_ns), name, role, now_ns, None)
        with self._write() as db:
            if db.execute("SELECT count(*) FROM tokens WHERE user = ?", (user,)).fetchone()[0] >= MAX_TOKENS_PER_USER:
                raise EyespotError(Kind.EXHAUSTED, f"You have {MAX_TOKENS_PER_USER} tokens.", "Remove one first.")
            values = (token.id, secret_hash(secret), user, name, role, now_ns, None)
            db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        return token, secret

    def tokens(self, user: str) -> list[Token]:
        """The tokens of an account, oldest first."""
        rows = self._rows(
            "SELECT id, name, role, created_ns, last_used_ns FROM tokens WHERE user = ? ORDER BY id", user
        )
        return [Token(*row) for row in rows]

    def remove_token(self, user: str, id_: str) -> None:
        """Remove one token of the account; raises ``NOT_FOUND``."""
        with self._write() as db:
            if db.execute("DELETE FROM tokens WHERE user = ? AND id = ?", (user, id_)).rowcount == 0:
                raise not_found("You have no such token.", "List your tokens to see their ids.")

    def token_user(self, hash_: bytes) -> tuple[User, Token] | None:
        """The account and token of a bearer secret's hash."""
        row = self._row(
            "SELECT u.name, u.role, u.password, u.cameras, u.created_ns, "
            "t.id, t.name, t.role, t.created_ns, t.last_used_ns "
            "FROM tokens t JOIN users u ON u.name = t.user WHERE t.hash = ?",
            hash_,
        )
        return (_user(row[:5]), Token(*row[5:])) if row else None

    def touch_token(self, id_: str, now_ns: int) -> None:
        """Note that the token was used."""
        with self._write() as db:
            db.execute("UPDATE tokens SET last_used_ns = ? WHERE id = ?", (now_ns, id_))

    def _row(self, sql: str, *values: Any) -> Any:
        with self._lock:
            return self._db.execute(sql, values).fetchone()

    def _one(self, sql: str, *values: Any) -> Any:
        return self._row(sql, *values)

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:  # half a change must not stay
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _user(row: Any) -> User:
    name, role, password, cameras, created_ns = row
    return User(name, role, password, frozenset(json.loads(cameras)) if cameras else None, created_ns)


def _cameras(cameras: frozenset[str] | None) -> str | None:
    return None if cameras is None else json.dumps(sorted(cameras))


def _keep_an_admin(db: sqlite3.Connection, name: str, *, leaving: bool) -> None:
    others = db.execute("SELECT count(*) FROM users WHERE role = 'admin' AND name <> ?", (name,)).fetchone()[0]
    is_admin = db.execute("SELECT count(*) FROM users WHERE role = 'admin' AND name = ?", (name,)).fetchone()[0]
    if leaving and is_admin and not others:
        raise EyespotError(Kind.CONFLICT, f"{name} is the last admin.", "Make another account an admin first.")


def _no_user(name: str) -> EyespotError:
    return not_found(f"There is no account {name[:64]}.", "List the accounts to see their names.")
