"""The programs that images are made with: found, run, and their failures told."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from eyespot.edge.services.engines.images import PODMAN_ENV
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import unavailable

_TAIL_CHARS = 400


def require(*programs: str) -> None:
    """Raises ``UNAVAILABLE`` that names all of ``programs`` (named as their Debian packages) that are missing."""
    missing = [name for name in programs if shutil.which(name, path=PODMAN_ENV["PATH"]) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise unavailable(
            f"{' and '.join(missing)} {verb} not installed.", f"Install the Debian package {' and '.join(missing)}."
        )


def run(command: Sequence[str], failed: str, env: Mapping[str, str] | None = None) -> str:
    """Run ``command`` to its end and return what it printed.

    Args:
        failed: what did not work if it fails, the beginning of a sentence.
        env: variables beside the inherited ones.

    Raises:
        EyespotError: ``UNAVAILABLE`` with the end of what it said.
    """
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", env={**inherited_env(), **PODMAN_ENV, **(env or {})},
        )  # fmt: skip
    except OSError as error:
        raise unavailable(f"{failed}: {command[0]} cannot be started: {error.strerror}.") from error
    if done.returncode:
        said = " ".join((done.stderr.strip() or done.stdout.strip())[-_TAIL_CHARS:].split())
        raise unavailable(f"{failed} ({command[0]} ended with {done.returncode}): {said}")
    return done.stdout
