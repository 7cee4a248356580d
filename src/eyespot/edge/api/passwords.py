"""Password rules and hashes: argon2id, one computation at a time.

The only module that uses ``argon2``. Memory and time of a hash follow OWASP's password storage advice for argon2id
(at least 19 MiB, 2 passes, 1 lane).
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from eyespot.kernel.errors import EyespotError, Kind, invalid

MIN_PASSWORD_CHARS = 10
MAX_PASSWORD_CHARS = 256
_MAX_WAITING = 16
_COMMON = ("password", "passwort", "12345", "qwert", "admin", "camera", "eyespot", "letmein")


def check_password(password: str, username: str) -> None:
    """Raise ``INVALID`` when ``password`` is too short, too long, or made of what everybody tries first."""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise invalid(
            f"A password needs {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} characters.", "Four random words work well."
        )
    rest = password.lower().replace(username.lower(), "") if username else password.lower()
    for word in _COMMON:
        rest = rest.replace(word, "")
    if len(set(rest)) < 5:
        raise invalid("This password is among the first that are tried.", "Choose one nobody would guess.")


class Passwords:
    """Makes and checks password hashes in one worker thread; at most 16 wait, more are refused as ``THROTTLED``."""

    def __init__(self, *, memory_kib: int = 19_456, passes: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._waiting = 0
        self._decoy = self._hasher.hash("no account has this password")

    async def hash(self, password: str) -> str:
        """The encoded argon2id hash of ``password``."""
        return await self._run(password, None)

    async def matches(self, password: str, encoded: str | None) -> bool:
        """True when ``password`` has the hash ``encoded``; an unknown account (None) costs the same time."""
        matched = await self._run(password, encoded or self._decoy)
        return matched == "yes" and encoded is not None

    def close(self) -> None:
        """Stop the worker thread."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _run(self, password: str, encoded: str | None) -> str:
        if self._waiting >= _MAX_WAITING:
            raise EyespotError(Kind.THROTTLED, "Too many people sign in at once.", "Try again in a few seconds.")
        self._waiting += 1
        try:
            work = self._verify if encoded else self._make
            return await asyncio.get_running_loop().run_in_executor(self._worker, work, password[:1024], encoded)
        finally:
            self._waiting -= 1

    def _make(self, password: str, _encoded: str | None) -> str:
        return self._hasher.hash(password)

    def _verify(self, password: str, encoded: str | None) -> str:
        try:
            self._hasher.verify(encoded or "", password)
        except (VerificationError, InvalidHashError):
            return "no"
        return "yes"
