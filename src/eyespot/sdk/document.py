"""A JSON value in a file of the service's own storage, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

from eyespot.kernel.errors import EyespotError, Kind, unavailable

DAMAGED = ".damaged"


class Document:
    """The value in the file ``path``; a crash at any moment leaves it as it was before or as it was to be.

    Args:
        max_bytes: longest text that is read or written.
    """

    def __init__(self, path: Path, max_bytes: int = 1 << 20) -> None:
        self._path, self._max_bytes = path, max_bytes

    def read(self) -> Any:
        """The value; None when there is none yet.

        A file that is no JSON, or too long, is renamed to ``NAME.damaged``, so that the service can begin anew and
        nothing is lost that somebody could mend. Raises ``UNAVAILABLE`` when it cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                text = file.read(self._max_bytes + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unavailable(f"{self._path.name} cannot be read: {error.strerror}.", "Look at its storage.") from error
        try:
            if len(text) > self._max_bytes:
                raise ValueError("too long")
            return json.loads(text)
        except (ValueError, RecursionError):
            self._path.replace(self._path.with_name(self._path.name + DAMAGED))
            return None

    def write(self, value: Any) -> None:
        """Put ``value`` in its place.

        Raises ``TOO_LARGE``, and ``EXHAUSTED`` when it cannot be written: mostly because the storage is full.
        """
        text = json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
        if len(text) > self._max_bytes:
            raise EyespotError(Kind.TOO_LARGE, f"{self._path.name} would have more than {self._max_bytes} bytes.")
        draft = self._path.with_name(self._path.name + ".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        except OSError as error:
            what = f"{self._path.name} cannot be written: {error.strerror}."
            raise EyespotError(Kind.EXHAUSTED, what, "Give the service more disk_mb.") from error
