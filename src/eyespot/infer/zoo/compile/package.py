"""Puts new variants into a package so that it is whole at every moment, and a failure leaves it as it was.

A file's name carries its digest: the new files are written first, then ``model.toml`` is replaced in one rename, then
files that nothing names any more are removed.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.infer.package import DOCUMENT, ModelDocument, ModelPackage, Variant
from eyespot.infer.zoo.document import to_toml
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError, Kind


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A file and its description; the description's file, digest and size are filled in when it is added."""

    path: Path
    described: Variant


def digest_of(path: Path) -> str:
    """SHA-256 of the file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_variants(package: ModelPackage, added: Sequence[NewVariant]) -> ModelPackage:
    """``package`` with ``added``, which replace variants of the same names.

    Raises:
        EyespotError: ``INVALID`` when the document would break its rules, ``EXHAUSTED`` when the folder cannot be
            written; the package is as it was.
    """
    described = [(item, _named(item)) for item in added]
    new = {variant.name: variant for _, variant in described}
    kept = [item for item in package.document.variants if item.name not in new]
    values = package.document.model_dump() | {
        "variants": [item.model_dump() for item in (*kept, *(variant for _, variant in described))]
    }
    document = validate(ModelDocument, values, str(package.folder / DOCUMENT))
    try:
        for item, variant in described:
            part = package.folder / f".{variant.file}.part"
            shutil.copyfile(item.path, part)
            part.replace(package.folder / variant.file)
        part = package.folder / f".{DOCUMENT}.part"
        part.write_text(to_toml(document), "utf-8")
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(package.folder / DOCUMENT)
    except OSError as error:
        raise EyespotError(
            Kind.EXHAUSTED, f"Model package {package.folder} cannot be written: {error.strerror}.", "Check the disk."
        ) from error
    named = {item.file for item in document.variants}
    for old in package.document.variants:
        if old.file not in named:
            (package.folder / old.file).unlink(missing_ok=True)
    return ModelPackage.load(package.folder)


def _named(item: NewVariant) -> Variant:
    digest = digest_of(item.path)
    facts = {
        "file": f"{item.described.name}-{digest[:12]}{item.path.suffix}",
        "sha256": digest,
        "size_bytes": item.path.stat().st_size,
    }
    return item.described.model_copy(update=facts)
