"""The board's inventory: what this machine can run models on. Reads the system; changes nothing, imports no runtime."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from eyespot.hal.accelerators.chooser import known

INTERESTING = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm", "sve")
"""CPU features that decide how fast INT8 runs."""
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
        cpu=cpu_facts.get("model name") or platform.machine(),
        features=tuple(name for name in INTERESTING if name in flags),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=int(memory_kib) * 1024 if memory_kib.isdigit() else 0,
        accelerators=tuple(item.name for item in known() if item.available()),
    )


def _facts(path: Path) -> dict[str, str]:
    """``name : value`` lines of ``path``, the first of each name; empty where it cannot be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_BYTES)
    except OSError:
        return {}
    facts: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and value.strip():
            facts.setdefault(name.strip(), value.strip())
    return facts
