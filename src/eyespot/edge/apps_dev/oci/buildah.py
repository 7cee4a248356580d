"""Layers put together by buildah in a storage of its own that is thrown away; nothing is run in them.

Source: buildah(1) of buildah 1.28.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.oci.programs import run

_ENV = {"BUILDAH_ISOLATION": "chroot", "BUILDAH_HISTORY": "false"}


@dataclass(frozen=True, slots=True)
class Buildah:
    """buildah with its storage below the folder ``work``; no other's images are seen or touched."""

    work: Path

    def assemble(self, layers: Sequence[Path], arch: Arch, config: Iterable[str], name: str, target: Path) -> None:
        """Write an OCI archive of ``layers`` (tars, the lowest first) to ``target`` (new).

        Args:
            config: arguments of ``buildah config``.
            name: what the image is called in the archive, ``name:version``.

        Raises:
            EyespotError: ``UNAVAILABLE`` with what buildah said.
        """
        below = "scratch"
        for number, layer in enumerate(layers):
            held = self._buildah("from", "--arch", arch.name, "--pull-never", below).strip()
            self._buildah("add", "--quiet", held, str(layer), "/")
            is_last = number == len(layers) - 1
            if is_last:
                self._buildah("config", *config, held)
            below = f"oci-archive:{target}:{name}" if is_last else f"localhost/layer-{arch.name}-{number}"
            # Everything is dated 1970, and no build leaves a name of its own in the image: same files, same digests.
            self._buildah(
                "commit", "--quiet", "--format", "oci", "--timestamp", "0", "--omit-history", "--rm", held, below
            )

    def _buildah(self, *arguments: str) -> str:
        storage = ("--root", str(self.work / "storage"), "--runroot", str(self.work / "run"), "--storage-driver", "vfs")
        return run(["buildah", *storage, *arguments], "buildah cannot make the image", _ENV)
