"""The base of images: Debian's smallest system with Python (and Node), made by debootstrap from this machine's mirror.

It is made once for each mirror, release, architecture and list of packages, and kept in the cache. What differs from
machine to machine or from day to day is left out of it, and manuals and translations; the packages' licences stay.
"""

import hashlib
import re
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from eyespot.edge.apps_dev.oci.arch import Arch, own_arch
from eyespot.edge.apps_dev.oci.base import Base, Say
from eyespot.edge.apps_dev.oci.binfmt import runnable
from eyespot.edge.apps_dev.oci.layer import Entry, tree, write_layer
from eyespot.edge.apps_dev.oci.programs import require, run
from eyespot.kernel.errors import corrupt, unavailable

_FORMAT = 1
"""Counts up when the way that bases are made changes."""
CERTIFICATES_OF_DEBIAN = "/etc/ssl/certs/ca-certificates.crt"
_EMPTY = ("dev", "proc", "sys", "run", "tmp", "debootstrap", "var/cache", "var/log", "var/lib/apt/lists", "var/tmp")
_LEFT_OUT = ("usr/share/man", "usr/share/info", "usr/share/locale", "var/lib/systemd")
_OF_THIS_MACHINE = frozenset(
    {"etc/resolv.conf", "etc/hostname", "etc/machine-id", "etc/apt/sources.list", "etc/shadow", "etc/gshadow"}
)
_OLD = re.compile(r"etc/\w+-|var/lib/dpkg/\w+-old")


@dataclass(frozen=True, slots=True)
class Debian:
    """A release of Debian and where it comes from."""

    suite: str
    mirror: str


def own_debian(os_release: Path = Path("/etc/os-release")) -> Debian:
    """This machine's; raises ``UNAVAILABLE`` where it is no Debian or apt knows no mirror."""
    text = os_release.read_text(encoding="utf-8") if os_release.is_file() else ""
    facts = dict(line.partition("=")[::2] for line in text.replace('"', "").splitlines())
    if facts.get("ID") != "debian" or not facts.get("VERSION_CODENAME"):
        raise unavailable("The base of images is made of Debian packages, and this is no Debian.", "Use a Debian.")
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", "Label: Debian"]
    sites = run(asked, "apt does not tell its mirror").split()
    if not sites:
        raise unavailable("apt knows no Debian mirror.", "Run apt-get update once, then try again.")
    return Debian(facts["VERSION_CODENAME"], sites[0])


def debian_base(cache: Path, arch: Arch, node: bool, work: Path, say: Say) -> Base:
    """The base for ``arch``, made first where ``cache`` has none.

    Args:
        work: a folder on the same file system, thrown away by who made it.

    Raises:
        EyespotError: ``UNAVAILABLE`` when a program is missing or debootstrap fails; nothing is kept then.
    """
    require("debootstrap")
    debian = own_debian()
    packages = ("python3", "ca-certificates", *(("nodejs",) if node else ()))
    made_of = "\0".join((str(_FORMAT), debian.suite, debian.mirror, arch.name, *packages))
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:16]
    target = cache / "oci" / f"base-{debian.suite}-{arch.name}-{digest}.tar"
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        foreign = arch != own_arch()
        say(f"making the base of Debian {debian.suite} for {arch.name} (once; {'minutes' if foreign else 'a minute'})")
        with runnable(arch, cache) if foreign else nullcontext():
            _make(debian, arch, packages, work, target)
    return Base(target, _python_of(target), {"SSL_CERT_FILE": CERTIFICATES_OF_DEBIAN})


def _make(debian: Debian, arch: Arch, packages: tuple[str, ...], work: Path, target: Path) -> None:
    part = work / target.name
    with tempfile.TemporaryDirectory(dir=work, prefix="debian-") as folder:
        root = Path(folder, "root")
        # In a mount namespace of its own: what debootstrap mounts goes with it, however it ends.
        command = ["unshare", "--mount", "--propagation", "private", "debootstrap", f"--arch={arch.name}"]
        command += ["--variant=minbase", f"--include={','.join(packages)}", debian.suite, str(root), debian.mirror]
        # With a date given, Python's byte code goes by the hash of its source, not by the time.
        run(command, f"The base for {arch.name} cannot be made", {"SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": "0"})
        write_layer(kept(root), part)
    part.replace(target)


def kept(root: Path) -> Iterator[Entry]:
    """What of the new system in ``root`` goes into the base."""
    for entry in tree(root):
        name = entry.name
        if name in _OF_THIS_MACHINE or _OLD.fullmatch(name) or _below(name, _LEFT_OUT):
            continue
        if _below(name, _EMPTY) and name not in _EMPTY:
            continue
        is_text = name.startswith("usr/share/doc/") and entry.content is not None
        if not is_text or name.endswith("/copyright"):
            yield entry


def _below(name: str, folders: tuple[str, ...]) -> bool:
    return any(name == folder or name.startswith(f"{folder}/") for folder in folders)


def _python_of(base: Path) -> tuple[int, int]:
    with tarfile.open(base) as tar:
        try:
            linked = tar.getmember("usr/bin/python3").linkname
        except KeyError as error:
            raise corrupt(f"{base} has no Python.", "Remove it; it is made again.") from error
    found = re.fullmatch(r"python(\d+)\.(\d+)", linked)
    if found is None:
        raise corrupt(f"{base} has no Python that we know.", "Remove it; it is made again.")
    return int(found[1]), int(found[2])
