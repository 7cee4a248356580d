"""Image archives for tests, made byte by byte: whole ones, and with a mistake in any part."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from eyespot.edge.services.oci.documents import MANIFEST_LABEL

SERVICE = '[service]\nname = "counter"\nversion = "1.0.0"\ntitle = "Counter"\ncommand = ["/counter"]\n'
OCI = "application/vnd.oci.image."


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def tar_of(members: Mapping[str, bytes], *more: tarfile.TarInfo, format_: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar with files, and with ``more`` that have no content."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format_) as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in more:
            tar.addfile(member)
    return made.getvalue()


def odd(name: str, kind: bytes, **more: object) -> tarfile.TarInfo:
    """A member of another type."""
    member = tarfile.TarInfo(name)
    member.type = kind
    for key, value in more.items():
        setattr(member, key, value)
    return member


class Made:
    """An archive in the making.

    Attributes:
        blobs: by digest.
        images: descriptors of ``index.json``.
    """

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.images: list[dict[str, Any]] = []

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        self.blobs[sha(data)] = data
        return {"mediaType": media_type, "digest": sha(data), "size": len(data)}

    def document(self, document: object, kind: str) -> dict[str, Any]:
        return self.blob(json.dumps(document).encode(), f"{OCI}{kind}.v1+json")

    def image(
        self,
        *layers: bytes,
        arch: str = "amd64",
        label: str | None = SERVICE,
        compressed: bool = False,
        config: Mapping[str, Any] | None = None,
        manifest: Mapping[str, Any] | None = None,
        platform: bool = False,
    ) -> dict[str, Any]:
        """The descriptor of one more image; ``config`` and ``manifest`` say what is other in these documents."""
        labels = {} if label is None else {MANIFEST_LABEL: label}
        layers = layers or (tar_of({"counter": b"a program"}),)
        about: dict[str, Any] = {
            "architecture": arch, "os": "linux", "config": {"Labels": labels, "Entrypoint": ["/other"]},
            "rootfs": {"type": "layers", "diff_ids": [sha(layer) for layer in layers]}, **(config or {}),
        }  # fmt: skip
        suffix = "layer.v1.tar+gzip" if compressed else "layer.v1.tar"
        packed = [gzip.compress(layer, mtime=0) if compressed else layer for layer in layers]
        parts: dict[str, Any] = {
            "schemaVersion": 2, "annotations": {"run.oci.handler": "krun"}, "config": self.document(about, "config"),
            "layers": [self.blob(layer, OCI + suffix) for layer in packed], **(manifest or {}),
        }  # fmt: skip
        descriptor = self.document(parts, "manifest")
        if platform:
            descriptor["platform"] = {"architecture": arch, "os": "linux"}
        return descriptor

    def archive(self, *images: dict[str, Any], without: tuple[str, ...] = (), index: bytes = b"") -> bytes:
        """The whole archive."""
        members = {f"blobs/sha256/{digest.removeprefix('sha256:')}": blob for digest, blob in self.blobs.items()}
        members["index.json"] = index or json.dumps({"schemaVersion": 2, "manifests": list(images)}).encode()
        members["oci-layout"] = b'{"imageLayoutVersion": "1.0.0"}'
        return tar_of({name: content for name, content in members.items() if name not in without})


def archive(*layers: bytes, **more: Any) -> bytes:
    """An archive with one image; see ``Made.image``."""
    made = Made()
    return made.archive(made.image(*layers, **more))
