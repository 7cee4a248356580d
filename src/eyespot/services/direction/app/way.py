"""Where one object is heading and where that leads. Pure.

Lengths are in picture heights (fractions across times the picture's aspect), so that across and down are alike; speeds
and errors are in heights of the object's own box, so that far and near are alike. The velocity is the tracker's: a line
fitted through the last 1 to 3 s of foot points erred no less and had worse outliers (docs/guide/built-in-services.md).
"""

import math
from dataclasses import dataclass

from eyespot.sdk import Track
from eyespot.sdk.regions import Point, foot_point

CALM_S = 6.0
"""People stop and turn: the speed that is expected of them dies out with this time constant."""
LEAST_HEIGHT = 1e-3


@dataclass(frozen=True, slots=True)
class Way:
    """At one moment. ``foot`` and ``velocity`` (a second) are in picture heights, ``height`` is that of its box."""

    foot: Point
    velocity: Point
    height: float
    aspect: float

    @property
    def speed(self) -> float:
        """In heights of its box a second."""
        return math.hypot(*self.velocity) / self.height

    @property
    def heading_deg(self) -> float:
        """Clockwise on the picture: 0 up, 90 right, 180 down, 270 left."""
        return math.degrees(math.atan2(self.velocity[0], -self.velocity[1])) % 360

    def ahead(self, in_s: float) -> Point:
        """Where it is expected to stand in ``in_s`` seconds, in picture heights."""
        reach_s = CALM_S * (1 - math.exp(-in_s / CALM_S))
        return self.foot[0] + self.velocity[0] * reach_s, self.foot[1] + self.velocity[1] * reach_s

    def on_picture(self, point: Point) -> Point:
        """``point`` in fractions of the picture."""
        return point[0] / self.aspect, point[1]


def way_of(track: Track, aspect: float) -> Way:
    """The way of ``track`` on a picture of ``aspect``."""
    x, y = foot_point(track.box)
    height = max(LEAST_HEIGHT, track.box[3] - track.box[1])
    return Way((x * aspect, y), (track.velocity[0] * aspect, track.velocity[1]), height, aspect)
