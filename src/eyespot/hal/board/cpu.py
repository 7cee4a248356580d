"""The processor, its memory, and the accelerators that can be used. Quick; imports no runtime."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from eyespot.hal.accelerators.chooser import known
from eyespot.hal.board.roots import text

FEATURES = {
    "avx2": "256-bit vectors",
    "f16c": "half floats, converted",
    "avx512f": "512-bit vectors",
    "avx512_vnni": "INT8 dot products, 512 bits",
    "avx_vnni": "INT8 dot products, 256 bits",
    "avx512_bf16": "bfloat16 dot products",
    "avx512_fp16": "half float arithmetic",
    "amx_tile": "matrix tiles",
    "amx_int8": "INT8 matrices",
    "amx_bf16": "bfloat16 matrices",
    "asimd": "128-bit vectors (NEON)",
    "asimdhp": "half float arithmetic",
    "asimddp": "INT8 dot products",
    "i8mm": "INT8 matrices",
    "bf16": "bfloat16 matrices",
    "sve": "scalable vectors",
    "sve2": "scalable vectors 2",
    "sme": "scalable matrices",
}
"""CPU features that decide how fast a model runs, by the kernel's names, and what each is good for."""
INTERESTING = tuple(FEATURES)
_ARM_PARTS = {
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd07": "Cortex-A57", "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd0d": "Cortex-A77",
    "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78", "0xd42": "Cortex-A78AE", "0xd44": "Cortex-X1",
    "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd49": "Neoverse-N2", "0xd4d": "Cortex-A715",
    "0xd4f": "Neoverse-V2", "0xd80": "Cortex-A520", "0xd81": "Cortex-A720", "0xd84": "Neoverse-V3",
}  # fmt: skip
"""Arm's part numbers (Main ID Register, PartNum) of cores that boards have; the kernel gives no name on arm64."""
_ARM = "0x41"
_CPUINFO = Path("/proc/cpuinfo")
_MEMINFO = Path("/proc/meminfo")
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Board:
    """One machine.

    Attributes:
        cpu: the CPU's model name, or the architecture where it has none.
        features: those of ``INTERESTING`` that it has.
        cores: cores this process may use.
        memory_bytes: main memory; 0 where it cannot be told.
        accelerators: names of usable accelerators, the usually faster first.
    """

    cpu: str
    features: tuple[str, ...]
    cores: int
    memory_bytes: int
    accelerators: tuple[str, ...]


def read_board(cpuinfo: Path = _CPUINFO, meminfo: Path = _MEMINFO) -> Board:
    """This machine's inventory; the arguments are for reading another's files."""
    cpu_facts, memory_facts = _facts(cpuinfo), _facts(meminfo)
    flags = set((cpu_facts.get("flags") or cpu_facts.get("Features") or "").split())
    memory_kib = memory_facts.get("MemTotal", "0").split()[0]
    return Board(
        cpu=cpu_facts.get("model name") or _arm_name(cpu_facts) or platform.machine(),
        features=tuple(name for name in INTERESTING if name in flags),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=int(memory_kib) * 1024 if memory_kib.isdigit() else 0,
        accelerators=tuple(item.name for item in known() if item.available()),
    )


def _arm_name(facts: dict[str, str]) -> str:
    if facts.get("CPU implementer") != _ARM:
        return ""
    return _ARM_PARTS.get(facts.get("CPU part", "").lower(), "")


def _facts(path: Path) -> dict[str, str]:
    """``name : value`` lines of ``path``, the first of each name; empty where it cannot be read."""
    facts: dict[str, str] = {}
    for line in text(path, _MAX_BYTES).splitlines():
        name, colon, value = line.partition(":")
        if colon and value.strip():
            facts.setdefault(name.strip(), value.strip())
    return facts
