"""Power of the processor package, where the kernel lets it be read (powercap, Intel and AMD "RAPL").

Most systems let root alone read it, and virtual machines have none: then watts are unknown, and said to be.
https://docs.kernel.org/power/powercap/powercap.html
"""

from pathlib import Path

from eyespot.kernel.clock import NS_PER_S

_ROOT = Path("/sys/class/powercap")
_US_PER_S = 1_000_000


class EnergyCounter:
    """The sum of the packages' energy counters."""

    def __init__(self, root: Path = _ROOT) -> None:
        self._zones = sorted(root.glob("intel-rapl:?"))

    def read_uj(self) -> list[int] | None:
        """Microjoules of each package so far, or None where they cannot be read."""
        try:
            return [int((zone / "energy_uj").read_text("ascii")) for zone in self._zones] or None
        except (OSError, ValueError):
            return None

    def watts(self, begin_uj: list[int] | None, end_uj: list[int] | None, wall_ns: int) -> float | None:
        """Mean power between two readings; a counter that began anew is put right by its range."""
        if begin_uj is None or end_uj is None or wall_ns <= 0:
            return None
        total = 0
        for zone, begin, end in zip(self._zones, begin_uj, end_uj, strict=True):
            total += end - begin if end >= begin else end - begin + self._range_uj(zone)
        return round(total / _US_PER_S / (wall_ns / NS_PER_S), 2)

    def _range_uj(self, zone: Path) -> int:
        try:
            return int((zone / "max_energy_range_uj").read_text("ascii"))
        except (OSError, ValueError):
            return 0
