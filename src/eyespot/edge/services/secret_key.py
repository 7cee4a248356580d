"""The host's key that seals secrets among services' settings, in a file of its own (0600).

AES-256-GCM (NIST SP 800-38D) with a random nonce for each text. What a text is for is authenticated with it, so a
sealed text that is moved to another service or another place does not open there. The key lies apart from the store, so
that a copy of the store alone tells nothing; whoever reads the whole state folder reads the secrets. ``cryptography``
and its memory are loaded with the first secret: most hosts have none.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from eyespot.edge.services.digest import sync_folder
from eyespot.kernel.errors import EyespotError, unavailable

KEY_BYTES, NONCE_BYTES, MARK_BYTES = 32, 12, 4


class SecretKey:
    """The key in ``path``, made when the first secret is sealed. Calls block on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def seal(self, text: str, place: str) -> str:
        """``text`` as base64 of the key's mark, the nonce and the sealed text.

        Args:
            place: what it is for; ``open`` needs the same.

        Raises ``UNAVAILABLE`` where the key can be neither read nor made.
        """
        key = self._read()
        if key is None:
            self._make()
            key = self._read()
        if key is None:
            raise unavailable(f"The key {self._path} cannot be made.", "Look whether it is a link that leads nowhere.")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), place.encode())
        return base64.b64encode(_mark(key) + nonce + sealed).decode("ascii")

    def open(self, sealed: str, place: str) -> str:
        """What was sealed; raises ``UNAVAILABLE`` that asks for it anew where the key is gone or another one."""
        key = self._read()
        if key is None:
            raise _lost(place, f"the key {self._path} is gone")
        try:
            found = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _lost(place, "what is stored of it is damaged") from error
        if found[:MARK_BYTES] != _mark(key):
            raise _lost(place, f"it was sealed with another key than {self._path}")
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        rest = found[MARK_BYTES:]
        try:
            return AESGCM(key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise _lost(place, "what is stored of it is damaged, or was sealed for something else") from error

    def _read(self) -> bytes | None:
        try:
            key = bytes.fromhex(self._path.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not a key"
            raise unavailable(
                f"The key {self._path} cannot be read: {why}.",
                "Put back the one that was there, or remove it and enter the secrets of services again.",
            ) from error
        if len(key) != KEY_BYTES:
            raise unavailable(
                f"The key {self._path} has {len(key)} bytes, not {KEY_BYTES}.",
                "Put back the one that was there, or remove it and enter the secrets of services again.",
            )
        return key

    def _make(self) -> None:
        """Whole or not at all, and on the disk before anything is sealed with it; the first of two wins."""
        home = self._path.parent
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = home / f".{self._path.name}.{secrets.token_hex(6)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(KEY_BYTES) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, self._path)
        finally:
            draft.unlink()
        sync_folder(home)


def _mark(key: bytes) -> bytes:
    """Tells keys apart without telling anything of them."""
    return hashlib.sha256(b"eyespot key mark" + key).digest()[:MARK_BYTES]


def _lost(place: str, why: str) -> EyespotError:
    return unavailable(
        f"The secret {place} cannot be read: {why}.", "Enter it again in the settings, or put the key back."
    )
