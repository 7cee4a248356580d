"""Zones and tripwires: their settings and their geometry.

Points are fractions of the picture. An object stands where its foot point is: the middle of its box's lower edge, kept
inside the picture, so that a zone drawn to the border holds objects that the border cuts off.
"""

import math
from typing import Annotated, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from eyespot.kernel.config import Settings

Fraction = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Fraction, Fraction]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Label = Annotated[str, Field(min_length=1, max_length=64)]
Points = NDArray[np.float64]


class ZoneLike(Protocol):
    """What rules need to know of a zone."""

    @property
    def name(self) -> str: ...
    @property
    def points(self) -> tuple[tuple[float, float], ...]: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def loiter_s(self) -> float | None: ...
    @property
    def max_objects(self) -> int | None: ...


class LineLike(Protocol):
    """What rules need to know of a tripwire."""

    @property
    def name(self) -> str: ...
    @property
    def a(self) -> tuple[float, float]: ...
    @property
    def b(self) -> tuple[float, float]: ...
    @property
    def labels(self) -> tuple[str, ...]: ...


class Zone(Settings):
    """A polygon in the picture; it may be concave."""

    name: Name
    """Unique among the zones and lines of one camera."""
    points: tuple[Point, ...] = Field(min_length=3, max_length=64)
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    """Labels that count; empty: all."""
    loiter_s: float | None = Field(default=None, gt=0, le=86_400)
    """Presence longer than this is a loiter event."""
    max_objects: int | None = Field(default=None, ge=0, le=1000)
    """More objects than this at once is an occupancy event."""


class Line(Settings):
    """A tripwire; *in* is crossing from the left of a→b to its right, as seen on the picture."""

    name: Name
    a: Point
    b: Point
    labels: tuple[Label, ...] = Field(default=(), max_length=64)
    """Labels that count; empty: all."""

    @model_validator(mode="after")
    def _long_enough(self) -> "Line":
        if self.a == self.b:
            raise ValueError(f"line '{self.name}' begins where it ends")
        return self


def foot_points(boxes: NDArray[np.floating]) -> Points:
    """``(N, 2)`` foot points of ``(N, 4)`` boxes, inside the picture."""
    feet = np.empty((len(boxes), 2))
    feet[:, 0] = (boxes[:, 0] + boxes[:, 2]) * 0.5
    feet[:, 1] = boxes[:, 3]
    np.clip(feet, 0.0, 1.0, out=feet)
    return feet


def foot_point(box: tuple[float, float, float, float]) -> tuple[float, float]:
    """The foot point of one box, inside the picture."""
    x1, _, x2, y2 = box
    return min(1.0, max(0.0, (x1 + x2) * 0.5)), min(1.0, max(0.0, y2))


class Polygon:
    """A closed polygon that tells which points it holds."""

    def __init__(self, points: tuple[tuple[float, float], ...]) -> None:
        corners = np.array(points, np.float64)
        after = np.roll(corners, -1, axis=0)
        self._x1, self._y1 = corners.T
        self._y2 = after[:, 1]
        self._across, self._rise = after[:, 0] - self._x1, self._y2 - self._y1

    def holds(self, points: Points) -> NDArray[np.bool_]:
        """``(N,)`` whether each of ``(N, 2)`` points is inside, by the even-odd rule.

        A point on the polygon's left or upper edge is inside; on its right or lower edge it is inside only at the
        picture's own border, so that the whole picture as a zone holds every foot point.
        """
        x = np.minimum(points[:, 0:1], 1.0 - 1e-9)
        y = np.minimum(points[:, 1:2], 1.0 - 1e-9)
        spans = (self._y1 <= y) != (self._y2 <= y)
        # No division: edges may be all but level.
        left, right = (x - self._x1) * self._rise, (y - self._y1) * self._across
        beyond = np.where(self._rise > 0.0, left < right, left > right)
        inside: NDArray[np.bool_] = (np.count_nonzero(spans & beyond, axis=1) & 1).astype(bool)
        return inside


class Tripwire:
    """A segment with two sides, measured in picture heights."""

    def __init__(self, a: tuple[float, float], b: tuple[float, float]) -> None:
        self._a, self._b = a, b

    def side(self, x: float, y: float, aspect: float) -> float:
        """Signed distance of a point from the line through the segment, in picture heights; positive is the right."""
        dx, dy = (self._b[0] - self._a[0]) * aspect, self._b[1] - self._a[1]
        length = math.hypot(dx, dy)
        return (dx * (y - self._a[1]) - dy * (x - self._a[0]) * aspect) / length

    def is_crossed(self, start: tuple[float, float], end: tuple[float, float], aspect: float) -> bool:
        """Whether the way from ``start`` to ``end``, which lie on different sides, leads through the segment."""
        before, after = self.side(*start, aspect), self.side(*end, aspect)
        if before == after:
            return False
        share = before / (before - after)
        x, y = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        dx, dy = (self._b[0] - self._a[0]) * aspect, self._b[1] - self._a[1]
        along = ((x - self._a[0]) * aspect * dx + (y - self._a[1]) * dy) / (dx * dx + dy * dy)
        return 0.0 <= along <= 1.0
