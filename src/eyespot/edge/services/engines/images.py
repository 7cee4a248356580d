"""Images for the container engine, made of this host's own files: no hub, no network, no package manager.

The base image holds an interpreter (Python or Node), its library and the shared libraries that it and our packages
need: no shell and no tools. It is kept in podman's store under a name that tells its contents, so it is made once and
again only when one of its files changes. What belongs to the platform (``eyespot`` and its libraries) is mounted
beside it, so it is always the running version.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eyespot.edge.services.engines.elf import libraries_of
from eyespot.edge.services.engines.runtime import PYTHON
from eyespot.kernel.errors import unavailable

_FORMAT = 1
"""Counts up when the way that images are made changes."""
_LEFT_OUT = frozenset(
    "__pycache__ ensurepip idlelib lib2to3 site-packages dist-packages test tests tkinter turtledemo".split()  # noqa: SIM905 - one line reads better
)
_NODE_PATH = "/usr/local/bin:/usr/bin:/bin"
_NODE_MODULES = ("acorn", "acorn-walk", "cjs-module-lexer", "undici")
PODMAN_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}


Program = Literal["python3", "node"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """An image to be: its name, and place inside → file of this host."""

    name: str
    files: Mapping[str, Path]

    def reference(self) -> str:
        """Name with a digest of what it is made of: paths, sizes and times of change."""
        digest = hashlib.sha256(str(_FORMAT).encode())
        for inside, file in sorted(self.files.items()):
            facts = file.stat()
            digest.update(f"{inside}\0{file}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
        return f"localhost/eyespot-{self.name}:{digest.hexdigest()[:16]}"


def trial_recipe() -> Recipe:
    """The smallest image that shows whether containers work: one program that ends at once."""
    return _with_libraries("trial", {"/usr/bin/true": Path("/usr/bin/true")})


def base_recipe() -> Recipe:
    """Python as it runs here."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    binary = Path(sys.executable).resolve()
    files = {f"{PYTHON}/bin/{name}": binary for name in ("python3", version)}
    library = Path(sysconfig.get_path("stdlib")).resolve()
    files |= {f"{PYTHON}/lib/{version}/{file.relative_to(library)}": file for file in _library(library)}
    return _with_libraries("base", files)


def node_recipe() -> Recipe:
    """Node as it is installed here; raises ``UNAVAILABLE`` where it is not."""
    found = shutil.which("node", path=_NODE_PATH)
    if found is None:
        raise unavailable("Node cannot be found.", "Install it (Debian package nodejs).")
    files = {"/usr/bin/node": Path(found).resolve()}
    for package in _NODE_MODULES:  # Debian's Node keeps some of its own modules beside it
        files |= {str(file): file for file in Path("/usr/share/nodejs", package).rglob("*") if file.is_file()}
    return _with_libraries("node", files)


def recipe_for(program: Program) -> Recipe:
    """The base image with ``program``."""
    return node_recipe() if program == "node" else base_recipe()


def ensure(recipe: Recipe) -> str:
    """The id (``sha256:…``) of the recipe's image in podman's store, making it first where it is missing.

    Raises ``UNAVAILABLE`` when podman cannot.
    """
    reference = recipe.reference()
    known = ask_podman("image", "inspect", "--format", "{{.Id}}", reference)
    if known.returncode == 0:
        return f"sha256:{known.stdout.strip()}"
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for inside, file in sorted(recipe.files.items()):
                _add(tar, inside, file)
        archive.seek(0)
        made = ask_podman("import", "--quiet", "-", reference, stdin=archive.fileno())
    if made.returncode:
        raise unavailable(f"podman cannot make the image {reference}: {made.stderr.strip()[-300:]}.")
    _forget_older(recipe.name, reference)
    return made.stdout.strip()


def _add(tar: tarfile.TarFile, inside: str, file: Path) -> None:
    """A file with what a link points at, owned by nobody in particular and readable by all."""
    facts = file.stat()
    member = tarfile.TarInfo(inside.lstrip("/"))
    member.size, member.mtime = facts.st_size, int(facts.st_mtime)
    member.mode = 0o755 if facts.st_mode & 0o111 else 0o644
    with file.open("rb") as content:
        tar.addfile(member, content)


def _library(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in _LEFT_OUT and not name.startswith("config-")]
        yield from (Path(folder, file) for file in files)


def _with_libraries(name: str, files: dict[str, Path]) -> Recipe:
    ours = Path(sysconfig.get_path("purelib"))
    wheels = [path for package in ("numpy", "pydantic_core") for path in (ours / package).rglob("*.so")]
    programs = [file for file in files.values() if file.suffix in {".so", ".node"} or file.stat().st_mode & 0o111]
    needed = libraries_of([*programs, *(wheels if name == "base" else ())])
    return Recipe(name, files | {_place(path): path for path in needed if not path.is_relative_to(ours)})


def _place(library: Path) -> str:
    """Where a library goes: the interpreter's own beside it, the system's where they are."""
    own = Path(sys.base_prefix).resolve()
    return f"{PYTHON}/lib/{library.name}" if library.is_relative_to(own) and own != Path("/usr") else str(library)


def _forget_older(name: str, reference: str) -> None:
    """Remove images of the same name that nobody uses; one in use stays."""
    listed = ask_podman("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", f"localhost/eyespot-{name}")
    for other in set(listed.stdout.split()) - {reference}:
        ask_podman("image", "rm", other)


def ask_podman(*arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["podman", *arguments], capture_output=True, text=True, stdin=stdin, env=PODMAN_ENV)
    except FileNotFoundError as error:
        raise unavailable("podman cannot be found.", "Install it (Debian package podman).") from error
