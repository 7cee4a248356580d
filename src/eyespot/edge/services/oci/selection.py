"""Which image of an archive is for a machine: there may be several, and there must be exactly one."""

from dataclasses import dataclass

from eyespot.edge.services.oci.archive import Archive
from eyespot.edge.services.oci.documents import (
    CONFIG,
    INDEX,
    LAYERS,
    MANIFEST,
    MAX_IMAGES,
    Descriptor,
    ImageConfig,
    ImageManifest,
    Index,
    parse,
)
from eyespot.kernel.errors import EyespotError, Kind, invalid

_DOCKER = "application/vnd.docker."
_TO_GZIP = (
    "Turn it into OCI with gzip: skopeo copy --format oci --dest-compress-format gzip oci-archive:FILE "
    "oci-archive:NEW.oci.tar."
)


@dataclass(frozen=True, slots=True)
class Found:
    """An image in an archive.

    Attributes:
        digest: of its manifest, as a registry names it.
        manifest: the configuration and layers that it is made of.
        config: what the configuration says.
    """

    digest: str
    manifest: ImageManifest
    config: ImageConfig


def select(archive: Archive, arch: str) -> Found:
    """The one image for Linux on ``arch`` (OCI's name: amd64, arm64); raises ``INVALID`` with what there is."""
    found: dict[str, Found] = {}
    others: set[str] = set()
    for descriptor in _manifests(archive):
        platform = descriptor.platform
        if platform is not None and (platform.os, platform.architecture) != ("linux", arch):
            others.add(f"{platform.os}/{platform.architecture}")
            continue
        if descriptor.mediaType != MANIFEST:
            raise _unknown(descriptor.mediaType)
        manifest = parse(ImageManifest, archive.document(descriptor), "manifest")
        _check_media(manifest)
        config = parse(ImageConfig, archive.document(manifest.config), "configuration")
        if (config.os, config.architecture) != ("linux", arch):
            others.add(f"{config.os}/{config.architecture}")
            continue
        found[descriptor.digest] = Found(descriptor.digest, manifest, config)
    if not found:
        there = ", ".join(sorted(others - {"unknown/unknown"})) or "none"
        raise invalid(f"The archive has no image for linux/{arch}; it has: {there[:200]}.", "Ask for one for it.")
    if len(found) > 1:
        raise invalid(f"The archive has {len(found)} images for linux/{arch}.", "Put one service in an archive.")
    (image,) = found.values()
    if len(image.manifest.layers) != len(image.config.rootfs.diff_ids):
        raise invalid(
            "The image contradicts itself: its manifest and configuration list other layers.", "Make it anew."
        )
    return image


def _manifests(archive: Archive) -> list[Descriptor]:
    """Every image of the archive, also those in an index within the index; deeper ones are refused."""
    top = parse(Index, archive.index(), "index").manifests
    found: list[Descriptor] = []
    for one in top:
        found += parse(Index, archive.document(one), "index").manifests if one.mediaType == INDEX else [one]
        if len(found) > MAX_IMAGES:
            raise EyespotError(
                Kind.TOO_LARGE, f"The archive has more than {MAX_IMAGES} images.", "Put one service in an archive."
            )
    return found


def _check_media(manifest: ImageManifest) -> None:
    if manifest.config.mediaType != CONFIG:
        raise _unknown(manifest.config.mediaType)
    for layer in manifest.layers:
        if layer.mediaType not in LAYERS:
            raise _unknown(layer.mediaType)


def _unknown(media_type: str) -> EyespotError:
    what = "Docker's own format" if media_type.startswith(_DOCKER) else f"'{media_type[:100]}'"
    return invalid(f"The archive holds {what}, which is not taken.", _TO_GZIP)
