"""The layer with the SDK: ``eyespot.sdk``, the rooms below it, and the libraries that they import."""

import py_compile
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.oci.base import Base, Say
from eyespot.edge.apps_dev.oci.layer import Entry, write_layer
from eyespot.edge.apps_dev.oci.wheels import library_entries
from eyespot.edge.services.engines.contract import APP, INSIDE_UID, RUN, SCRATCH
from eyespot.edge.services.engines.runtime import LIB, SITE, own_package

ROOMS = ("kernel", "contracts", "bus", "sdk")
"""Parts of the package that a service can import; all others are the camera's."""


def write_sdk(arch: Arch, base: Base, work: Path, say: Say, target: Path) -> None:
    """Write the layer for ``base`` to ``target``; raises ``UNAVAILABLE`` when a library cannot be had for ``arch``."""
    files = [*own_entries(), *library_entries(arch, base.python, work, SITE.lstrip("/"), say)]
    with tempfile.TemporaryDirectory(dir=work) as folder:
        # Byte code of another Python would never be read.
        compiled = byte_code(files, Path(folder)) if base.python == sys.version_info[:2] else ()
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


def byte_code(files: Iterable[Entry], work: Path) -> Iterator[Entry]:
    """Byte code of the modules among ``files``, checked by the hash of the source: times are all the same (PEP 552)."""
    source, made = work / "source.py", work / "made.pyc"
    for entry in files:
        if not entry.name.endswith(".py") or entry.content is None:
            continue
        source.write_bytes(entry.content if isinstance(entry.content, bytes) else entry.content.read_bytes())
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        try:
            py_compile.compile(str(source), str(made), f"/{entry.name}", doraise=True, invalidation_mode=mode)
        except py_compile.PyCompileError:
            continue  # a library may hold a file for newer Pythons; it is never imported here
        place = Path(entry.name)
        yield Entry(
            str(place.parent / "__pycache__" / f"{place.stem}.{sys.implementation.cache_tag}.pyc"),
            made.read_bytes(), 0o644,
        )  # fmt: skip
