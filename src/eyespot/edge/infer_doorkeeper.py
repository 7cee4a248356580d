"""Who may use the Open Inference Protocol's doors: bearers of a token from a file, one a line as ``name:token``.

The file is made with one token, for ``guest``, when it is missing. It is read anew when it was changed. Tokens are
compared as digests in constant time. A guest's name sets apart its shared memory from others'.
"""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

from eyespot.kernel.errors import EyespotError, Kind

MAX_FILE_BYTES = 1 << 16
MAX_HEADER_CHARS = 512
LEAST_TOKEN_CHARS = 24
_LINE = re.compile(r"([a-z0-9][a-z0-9._-]{0,62}):([A-Za-z0-9._~+/=-]+)")


class Doorkeeper:
    """Reads ``path``; raises ``INVALID`` when it is there but readable by others or without a usable line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            _make(path)
        self._stamp: tuple[int, int, int] | None = None
        self._guests: dict[bytes, str] = {}
        self._look()

    def guest(self, authorization: str) -> str:
        """Name of the bearer; raises ``UNAUTHENTICATED``."""
        self._look()
        scheme, _, token = authorization[:MAX_HEADER_CHARS].partition(" ")
        digest = _digest(token.strip())
        name = ""
        for known, guest in self._guests.items():
            if hmac.compare_digest(known, digest):
                name = guest
        if scheme.lower() != "bearer" or not name:
            raise EyespotError(Kind.UNAUTHENTICATED, "No valid token was sent.", "Send 'Authorization: Bearer TOKEN'.")
        return name

    def _look(self) -> None:
        try:
            about = self._path.stat()
        except OSError:
            self._guests, self._stamp = {}, None
            return
        stamp = (about.st_mtime_ns, about.st_size, about.st_ino)
        if stamp != self._stamp:
            self._guests, self._stamp = _read(self._path), stamp


def _make(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"guest:{secrets.token_urlsafe(32)}\n")


def _read(path: Path) -> dict[bytes, str]:
    if path.stat().st_mode & 0o077:
        raise EyespotError(Kind.INVALID, f"{path.name} may be read by others.", "Make it readable by its owner alone.")
    with path.open("rb") as file:
        text = file.read(MAX_FILE_BYTES).decode("ascii", "replace")
    found = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {_digest(item[2]): item[1] for item in found if item and len(item[2]) >= LEAST_TOKEN_CHARS}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
