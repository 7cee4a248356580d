"""The layer with the SDK: ``eyespot.sdk``, the rooms below it, and the libraries that they import."""

import marshal
import sys
from collections.abc import Iterable, Iterator
from importlib.util import MAGIC_NUMBER, source_hash
from pathlib import Path, PurePosixPath

from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.oci.base import Base, Say
from eyespot.edge.apps_dev.oci.layer import Entry, write_layer
from eyespot.edge.apps_dev.oci.wheels import library_entries
from eyespot.edge.services.engines.contract import APP, INSIDE_UID, RUN, SCRATCH
from eyespot.edge.services.engines.runtime import LIB, SITE, own_package

ROOMS = ("kernel", "contracts", "bus", "sdk")
"""Parts of the package that a service can import; all others are the camera's."""
_CHECKED_HASH = (0b11).to_bytes(4, "little")


def write_sdk(arch: Arch, base: Base, work: Path, say: Say, target: Path) -> None:
    """Write the layer for ``base`` to ``target``; raises ``UNAVAILABLE`` when a library cannot be had for ``arch``."""
    files = [*own_entries(), *library_entries(arch, base.python, work, SITE.lstrip("/"), say)]
    # Byte code of another Python would never be read.
    compiled = byte_code(files) if base.python == sys.version_info[:2] else ()
    write_layer([*folders(), *files, *compiled], target)


def own_entries() -> Iterator[Entry]:
    """Our own package, as far as services can import it."""
    root = own_package()
    for path in (root / "__init__.py", *(path for room in ROOMS for path in (root / room).rglob("*.py"))):
        yield Entry(f"{LIB.lstrip('/')}/eyespot/{path.relative_to(root)}", path, 0o644)


def folders() -> Iterator[Entry]:
    """Where a service has its code, its storage and its sockets."""
    yield Entry(APP.lstrip("/"), None, 0o755)
    yield Entry(RUN.lstrip("/"), None, 0o755)
    yield Entry(SCRATCH.lstrip("/"), None, 0o700, uid=INSIDE_UID, gid=INSIDE_UID)


def byte_code(files: Iterable[Entry]) -> Iterator[Entry]:
    """Byte code of the modules among ``files``, checked by the hash of the source: times are all the same (PEP 552)."""
    for entry in files:
        if not entry.name.endswith(".py") or entry.content is None:
            continue
        source = entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes()
        try:
            code = compile(source, f"/{entry.name}", "exec", dont_inherit=True, optimize=0)
        except (SyntaxError, ValueError):
            continue  # a library may hold a file for newer Pythons; it is never imported here
        place = PurePosixPath(entry.name)
        name = str(place.parent / "__pycache__" / f"{place.stem}.{sys.implementation.cache_tag}.pyc")
        # Version 2 of the format has no back references: they would depend on what else is alive in this process.
        made = MAGIC_NUMBER + _CHECKED_HASH + source_hash(source) + marshal.dumps(code, 2)
        yield Entry(name, made, 0o644)
