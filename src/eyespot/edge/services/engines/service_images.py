"""Images of services in podman's storage: loaded from the archive that is kept, looked at before each start, let go.

An image is held under a name of this host's own, so that hosts on one machine, and whoever else uses podman there, do
not take it away from each other: podman removes an image when its last name goes.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from eyespot.edge.services.engines.contract import Image
from eyespot.edge.services.engines.images import ask_podman
from eyespot.kernel.errors import EyespotError, corrupt, unavailable

_LOOK = "Look at the free space where podman keeps images (podman info); it is tried again."


def ensure_loaded(image: Image, owner: str) -> str:
    """The id of ``image``, which podman holds afterwards, as it was pinned; blocks, for seconds where it is loaded.

    Args:
        owner: whose image it is; one host.

    Raises:
        EyespotError: ``CORRUPT`` where podman holds something else under its id, or neither podman nor the disk has it
            as it was; ``UNAVAILABLE`` when podman cannot take it.
    """
    held = _inspected(image)
    if held is None or held.get("Annotations"):  # none are in our archives: somebody else brought them
        _check_archive(image)
        loaded = ask_podman("load", "--quiet", "--input", str(image.archive))
        if loaded.returncode:
            raise unavailable(f"podman cannot load the image {image.config}: {loaded.stderr.strip()[-300:]}.", _LOOK)
        held = _inspected(image)
    if held is None or not _is_pinned(held, image):
        raise corrupt(
            f"What podman holds as {image.config} is not the image that was installed.",
            f"Remove it (podman image rm --force {_hex(image)}), then enable the service.",
        )
    name = name_of(image.config, owner)
    if name not in (held.get("RepoTags") or ()):
        named = ask_podman("tag", image.config, name)
        if named.returncode:
            raise unavailable(f"podman cannot name the image {image.config}: {named.stderr.strip()[-300:]}.", _LOOK)
        if not image.archive.exists():  # removed while it was loaded: nobody else would let go of it
            let_go([image.config], owner)
            raise unavailable(f"The image {image.config} was removed meanwhile.")
    return image.config


def let_go(configs: Iterable[str], owner: str) -> set[str]:
    """Take the name of ``owner`` from images in podman's storage; those with no other name are removed.

    Returns the ``configs`` (``sha256:…``) that are gone; one that a container still uses is not among them.
    """
    gone: set[str] = set()
    for config in configs:
        name = name_of(config, owner)
        try:
            removed = shutil.which("podman") is None or ask_podman("image", "rm", name).returncode == 0
            if removed or ask_podman("image", "exists", name).returncode == 1:
                gone.add(config)
        except EyespotError:
            continue  # podman went away meanwhile: asked again with the next sweep
    return gone


def name_of(config: str, owner: str) -> str:
    """What ``owner`` calls the image with the id ``config`` in podman's storage."""
    return f"localhost/eyespot-service-{owner}:{config.removeprefix('sha256:')}"


def _inspected(image: Image) -> dict[str, Any] | None:
    """What podman says of the image; None where it has none."""
    found = ask_podman("image", "inspect", image.config)
    if found.returncode:
        return None
    document: dict[str, Any] = json.loads(found.stdout)[0]
    return document


def _is_pinned(held: dict[str, Any], image: Image) -> bool:
    layers = (held.get("RootFS") or {}).get("Layers")
    return held.get("Id") == _hex(image) and layers == list(image.layers) and not held.get("Annotations")


def _check_archive(image: Image) -> None:
    try:
        with Path(image.archive).open("rb") as file:
            unaltered = hashlib.file_digest(file, "sha256").hexdigest() == image.archive_sha256
    except OSError:
        unaltered = False
    if not unaltered:
        raise corrupt(
            f"podman does not hold the image {image.config}, and its archive is gone or was altered.",
            "Install the service again.",
        )


def _hex(image: Image) -> str:
    return image.config.removeprefix("sha256:")
