"""An image archive that anybody may have made becomes what is installed: a manifest, a pin, an archive of our own."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from eyespot.contracts.service import MANIFEST_FILE
from eyespot.edge.services.oci.archive import opened
from eyespot.edge.services.oci.documents import LAYERS, MANIFEST_LABEL, MAX_MANIFEST_BYTES
from eyespot.edge.services.oci.layers import LayerCheck, Part
from eyespot.edge.services.oci.own_archive import write_archive
from eyespot.edge.services.oci.pin import PIN_FILE, Incoming, Pin
from eyespot.edge.services.oci.selection import Found, select
from eyespot.kernel.errors import EyespotError, Kind, invalid


def take_in(source: Path, folder: Path, target: Path, arch: str) -> Incoming:
    """Write the service of the archive ``source`` to ``folder`` (new, 0700) and its image to ``target`` (new).

    Args:
        arch: OCI's name of this machine's architecture.

    Raises ``INVALID``, ``TOO_LARGE``, ``UNAVAILABLE``; what was written by then is to be thrown away.
    """
    try:
        with opened(source) as archive, target.open("xb+") as file:
            found = select(archive, arch)
            text = _manifest_text(found)
            places = write_archive(archive, found, file)
            _check_layers(found, file, places)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            kept = hashlib.file_digest(file, "sha256").hexdigest()
        target.chmod(0o600)
        pin = Pin(
            manifest=found.digest, config=found.manifest.config.digest, layers=found.config.rootfs.diff_ids,
            archive=kept,
        )  # fmt: skip
        folder.mkdir(mode=0o700)
        (folder / MANIFEST_FILE).write_text(text, encoding="utf-8", newline="")
        (folder / PIN_FILE).write_text(pin.model_dump_json(indent=1) + "\n", encoding="ascii")
    except OSError as error:
        raise EyespotError(
            Kind.UNAVAILABLE, f"{source} cannot be read in: {error.strerror}.", "Look at its mode and the free space."
        ) from error
    return Incoming(pin, target)


def _manifest_text(found: Found) -> str:
    text = (found.config.config.Labels or {}).get(MANIFEST_LABEL, "")
    if not text:
        raise invalid(
            f"The image has no label {MANIFEST_LABEL}, so it is no service.",
            f"Its maker puts the text of {MANIFEST_FILE} there.",
        )
    if len(text.encode()) > MAX_MANIFEST_BYTES:
        raise invalid(f"The label {MANIFEST_LABEL} of the image is too long.", f"{MAX_MANIFEST_BYTES >> 10} KB do.")
    return text


def _check_layers(found: Found, file: BinaryIO, places: dict[str, int]) -> None:
    """Look through the copies of the layers: nobody else writes to them."""
    check = LayerCheck()
    for layer, diff_id in zip(found.manifest.layers, found.config.rootfs.diff_ids, strict=True):
        part = Part(file, places[layer.digest], layer.size)
        check.look(part, diff_id, compressed=LAYERS[layer.mediaType])
