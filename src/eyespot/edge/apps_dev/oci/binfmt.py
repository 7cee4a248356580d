"""Programs of another architecture on this kernel: handed to qemu by binfmt_misc while a base is made.

The rule is the whole machine's. Where one is there already that works in another root (flag F) it is used; else one of
our own is registered and taken away in the end.

Source: the kernel's Documentation/admin-guide/binfmt-misc.rst.
"""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from eyespot.edge.apps_dev.oci.arch import Arch
from eyespot.edge.apps_dev.oci.programs import run
from eyespot.kernel.errors import unavailable

BINFMT = Path("/proc/sys/fs/binfmt_misc")
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


@contextlib.contextmanager
def runnable(arch: Arch, cache: Path, binfmt: Path = BINFMT) -> Iterator[None]:
    """Within it the kernel runs programs of ``arch``, which is not this machine's.

    Others that want it wait until it is over.

    Args:
        cache: the cache folder, where ``make arm64`` of the sources keeps a qemu.
        binfmt: where binfmt_misc is mounted.

    Raises:
        EyespotError: ``UNAVAILABLE`` without qemu, without binfmt_misc, or where no rule may be made.
    """
    qemu = find_qemu(arch, cache)
    if not (binfmt / "register").exists():
        run(["mount", "-t", "binfmt_misc", "binfmt_misc", str(binfmt)], "This kernel runs no programs of others")
    ours = binfmt / f"eyespot-oci-{arch.machine}"
    with _alone(binfmt):
        _forget(ours)
        if any(_hands_over(rule, arch) for rule in binfmt.iterdir()):
            yield
            return
        _register(binfmt, ours.name, arch, qemu)
        try:
            yield
        finally:
            _forget(ours)


def _register(binfmt: Path, name: str, arch: Arch, qemu: Path) -> None:
    try:
        (binfmt / "register").write_text(rule_for(name, arch, qemu), encoding="ascii")
    except OSError as error:
        raise unavailable(
            f"The kernel takes no rule for programs of {arch.name}: {error.strerror}.",
            f"Register qemu for {arch.name} with binfmt_misc by hand, with flag F.",
        ) from error


@contextlib.contextmanager
def _alone(binfmt: Path) -> Iterator[None]:
    """Builds that run at once take turns: the rule of one is the rule of all."""
    descriptor = os.open(binfmt, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def find_qemu(arch: Arch, cache: Path) -> Path:
    """A static qemu for programs of ``arch``: this system's or the one that ``make arm64`` fetched."""
    for name in (f"qemu-{arch.machine}-static", str(cache / "arm64" / "qemu" / "usr" / "bin" / f"qemu-{arch.machine}")):
        found = shutil.which(name)
        if found:
            return Path(found).resolve()
    raise unavailable(
        f"qemu-{arch.machine}-static, which runs programs of {arch.name} here, is not installed.",
        "Install the Debian package qemu-user-static.",
    )


def rule_for(name: str, arch: Arch, qemu: Path) -> str:
    """What is written to ``register``: ELF programs of 64 bits, little-endian, of ``arch`` go to ``qemu``."""
    head = r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00"
    return f":{name}:M::{head}\\x{arch.elf_machine:02x}\\x00:{_MASK}:{qemu}:POF"


def _hands_over(rule: Path, arch: Arch) -> bool:
    if rule.name in {"register", "status"}:
        return False
    words = dict(line.partition(" ")[::2] for line in rule.read_text(encoding="ascii").splitlines())
    ours = words.get("magic", "").endswith(f"0200{arch.elf_machine:02x}00")
    return "enabled" in words and ours and "F" in words.get("flags:", "")


def _forget(rule: Path) -> None:
    if rule.exists():
        rule.write_text("-1", encoding="ascii")
