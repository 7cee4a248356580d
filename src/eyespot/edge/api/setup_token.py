"""The one-time secret of the first start: in ``run/setup-token`` (mode 0600) until the first account is made."""

import hmac
import os
import secrets
from pathlib import Path

from eyespot.edge.api.throttle import LoginThrottle
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind


class SetupToken:
    """Keeps the token; a restart before it was used keeps it the same.

    Args:
        path: where it is kept.
        needed: whether there is no account yet.
    """

    def __init__(self, path: Path, clock: Clock, *, needed: bool) -> None:
        self._path = path
        self._throttle = LoginThrottle(clock)
        self.value: str | None = None
        if needed:
            self.value = self._read() or self._make()
        else:
            path.unlink(missing_ok=True)

    def check(self, token: str, address: str) -> None:
        """Raise ``CONFLICT`` when the camera is set up, ``UNAUTHENTICATED`` for another token, ``THROTTLED``."""
        if self.value is None:
            raise EyespotError(Kind.CONFLICT, "This camera is already set up.", "Sign in instead.")
        self._throttle.begin("setup", address)
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.value.encode()):
            raise EyespotError(
                Kind.UNAUTHENTICATED,
                "This is not the set-up link of this camera.",
                "Use the newest link that the camera printed when it started; it is also in run/setup-token.",
            )
        self._throttle.succeeded("setup", address)

    def used(self) -> None:
        """The first account exists: the token is worth nothing any more."""
        self.value = None
        self._path.unlink(missing_ok=True)

    def _read(self) -> str | None:
        try:
            text = self._path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return text if 32 <= len(text) <= 128 else None

    def _make(self) -> str:
        token = secrets.token_urlsafe(32)
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token + "\n")
        return token
