"""The JSON documents of an OCI image, as far as they are looked at; everything in them is untrusted.

Source: OCI image-spec 1.1 (descriptor, image-index, manifest, config).
"""

from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eyespot.kernel.errors import invalid

MANIFEST_LABEL = "org.eyespot.service.manifest"
"""Label of an image whose value is the text of its ``service.toml``.

A label lies in the image's configuration, whose digest is the image's id: what is pinned pins the manifest too. An
annotation would not be covered, and a file in the image could be covered up by a later layer.
"""
MAX_DOCUMENT_BYTES, MAX_IMAGES, MAX_LAYERS = 1 << 20, 64, 64
MAX_MANIFEST_BYTES = 64 << 10
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYERS = {"application/vnd.oci.image.layer.v1.tar": False, "application/vnd.oci.image.layer.v1.tar+gzip": True}
"""Media type of a layer → whether it is compressed with gzip."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Size = Annotated[int, Field(ge=0, lt=1 << 40)]
D = TypeVar("D", bound=BaseModel)


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Platform(_Document):
    """What an image is for."""

    architecture: str = Field(max_length=64)
    os: str = Field(max_length=64)


class Descriptor(_Document):
    """Names a blob by its digest."""

    mediaType: str = Field(max_length=255)  # noqa: N815 - the field's name in the specification
    digest: Digest
    size: Size
    platform: Platform | None = None


class Index(_Document):
    """What an archive, or an image for several machines, consists of."""

    schemaVersion: Literal[2]  # noqa: N815 - the field's name in the specification
    manifests: tuple[Descriptor, ...] = Field(max_length=MAX_IMAGES)


class ImageManifest(_Document):
    """An image for one machine: its configuration and its layers, the lowest first."""

    schemaVersion: Literal[2]  # noqa: N815 - the field's name in the specification
    config: Descriptor
    layers: tuple[Descriptor, ...] = Field(min_length=1, max_length=MAX_LAYERS)


class RootFs(_Document):
    """SHA-256 of each layer before compression."""

    type: Literal["layers"]
    diff_ids: tuple[Digest, ...] = Field(max_length=MAX_LAYERS)


class Execution(_Document):
    """What an image says of how it is run; its labels alone are looked at."""

    Labels: dict[str, str] | None = None


class ImageConfig(_Document):
    """What an image is for, made of, and says of itself."""

    architecture: str = Field(max_length=64)
    os: str = Field(max_length=64)
    rootfs: RootFs
    config: Execution = Execution()


def parse(model: type[D], text: bytes, what: str) -> D:
    """``text`` as ``model``; raises ``INVALID`` that says what of ``what`` is wrong."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "its JSON"
        raise invalid(f"The {what} of the image is not valid at {place}: {first['msg']}.", "Make it anew.") from error
