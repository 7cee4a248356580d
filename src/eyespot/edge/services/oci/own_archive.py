"""The archive of an image that is kept: that image alone, as it is, under a manifest made anew.

Its configuration and layers are copied byte for byte, so podman gives it the same id. Nothing else of the archive that
was sent reaches podman: annotations of a manifest would become those of the container, and some turn off what holds it.
The same image gives the same bytes.
"""

import hashlib
import io
import json
import tarfile
from typing import BinaryIO

from eyespot.edge.services.oci.archive import BLOBS, INDEX_FILE, LAYOUT, Archive, blob_name
from eyespot.edge.services.oci.documents import CONFIG, INDEX, MANIFEST, Descriptor
from eyespot.edge.services.oci.layers import Part
from eyespot.edge.services.oci.selection import Found
from eyespot.edge.services.package_tar import BLOCK
from eyespot.edge.services.sent_file import Hashed
from eyespot.kernel.errors import invalid

_ALGORITHM = "sha256:"


def write_archive(archive: Archive, found: Found, target: BinaryIO) -> dict[str, int]:
    """Write the image ``found`` of ``archive`` to ``target``; returns where each layer begins, by its digest.

    Raises ``INVALID`` where a blob is not what its digest says, ``OSError``.
    """
    parts = found.manifest
    manifest = _json({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": _told(parts.config, CONFIG),
        "layers": [_told(layer, layer.mediaType) for layer in parts.layers],
    })  # fmt: skip
    digest = hashlib.sha256(manifest).hexdigest()
    named = {"mediaType": MANIFEST, "digest": _ALGORITHM + digest, "size": len(manifest)}
    places: dict[str, int] = {}
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        _add(tar, LAYOUT, _json({"imageLayoutVersion": "1.0.0"}))
        _add(tar, INDEX_FILE, _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [named]}))
        _add(tar, BLOBS + digest, manifest)
        _add(tar, blob_name(parts.config), archive.document(parts.config))
        for layer in parts.layers:
            if layer.digest not in places:
                places[layer.digest] = tar.offset + BLOCK
                _copy(archive, layer, tar)
    return places


def _told(descriptor: Descriptor, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": descriptor.digest, "size": descriptor.size}


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _copy(archive: Archive, layer: Descriptor, tar: tarfile.TarFile) -> None:
    member = tarfile.TarInfo(blob_name(layer))
    member.size = layer.size
    content = Hashed(Part(archive.file, archive.place(layer), layer.size))
    tar.addfile(member, content)  # type: ignore[arg-type]  # it reads, which is all that is done with it
    if _ALGORITHM + content.digest() != layer.digest:
        raise invalid(f"{layer.digest} in the image archive is not what it says.", "Fetch it again.")
