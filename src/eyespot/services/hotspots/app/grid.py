"""Time spent on a grid of cells over the picture, in seconds. Pure.

Cells are numbered row by row from the upper left. Time between two places is spread along the straight way between.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

Point = tuple[float, float]
Cells = dict[int, float]
"""Cell → seconds; cells in which nobody was are left out."""


@dataclass(frozen=True, slots=True)
class Grid:
    """``columns`` × ``rows`` equal cells."""

    columns: int
    rows: int

    @property
    def key(self) -> str:
        """Names the grid where values of several are kept."""
        return f"{self.columns}x{self.rows}"

    def cell(self, point: Point) -> int:
        """The cell that holds ``point``, in fractions of the picture."""
        x = min(self.columns - 1, max(0, int(point[0] * self.columns)))
        y = min(self.rows - 1, max(0, int(point[1] * self.rows)))
        return y * self.columns + x

    def spread(self, begin: Point, end: Point, time_s: float) -> Iterator[tuple[int, float]]:
        """Parts of ``time_s`` for the cells on the way from ``begin`` to ``end``, to half a cell."""
        cells = math.hypot((end[0] - begin[0]) * self.columns, (end[1] - begin[1]) * self.rows)
        steps = max(1, math.ceil(cells * 2))
        for step in range(steps):
            part = (step + 0.5) / steps
            at = begin[0] + (end[0] - begin[0]) * part, begin[1] + (end[1] - begin[1]) * part
            yield self.cell(at), time_s / steps

    def dense(self, cells: Cells) -> list[float]:
        """One number for each cell, in seconds to a hundredth."""
        return [round(cells.get(number, 0.0), 2) for number in range(self.columns * self.rows)]


class Fading:
    """What was lately: time loses half of its weight in each ``half_life_s``."""

    def __init__(self, half_life_s: float) -> None:
        self.half_life_s = half_life_s
        self.cells: Cells = {}

    def pass_time(self, time_s: float) -> None:
        """Let ``time_s`` pass; what hardly counts any more is forgotten."""
        left = 0.5 ** (time_s / self.half_life_s)
        self.cells = {cell: spent_s * left for cell, spent_s in self.cells.items() if spent_s * left > 0.005}

    def add(self, cell: int, time_s: float) -> None:
        """Somebody was in ``cell`` for ``time_s``."""
        self.cells[cell] = self.cells.get(cell, 0.0) + time_s
