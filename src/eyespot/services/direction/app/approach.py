"""One object and one region: heading for it, and what became of that. Pure."""

from dataclasses import dataclass
from typing import Literal

from eyespot.sdk import NS_PER_S
from eyespot.sdk.regions import Region

from .way import Way

STEP_S = 0.1
Outcome = Literal["entered", "turned", "lost"]


def enters_in(way: Way, region: Region, horizon_s: float) -> float | None:
    """Seconds until ``way`` is expected to be in ``region``; None when it is not within ``horizon_s``."""
    for step in range(1, round(horizon_s / STEP_S) + 1):
        if region.holds(way.on_picture(way.ahead(step * STEP_S))):
            return step * STEP_S
    return None


@dataclass(slots=True)
class Approach:
    """From the first moment that it was heading there; told once that lasted.

    Attributes:
        in_s: in how many seconds it was expected there when it was told.
        away_ns: since when it is heading elsewhere; 0 while it is not.
    """

    since_ns: int
    since_wall_ns: int
    in_s: float = 0.0
    told_ns: int = 0
    told_wall_ns: int = 0
    event: str = ""
    away_ns: int = 0

    def is_due(self, at_ns: int, sure_s: float) -> bool:
        """Whether it is to be told now."""
        return not self.event and at_ns - self.since_ns >= sure_s * NS_PER_S

    def turned(self, is_heading: bool, at_ns: int, patience_s: float) -> bool:
        """Whether it has been heading elsewhere for longer than ``patience_s``."""
        if is_heading:
            self.away_ns = 0
            return False
        self.away_ns = self.away_ns or at_ns
        return at_ns - self.away_ns >= patience_s * NS_PER_S
