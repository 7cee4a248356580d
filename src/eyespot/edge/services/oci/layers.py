"""Layers of an image looked through before anything unpacks them: how much they hold, and what."""

import gzip
import hashlib
import zlib
from typing import BinaryIO

from eyespot.edge.services.oci.tar_headers import headers
from eyespot.edge.services.package_tar import CHUNK, Reader
from eyespot.kernel.errors import EyespotError, Kind, invalid

MAX_UNPACKED_BYTES, MAX_ENTRIES = 3 << 30, 200_000


class LayerCheck:
    """Looks through the layers of one image; what they hold is bounded altogether.

    Attributes:
        unpacked_bytes: what was seen so far, as tar.
    """

    def __init__(self) -> None:
        self.unpacked_bytes = 0
        self._entries = 0

    def look(self, layer: Reader, diff_id: str, *, compressed: bool) -> None:
        """One layer, read to its end.

        Args:
            diff_id: ``sha256:…`` of its tar.

        Raises ``INVALID`` for what is damaged or no service may hold, ``TOO_LARGE``.
        """
        plain: Reader = layer
        if compressed:
            plain = gzip.GzipFile(fileobj=layer, mode="rb")  # type: ignore[call-overload]  # it only reads
        counted = _Counted(plain, self)
        try:
            for _ in headers(counted, counted.skip):
                self._entries += 1
                if self._entries > MAX_ENTRIES:
                    raise EyespotError(
                        Kind.TOO_LARGE, f"The image holds more than {MAX_ENTRIES} files.", "Make it smaller."
                    )
            while rest := counted.read(CHUNK):
                if any(rest):
                    raise invalid("A layer of the image holds something behind its end.", "Make it anew.")
        except (OSError, EOFError, zlib.error) as error:
            raise invalid(f"A layer of the image cannot be unpacked: {error}.", "Fetch it again.") from error
        if f"sha256:{counted.digest.hexdigest()}" != diff_id:
            raise invalid("A layer of the image is not what its configuration says.", "Fetch it again.")

    def took(self, count: int) -> None:
        """So many more bytes were seen; raises ``TOO_LARGE``."""
        self.unpacked_bytes += count
        if self.unpacked_bytes > MAX_UNPACKED_BYTES:
            raise EyespotError(
                Kind.TOO_LARGE, f"The image unpacks to more than {MAX_UNPACKED_BYTES >> 20} MB.", "Make it smaller."
            )


class Part:
    """``size`` bytes of ``file`` from ``offset`` on, to be read once."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._left = size
        file.seek(offset)

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, fewer only at the end."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


class _Counted:
    """A tar that is hashed and counted while it is read."""

    def __init__(self, file: Reader, check: LayerCheck) -> None:
        self._file = file
        self._check = check
        self.digest = hashlib.sha256()

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        self._check.took(len(data))
        self.digest.update(data)
        return data

    def skip(self, more: int) -> None:
        while more:
            data = self.read(min(more, CHUNK))
            if not data:
                raise invalid("A layer of the image ends in the middle.", "Fetch it again.")
            more -= len(data)
