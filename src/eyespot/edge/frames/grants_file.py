"""The grants on disk: read when they changed, and kept as they were when what is there cannot be used."""

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from eyespot.contracts.frames_door import Grants
from eyespot.kernel.clock import Clock
from eyespot.kernel.config import explain
from eyespot.kernel.errors import EyespotError, invalid

log = logging.getLogger(__name__)

LOOK_S = 0.25
MAX_BYTES = 1 << 20


def read_grants(path: Path) -> Grants:
    """The grants in ``path``; none at all when there is no such file. Raises ``INVALID`` on anything else."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Grants()
    except OSError as error:
        raise invalid(f"The grants cannot be read: {error.strerror}.", "Look at its owner and mode.") from error
    if len(data) > MAX_BYTES:
        raise invalid(f"The grants are larger than {MAX_BYTES} bytes.", "Install fewer services.")
    try:
        return Grants.model_validate_json(data)
    except ValidationError as error:
        raise explain(error, Grants, path.name) from error


async def follow_grants(path: Path, clock: Clock, apply: Callable[[Grants], None]) -> None:
    """Call ``apply`` at the beginning and whenever the file was replaced by other, valid grants; for ever."""
    applied: Grants | None = None
    stamp: object = None
    while True:
        found = _stamp(path)
        if applied is None or found != stamp:
            stamp = found
            try:
                grants = read_grants(path)
            except EyespotError as error:
                log.error("grants stay as they were: %s", error)
                grants = applied or Grants()
            if grants != applied:
                applied = grants
                apply(grants)
        await clock.sleep(LOOK_S)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    with contextlib.suppress(OSError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None
