"""The shape of every benchmark: options in, progress shown, one report out."""

import json
import os
import platform
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal, Protocol

Figure = float | int | str | None


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What a person may set.

    ``video`` and ``truth`` replace the default clip and its MOTChallenge ground truth; ``quick`` shortens the run
    for a smoke test (its figures are not to be quoted).
    """

    cache: Path
    video: Path | None = None
    truth: Path | None = None
    seconds: float | None = None
    rounds: int = 3
    quick: bool = False


class Progress(Protocol):
    """Where a benchmark says what it is doing."""

    def step(self, text: str) -> None:
        """One line: a new step begins."""
        ...

    def fraction(self, done: float) -> None:
        """How much of the current step is done, 0 to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A figure's goal: at least or at most ``value``."""

    value: float
    sense: Literal["min", "max"]

    def is_met(self, figure: Figure) -> bool:
        """Whether ``figure`` reaches the goal; an absent figure never does."""
        if not isinstance(figure, int | float):
            return False
        return figure >= self.value if self.sense == "min" else figure <= self.value


@dataclass(slots=True)
class Report:
    """What a benchmark found.

    Attributes:
        figures: flat names to numbers, medians where several rounds were run.
        targets: goals by figure name.
        rows: a table for people: header first, then the rows.
        notes: plain sentences on how it was measured.
    """

    name: str
    figures: dict[str, Figure] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """True when every target is reached."""
        return all(target.is_met(self.figures.get(name)) for name, target in self.targets.items())

    def json_line(self) -> str:
        """The report as one line of JSON."""
        targets = {name: {target.sense: target.value} for name, target in self.targets.items()}
        return json.dumps(
            {"bench": self.name, "figures": self.figures, "targets": targets, "met": self.met, "machine": machine()}
        )


def machine() -> dict[str, Any]:
    """The machine a figure was taken on: architecture, cores, processor, memory, kernel and Python versions."""
    return {
        "arch": platform.machine(),
        "cores": os.cpu_count(),
        "cpu": _first_value("/proc/cpuinfo", "model name"),
        "memory_mb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20),
        "kernel": platform.release(),
        "python": platform.python_version(),
    }


def _first_value(path: str, key: str) -> str:
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line.startswith(key):
            return line.partition(":")[2].strip()
    return platform.processor()


def middle(values: list[float], digits: int = 3) -> float:
    """The median of ``values``, rounded to ``digits`` places."""
    return round(median(values), digits)
