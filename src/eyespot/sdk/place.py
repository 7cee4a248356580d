"""Where a service runs: its code, its storage, its sockets, and what it was told at its start."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from eyespot.contracts.service import Manifest, read_manifest
from eyespot.contracts.service_start import START_FILE, ServiceStart
from eyespot.kernel.config import read_env
from eyespot.kernel.errors import corrupt, unavailable

MAX_START_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """Everything that a service finds.

    Attributes:
        run: the folder of ``bus.sock``, ``frames.sock`` and ``service.json``.
        scratch: its own storage.
    """

    manifest: Manifest
    start: ServiceStart
    run: Path
    scratch: Path


def find_place(code: Path) -> Place:
    """The place of the service whose manifest is in ``code``.

    Its folders are ``/run/eyespot`` and ``/scratch``, or what ``EYESPOT_RUN`` and ``EYESPOT_SCRATCH`` name. Raises
    ``UNAVAILABLE`` where it was not started by a host, ``INVALID`` or ``CORRUPT`` for files that do not parse.
    """
    run = Path(read_env("RUN") or "/run/eyespot")
    scratch = Path(read_env("SCRATCH") or "/scratch")
    return Place(read_manifest(code), read_start(run), run, scratch)


def read_start(run: Path) -> ServiceStart:
    """What ``service.json`` in ``run`` says; raises as ``find_place``."""
    try:
        with (run / START_FILE).open("rb") as file:
            return ServiceStart.model_validate_json(file.read(MAX_START_BYTES))
    except OSError as error:
        raise unavailable(
            f"{run / START_FILE} cannot be read: {error.strerror}.", "A service is started by a host, not by itself."
        ) from error
    except ValidationError as error:
        raise corrupt(f"{run / START_FILE} does not parse.", "Start the service again.") from error
