"""What is kept of an image beside its manifest: the digests that it is run by. Covered by the service's own digest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from eyespot.contracts.service import Manifest, read_manifest
from eyespot.edge.services.engines.contract import Image
from eyespot.edge.services.oci.archive import SUFFIX
from eyespot.edge.services.oci.documents import Digest
from eyespot.kernel.config import Settings
from eyespot.kernel.errors import corrupt

PIN_FILE = "eyespot-image.json"
"""Beside ``service.toml`` of a service that is an image; no folder or package may bring such a file."""


class Pin(Settings):
    """Which image a service is."""

    v: Literal[1] = 1
    manifest: Digest
    """Of the manifest in the archive that was installed, as a registry names the image."""
    config: Digest
    """Of the configuration: podman's id of the image."""
    layers: tuple[Digest, ...]
    """Of each layer before compression."""
    archive: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the archive that is kept."""

    @property
    def archive_name(self) -> str:
        """Name of the kept archive: ``<config>-<archive16>.oci.tar``."""
        return f"{self.config.removeprefix('sha256:')}-{self.archive[:16]}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Incoming:
    """An image that could be installed: what it is, and its archive as it is to be kept."""

    pin: Pin
    archive: Path


def read_service(folder: Path) -> tuple[Manifest, Pin | None]:
    """The manifest of the service in ``folder``, and what it is pinned to where it is an image.

    An image is made for containers, whatever its manifest says. Raises ``INVALID``, ``CORRUPT``.
    """
    manifest = read_manifest(folder)
    path = folder / PIN_FILE
    if not path.is_file():
        return manifest, None
    try:
        pin = Pin.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise corrupt(f"{PIN_FILE} of {manifest.service.name} does not parse.", "Install it again.") from error
    about = manifest.service.model_copy(update={"host": "container"})
    return manifest.model_copy(update={"service": about}), pin


def image_of(pin: Pin, images_dir: Path) -> Image:
    """What the container engine needs to run the image of ``pin``."""
    return Image(pin.config, pin.layers, images_dir / pin.archive_name, pin.archive)
