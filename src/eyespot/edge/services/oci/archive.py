"""An OCI image archive (a tar of an image layout) as blobs that are found by their digest. Nothing is unpacked.

Source: OCI image-spec 1.1, "OCI Image Layout Specification".
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from eyespot.edge.services.oci.documents import MAX_DOCUMENT_BYTES, Descriptor
from eyespot.edge.services.oci.tar_headers import headers
from eyespot.edge.services.sent_file import sent_file
from eyespot.kernel.errors import EyespotError, Kind, invalid

SUFFIX = ".oci.tar"
MAX_ARCHIVE_BYTES, MAX_MEMBERS = 2 << 30, 1024
_TO_OCI = "Make an OCI archive of it: skopeo copy docker-archive:FILE oci-archive:FILE.oci.tar."
_DOCKERS = re.compile(r"[0-9a-f]{64}(/layer\.tar|\.json|\.tar)")
"""What an archive of `docker save` or `podman save` holds; it is told what to do."""
LAYOUT, INDEX_FILE, BLOBS = "oci-layout", "index.json", "blobs/sha256/"


class Archive:
    """The archive ``file``, an open file that can be sought in; raises ``INVALID``, ``TOO_LARGE``."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._places: dict[str, tuple[int, int]] = {}
        size_bytes = file.seek(0, os.SEEK_END)
        if size_bytes > MAX_ARCHIVE_BYTES:
            raise EyespotError(
                Kind.TOO_LARGE, f"The image archive is larger than {MAX_ARCHIVE_BYTES >> 20} MB.", "Make it smaller."
            )
        file.seek(0)
        for count, header in enumerate(headers(file, lambda more: _skip(file, more, size_bytes)), 1):
            if count > MAX_MEMBERS:
                raise EyespotError(
                    Kind.TOO_LARGE, f"The image archive has more than {MAX_MEMBERS} members.", "Put one service in it."
                )
            if header.kind == "link" or header.name in self._places:
                raise invalid(f"'{header.name[:80]}' in the image archive is a link, or there twice.", _TO_OCI)
            if header.kind == "file":
                self._places[header.name] = (file.tell(), header.size_bytes)
        if LAYOUT not in self._places or INDEX_FILE not in self._places:
            raise invalid(f"The archive has no {LAYOUT} or no {INDEX_FILE}.", _TO_OCI)

    def index(self) -> bytes:
        """The text of ``index.json``."""
        return self._read(INDEX_FILE)

    def document(self, descriptor: Descriptor) -> bytes:
        """A small blob, whose digest fits; raises ``INVALID``, ``TOO_LARGE``."""
        self.place(descriptor)
        text = self._read(blob_name(descriptor))
        if f"sha256:{hashlib.sha256(text).hexdigest()}" != descriptor.digest:
            raise invalid(f"{descriptor.digest} in the image archive is not what it says.", "Fetch it again.")
        return text

    def place(self, descriptor: Descriptor) -> int:
        """Where in the file a blob begins; raises ``INVALID`` where it is not there or of another size."""
        offset, size = self._places.get(blob_name(descriptor), (0, -1))
        if size != descriptor.size:
            raise invalid(f"{descriptor.digest} is not in the image archive, or cut off.", "Fetch it again.")
        return offset

    def _read(self, name: str) -> bytes:
        offset, size = self._places[name]
        if size > MAX_DOCUMENT_BYTES:
            raise EyespotError(
                Kind.TOO_LARGE,
                f"{name[:80]} in the image archive is larger than {MAX_DOCUMENT_BYTES >> 20} MB.",
                "Ask its maker for another.",
            )
        self.file.seek(offset)
        return self.file.read(size)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at ``path``; raises as ``Archive``, and ``OSError``."""
    with sent_file(path) as file:
        yield Archive(file)


def is_archive(path: Path) -> bool:
    """Whether the file at ``path`` is meant to be an image archive and no package; reads headers alone."""
    try:
        with sent_file(path) as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(0)
            for count, header in enumerate(headers(file, lambda more: _skip(file, more, size_bytes))):
                is_folder = header.kind == "folder" and header.name in ("blobs", BLOBS.rstrip("/"))
                if is_folder or header.name == LAYOUT or header.name.startswith(BLOBS):
                    return True
                if _DOCKERS.fullmatch(header.name):
                    return True
                if count > MAX_MEMBERS:
                    break
    except (EyespotError, OSError):
        pass  # whoever reads it as what it is not says what is wrong with it
    return False


def blob_name(descriptor: Descriptor) -> str:
    """Name of the member of an archive that holds the blob."""
    return BLOBS + descriptor.digest.removeprefix("sha256:")


def _skip(file: BinaryIO, more: int, size_bytes: int) -> None:
    if file.tell() + more > size_bytes:
        raise invalid("The image archive ends in the middle.", "Fetch it again.")
    file.seek(more, os.SEEK_CUR)
