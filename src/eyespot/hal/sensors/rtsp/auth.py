"""Basic and Digest authentication for RTSP requests (RFC 7617, RFC 7616, RFC 2617 as cameras speak it).

Sans I/O: takes challenges, gives header values. Secrets stay inside.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable

_PARAMETER = re.compile(r'([A-Za-z][A-Za-z0-9_-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES: dict[str, Callable[[bytes], "hashlib._Hash"]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False),
    "SHA-256": hashlib.sha256,
}
_STRENGTH = {"basic": 1, "MD5": 2, "SHA-256": 3}


class Authenticator:
    """Answers a server's challenges with one user's credentials.

    Args:
        username: the user, may be empty.
        password: the password, may be empty.
        make_nonce: gives a fresh client nonce of hexadecimal digits.
    """

    def __init__(self, username: str, password: str, make_nonce: Callable[[], str]) -> None:
        self._username = username
        self._password = password
        self._make_nonce = make_nonce
        self._challenge: dict[str, str] | None = None
        self._scheme = ""
        self._count = 0

    @property
    def has_credentials(self) -> bool:
        """Whether there is a user or a password to answer with."""
        return bool(self._username or self._password)

    def challenged(self, challenges: Iterable[str]) -> bool:
        """Take the ``WWW-Authenticate`` values of a 401; True when a new try can succeed.

        It can when there are credentials, and the challenge is the first one, is marked stale, or has another nonce
        of a session that was accepted before.
        """
        best = max((_read(value) for value in list(challenges)[:8]), key=_strength, default=None)
        if best is None or not _strength(best) or not self.has_credentials:
            return False
        stale = best.get("stale", "").lower() == "true"
        again = self._challenge is not None and not stale and self._count <= 1
        self._challenge = best
        self._count = 0
        return not again

    def header(self, method: str, url: str) -> str:
        """The ``Authorization`` value for a request; empty before any challenge."""
        challenge = self._challenge
        if challenge is None:
            return ""
        self._count += 1
        if challenge["scheme"] == "basic":
            return "Basic " + base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        return self._digest(challenge, method, url)

    def _digest(self, challenge: dict[str, str], method: str, url: str) -> str:
        algorithm = _algorithm(challenge)
        hashed = _HASHES[algorithm]

        def digest(text: str) -> str:
            return hashed(text.encode("utf-8")).hexdigest()

        realm, nonce = challenge.get("realm", ""), challenge.get("nonce", "")
        secret = digest(f"{self._username}:{realm}:{self._password}")
        request = digest(f"{method}:{url}")
        fields = [f'username="{_quote(self._username)}"', f'realm="{_quote(realm)}"', f'nonce="{_quote(nonce)}"']
        fields.append(f'uri="{url}"')
        if "auth" in [option.strip() for option in challenge.get("qop", "").split(",")]:
            count, own = f"{self._count:08x}", self._make_nonce()
            answer = digest(f"{secret}:{nonce}:{count}:{own}:auth:{request}")
            fields += [f'response="{answer}"', "qop=auth", f"nc={count}", f'cnonce="{own}"']
        else:
            fields.append(f'response="{digest(f"{secret}:{nonce}:{request}")}"')
        if "algorithm" in challenge:
            fields.append(f"algorithm={algorithm}")
        if "opaque" in challenge:
            fields.append(f'opaque="{_quote(challenge["opaque"])}"')
        return "Digest " + ", ".join(fields)


def _read(value: str) -> dict[str, str]:
    scheme, _, rest = value[:4096].strip().partition(" ")
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(rest)}
    return found | {"scheme": scheme.lower()}


def _algorithm(challenge: dict[str, str]) -> str:
    return challenge.get("algorithm", "MD5").upper()


def _strength(challenge: dict[str, str]) -> int:
    if challenge["scheme"] == "basic":
        return _STRENGTH["basic"]
    return _STRENGTH.get(_algorithm(challenge), 0) if challenge["scheme"] == "digest" else 0


def _quote(text: str) -> str:
    return "".join(character for character in text if character.isprintable()).replace("\\", "\\\\").replace('"', '\\"')
