"""The SDK's libraries: this installation's own, or the same versions for another machine, fetched by pip."""

import importlib.metadata
import importlib.util
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from eyespot.edge.apps_dev.oci.arch import Arch, own_arch
from eyespot.edge.apps_dev.oci.base import Say
from eyespot.edge.apps_dev.oci.layer import Entry
from eyespot.edge.apps_dev.oci.programs import run
from eyespot.kernel.errors import unavailable

_NEWEST_GLIBC = 36
"""Debian 12's: a wheel that needs a newer one is not taken."""
_LEFT_OUT = frozenset({"__pycache__", "tests", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json"})
"""Folders that nobody imports, and what tells of one installation."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def libraries(package: str = "eyespot") -> list[importlib.metadata.Distribution]:
    """What ``package`` needs without its extras, and what that needs, sorted by name; ``package`` itself left out."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [package]
    while waiting:
        needed = importlib.metadata.distribution(waiting.pop()).requires or []
        for requirement in (one for one in needed if "extra ==" not in one):
            named = _NAME.match(requirement)
            name = re.sub(r"[-_.]+", "-", named[0]).lower() if named else ""
            if not name or name in found:
                continue
            try:  # what is not installed is for other machines or other Pythons
                found[name] = importlib.metadata.distribution(name)
            except importlib.metadata.PackageNotFoundError:
                continue
            waiting.append(name)
    return [found[name] for name in sorted(found)]


def installed_entries(library: importlib.metadata.Distribution, below: str) -> Iterator[Entry]:
    """Files of an installed library, without programs and tests."""
    for file in library.files or ():
        path = Path(str(library.locate_file(file)))
        if _is_kept(str(file)) and path.is_file():
            yield Entry(f"{below}/{file}", path, 0o644)


def is_native(library: importlib.metadata.Distribution) -> bool:
    """Does it hold machine code?"""
    return any(file.suffix == ".so" for file in library.files or ())


def fetched_entries(wheel: Path, below: str) -> Iterator[Entry]:
    """Files of a wheel, as they would be installed (PEP 427), without programs and tests."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            place = re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)
            if not name.endswith("/") and ".data/" not in place and _is_kept(place):
                yield Entry(f"{below}/{place}", archive.read(name), 0o644)


def fetch(
    libraries: list[importlib.metadata.Distribution], arch: Arch, python: tuple[int, int], to: Path
) -> list[Path]:
    """The wheels of ``libraries``, in the installed versions, for CPython ``python`` on ``arch``.

    Raises:
        EyespotError: ``UNAVAILABLE`` when pip is not here or finds one of them not.
    """
    if importlib.util.find_spec("pip") is None:
        raise unavailable(
            f"pip is not installed beside Eyespot, which fetches the SDK's libraries for {arch.name}.",
            f"Build on a machine with {arch.name} and Debian's own Python, or install pip there.",
        )
    to.mkdir(parents=True, exist_ok=True)
    minor = f"{python[0]}{python[1]}"
    tags = [f"manylinux2014_{arch.machine}", *(f"manylinux_2_{n}_{arch.machine}" for n in range(17, _NEWEST_GLIBC + 1))]
    with tempfile.TemporaryDirectory(dir=to, prefix=".part-") as folder:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--dest", folder, "--python-version", f"{python[0]}.{python[1]}"]
        command += ["--implementation", "cp", "--abi", f"cp{minor}", "--abi", "abi3", "--abi", "none"]
        command += [word for tag in tags for word in ("--platform", tag)]
        names = [f"{one.metadata['Name']}=={one.version}" for one in libraries]
        run([*command, *names], f"The SDK's libraries for {arch.name} cannot be fetched")
        return [wheel.replace(to / wheel.name) for wheel in sorted(Path(folder).glob("*.whl"))]


def library_entries(arch: Arch, python: tuple[int, int], work: Path, below: str, say: Say) -> Iterator[Entry]:
    """All libraries of the SDK for CPython ``python`` on ``arch``; see ``fetch`` for errors."""
    ours = arch == own_arch() and python == sys.version_info[:2]
    needed = libraries()
    foreign = [] if ours else [one for one in needed if is_native(one)]
    for library in needed:
        if library not in foreign:
            yield from installed_entries(library, below)
    if foreign:
        say(f"fetching {', '.join(one.metadata['Name'] for one in foreign)} for {arch.name}")
        for wheel in fetch(foreign, arch, python, work / f"wheels-{arch.name}"):
            yield from fetched_entries(wheel, below)


def _is_kept(name: str) -> bool:
    parts = name.split("/")
    return ".." not in parts and not _LEFT_OUT.intersection(parts) and not name.startswith("/")
