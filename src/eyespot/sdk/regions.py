"""Named parts of the picture, and where an object stands. Plain Python, so that nothing heavy is loaded for it.

Points are fractions of the picture's width and height, as everywhere. An object stands at its foot point: the middle
of its box's lower edge.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eyespot.kernel.errors import invalid

Point = tuple[float, float]
Box = tuple[float, float, float, float]
LEAST_CORNERS = 3
_BORDER = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Region:
    """A polygon with a name; it may be concave."""

    name: str
    points: tuple[Point, ...]

    def holds(self, point: Point) -> bool:
        """Whether ``point`` is inside, by the even-odd rule.

        A point on the left or upper edge is inside; one on the right or lower edge only at the picture's own border.
        """
        x, y = min(point[0], _BORDER), min(point[1], _BORDER)
        inside = False
        for (x1, y1), (x2, y2) in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            if (y1 <= y) != (y2 <= y):
                left, right = (x - x1) * (y2 - y1), (y - y1) * (x2 - x1)  # no division: edges may be all but level
                inside ^= left < right if y2 > y1 else left > right
        return inside


def foot_point(box: Box) -> Point:
    """Where the object in ``box`` (``x1 y1 x2 y2``) stands."""
    return (box[0] + box[2]) / 2, box[3]


def read_regions(listed: Iterable[Mapping[str, Any]]) -> tuple[Region, ...]:
    """The regions of a setting that lists tables of ``name`` and ``points``; raises ``INVALID`` that names the mistake.

    The shape of the values was checked by the manifest's schema, which cannot say these rules.
    """
    regions: list[Region] = []
    for one in listed:
        name, points = str(one["name"]), tuple((float(point[0]), float(point[1])) for point in one["points"])
        if len(set(points)) < LEAST_CORNERS:
            raise invalid(f"The region '{name}' has less than {LEAST_CORNERS} corners.", "Draw at least a triangle.")
        if any(other.name == name for other in regions):
            raise invalid(f"Two regions are called '{name}'.", "Give each a name of its own.")
        regions.append(Region(name, points))
    return tuple(regions)
