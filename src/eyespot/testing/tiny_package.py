"""A whole model package for the fake accelerator, which needs no runtime and no weights."""

import hashlib
import json
from pathlib import Path

from eyespot.infer.package import Input, ModelDocument, Variant
from eyespot.infer.zoo.document import to_toml


def write_package(folder: Path) -> None:
    """Make ``folder``, a package of its name with two variants: the mean of each colour of 32 × 48 pixels, twice.

    Input ``image`` (1, 32, 48, 3) uint8; outputs ``mean`` (1, 3) and ``again`` (2, 3), float32.
    """
    folder.mkdir(parents=True)
    graph = {
        "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, 32, 48, 3]}],
        "outputs": [
            {"name": "mean", "dtype": "float32", "shape": [1, 3]},
            {"name": "again", "dtype": "float32", "shape": [2, 3]},
        ],
    }
    data = json.dumps(graph).encode()
    variants = []
    for name in ("first", "second"):
        (folder / f"{name}.fake").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        variants.append(Variant(name=name, file=f"{name}.fake", sha256=digest, size_bytes=len(data)))
    document = ModelDocument(
        format=1, name=folder.name, task="detection", head="nanodet", labels=("person", "car"), licence="own",
        input=Input(width_px=48, height_px=32), variants=tuple(variants),
    )  # fmt: skip
    (folder / "model.toml").write_text(to_toml(document))
