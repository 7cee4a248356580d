"""The built-in services: folders that came with the platform, installed and confined like anybody's.

What makes one is its code: byte for byte what lies in the package ``eyespot.services``. Only such a one may run inside
of the platform, whatever it is called and whoever installed it.
"""

import importlib.util
from pathlib import Path

from eyespot.contracts.service import MANIFEST_FILE
from eyespot.edge.services.digest import digest_of
from eyespot.kernel.errors import not_found

PREFIX = "builtin:"
ORIGIN = "builtin"
PACKAGE = "eyespot.services"


def built_in() -> dict[str, Path]:
    """Name → folder of every built-in service."""
    spec = importlib.util.find_spec(PACKAGE)
    homes = [] if spec is None else list(spec.submodule_search_locations or ())
    return {file.parent.name: file.parent for home in homes for file in sorted(Path(home).glob(f"*/{MANIFEST_FILE}"))}


def find_source(source: Path) -> Path:
    """``source``, or the folder of the built-in service that it names as ``builtin:NAME``; raises ``NOT_FOUND``."""
    words = str(source)
    return find_built_in(words.removeprefix(PREFIX)) if words.startswith(PREFIX) else source


def find_built_in(name: str) -> Path:
    """The folder of the built-in service ``name``; raises ``NOT_FOUND`` with the names there are."""
    known = built_in()
    if name not in known:
        raise not_found(f"There is no built-in service '{name[:64]}'.", f"There are: {', '.join(known)}.")
    return known[name]


def is_built_in(name: str, digest: str) -> bool:
    """Whether code with ``digest`` is that of the built-in service ``name``."""
    folder = built_in().get(name)
    return folder is not None and digest_of(folder) == digest
