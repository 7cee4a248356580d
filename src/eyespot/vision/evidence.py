"""What an event keeps as proof while it lasts: its best frame, its best score and the object's way, all bounded."""

from dataclasses import dataclass, field

Box = tuple[float, float, float, float]

MAX_POINTS = 512
BETTER = 1.2
"""A new picture is worth taking when it is a fifth better than the one at hand."""
STEP_HEIGHTS = 0.1
"""A way point is kept when the object moved so far, in its own heights, since the one before."""


def picture_worth(score: float, box: Box) -> float:
    """How good a picture of the object this frame makes: sure, large, whole and near the middle is better.

    The square root of the visible area (fractions of the picture), times the score, times the share of the box inside
    the picture squared, times 1 in the middle falling to a half at the border.
    """
    x1, y1, x2, y2 = box
    whole = max(1e-9, (x2 - x1) * (y2 - y1))
    seen = max(0.0, min(x2, 1.0) - max(x1, 0.0)) * max(0.0, min(y2, 1.0) - max(y1, 0.0))
    off = max(abs((x1 + x2) - 1.0), abs((y1 + y2) - 1.0))
    touches = x1 <= 0.004 or y1 <= 0.004 or x2 >= 0.996 or y2 >= 0.996
    share = seen / whole * (0.7 if touches else 1.0)
    return float(score * seen**0.5 * share * share * (1.0 - 0.5 * min(1.0, off)))


@dataclass(slots=True)
class Way:
    """The path of an object: at most ``MAX_POINTS`` moments and boxes; as it grows long, every other point goes."""

    points: list[tuple[int, Box]] = field(default_factory=list)
    latest: tuple[int, Box] | None = None
    _step: float = STEP_HEIGHTS

    def add(self, at_ns: int, box: Box) -> None:
        """Take note of where the object is."""
        self.latest = (at_ns, box)
        if self.points:
            before = self.points[-1][1]
            reach = self._step * max(1e-6, box[3] - box[1])
            if abs(box[0] + box[2] - before[0] - before[2]) < 2 * reach and abs(box[3] - before[3]) < reach:
                return
        self.points.append((at_ns, box))
        if len(self.points) >= MAX_POINTS - 1:
            self.points = self.points[::2]
            self._step *= 1.5

    def thinned(self) -> tuple[tuple[int, Box], ...]:
        """The points kept, with the newest position last."""
        if self.latest is None or (self.points and self.points[-1][0] == self.latest[0]):
            return tuple(self.points)
        return (*self.points, self.latest)


@dataclass(slots=True)
class Best:
    """The best frame so far."""

    score: float = 0.0
    worth: float = 0.0
    at_ns: int | None = None
    box: Box | None = None

    def offer(self, at_ns: int, box: Box, score: float) -> bool:
        """Consider a frame; true when it is so much better that its picture should be taken."""
        self.score = max(self.score, score)
        worth = picture_worth(score, box)
        if self.at_ns is not None and worth <= self.worth * BETTER:
            return False
        self.worth, self.at_ns, self.box = worth, at_ns, box
        return True
