"""Finding and importing libcamera's Python binding: a system's package (``python3-libcamera``), not on PyPI.

Owns where it is looked for. A virtual environment does not see the system's packages, so the folders of Debian's are
looked into as well; what is there works when it was built for this version of Python.
"""

import importlib
import importlib.util
import re
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from eyespot.kernel.errors import unavailable

SYSTEM_FOLDERS = (Path("/usr/lib/python3/dist-packages"), Path("/usr/local/lib/python3/dist-packages"))
TODO = "Install the system's package python3-libcamera, and run Eyespot with the Python that it is for."
_BUILT_FOR = re.compile(r"cpython-(\d)(\d+)")
_importing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Found:
    """Where the binding is.

    Attributes:
        folder: of the package, to be imported from there; None: it is on the path, or cannot be used.
        usable: it was built for this Python, as far as its files tell.
        what: one phrase about it.
    """

    folder: Path | None
    usable: bool
    what: str


def find(folders: Sequence[Path] = SYSTEM_FOLDERS) -> Found | None:
    """Look for the binding without importing it; None where there is none. Never raises."""
    if sys.modules.get("libcamera") is not None or _on_path():
        return Found(None, True, "Python binding")
    others = []
    for folder in folders:
        package = folder / "libcamera"
        files = [file.name for file in package.glob("_libcamera*.so")]
        if any(f"_libcamera{suffix}" in files for suffix in EXTENSION_SUFFIXES):
            return Found(package, True, f"Python binding in {folder}")
        others += files
    if not others:
        return None
    built = _BUILT_FOR.search(others[0])
    whose = f"Python {built[1]}.{built[2]}" if built else "another Python"
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Found(None, False, f"its Python binding is for {whose}, this is {ours}")


def load(folders: Sequence[Path] = SYSTEM_FOLDERS) -> Any:
    """Import the binding.

    Raises:
        EyespotError: ``UNAVAILABLE`` when there is none for this Python, or it does not start.
    """
    found = find(folders)
    if found is None:
        raise unavailable("libcamera's Python binding is not installed.", TODO)
    if not found.usable:
        raise unavailable(f"libcamera cannot be used: {found.what}.", TODO)
    try:
        with _importing:
            return _import(found.folder)
    except (ImportError, OSError) as error:
        raise unavailable(f"libcamera's Python binding does not start: {error}.", TODO) from error


def _on_path() -> bool:
    """Whether it can be imported by its name; a folder that is merely called so (libcamera's source) is not it."""
    spec = importlib.util.find_spec("libcamera")
    return spec is not None and spec.origin is not None


def _import(package: Path | None) -> Any:
    """The module; from ``package`` alone, so that nothing else of the system's packages comes onto the path."""
    if package is None or "libcamera" in sys.modules:
        return importlib.import_module("libcamera")
    spec = importlib.util.spec_from_file_location(
        "libcamera", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["libcamera"] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:  # whatever it was, half a module must not stay; raised on
        del sys.modules["libcamera"]
        raise
    return module
