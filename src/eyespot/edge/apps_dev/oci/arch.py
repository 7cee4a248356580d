"""Architectures by Debian's names, and what tells their programs apart.

Sources: Debian's dpkg-architecture(1); ELF's ``e_machine`` (gABI, chapter 4).
"""

import os
from dataclasses import dataclass

from eyespot.kernel.errors import invalid, unavailable


@dataclass(frozen=True, slots=True)
class Arch:
    """One architecture.

    Attributes:
        name: Debian's and OCI's name.
        machine: the kernel's name, which wheels and qemu use too.
        elf_machine: ``e_machine`` of its programs.
    """

    name: str
    machine: str
    elf_machine: int


ARCHES = {one.name: one for one in (Arch("amd64", "x86_64", 62), Arch("arm64", "aarch64", 183))}


def own_arch() -> Arch:
    """This machine's; raises ``UNAVAILABLE`` where images cannot be made for it."""
    machine = os.uname().machine
    for arch in ARCHES.values():
        if arch.machine == machine:
            return arch
    raise unavailable(f"Images are not made on {machine}.", "Use a machine with amd64 or arm64.")


def parse_arches(text: str) -> tuple[Arch, ...]:
    """The architectures that ``text`` (``amd64,arm64``) lists, each once; raises ``INVALID``."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in ARCHES:
            raise invalid(f"There is no architecture '{name[:40]}' for images.", f"Use {' or '.join(ARCHES)}.")
    if not names:
        raise invalid("No architecture is named.", f"Use {', '.join(ARCHES)}, or leave --arch out.")
    return tuple(ARCHES[name] for name in names)
