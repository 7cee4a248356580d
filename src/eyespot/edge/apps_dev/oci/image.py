"""What an image says of itself: how it starts, as whom, and its labels. As the container engine starts a service."""

import json
from collections.abc import Iterator, Mapping

from eyespot.contracts.service import Manifest
from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.package import IMAGE_SUFFIX
from eyespot.edge.services.engines.contract import APP, INSIDE_UID
from eyespot.edge.services.engines.runtime import PYTHON, environment
from eyespot.edge.services.oci.documents import MANIFEST_LABEL

_PREFIX = MANIFEST_LABEL.rpartition(".")[0]
_PATH = f"{PYTHON}/bin:/usr/local/bin:/usr/bin:/bin"


def archive_name(manifest: Manifest, arch: Arch) -> str:
    """Name of the archive: ``NAME-VERSION-ARCH.oci.tar``."""
    return f"{manifest.service.name}-{manifest.service.version}-{arch.name}{IMAGE_SUFFIX}"


def needs_node(manifest: Manifest) -> bool:
    """Is it started by Node?"""
    return manifest.service.command[:1] == ("node",)


def entrypoint(manifest: Manifest) -> tuple[str, ...]:
    """What is started, in the folder of the service."""
    about = manifest.service
    return about.command or ("python3", "-m", "eyespot.sdk.run", about.python)


def labels(manifest: Manifest, digest: str, text: str) -> dict[str, str]:
    """Labels; ``digest`` is the SHA-256 (hex) of the package that the image is made of, ``text`` its ``service.toml``.

    Source of the first four: OCI image-spec 1.1, annotations.
    """
    about = manifest.service
    told = {
        "org.opencontainers.image.title": about.title,
        "org.opencontainers.image.version": about.version,
        "org.opencontainers.image.description": about.summary,
        "org.opencontainers.image.vendor": about.vendor,
        f"{_PREFIX}.name": about.name,
        f"{_PREFIX}.version": about.version,
        f"{_PREFIX}.digest": f"sha256:{digest}",
    }
    return {name: " ".join(value.split()) for name, value in told.items() if value} | {MANIFEST_LABEL: text}


def config_arguments(manifest: Manifest, arch: Arch, digest: str, text: str, env: Mapping[str, str]) -> Iterator[str]:
    """Everything of ``buildah config`` but the container's name.

    Args:
        digest: SHA-256 (hex) of the package that the image is made of.
        text: its ``service.toml``, which hosts read from a label.
        env: what the base needs beside the variables of every service.
    """
    yield from ("--arch", arch.name, "--os", "linux", "--entrypoint", json.dumps(entrypoint(manifest)), "--cmd", "")
    yield from ("--user", f"{INSIDE_UID}:{INSIDE_UID}", "--workingdir", APP, "--stop-signal", "SIGTERM")
    for name, value in labels(manifest, digest, text).items():
        yield from ("--label", f"{name}={value}")
    known = environment(_PATH)
    del known["SSL_CERT_FILE"]  # the engine mounts it; a base says where its own is
    for name, value in {**known, **env}.items():
        yield from ("--env", f"{name}={value}")
