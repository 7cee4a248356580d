"""A limit that the owner set: when it is passed, and when no longer. Pure.

A count flickers while people hide one another, so passing and its end each have to last for a while before they count;
both are dated to when they began.
"""

from dataclasses import dataclass
from typing import Literal

from eyespot.sdk import NS_PER_S

Moment = tuple[int, int]
"""Monotonic and wall time in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """More than ``more_than`` of ``group`` at ``place`` for ``for_s`` seconds."""

    place: str
    group: str
    more_than: int
    for_s: float


class Limit:
    """One rule over time.

    Attributes:
        is_passed: whether it is now.
        began_wall_ns: when it was last passed; ``ended_wall_ns``: when that was over.
        most: the largest count while it was passed.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.is_passed = False
        self.began_wall_ns = self.ended_wall_ns = self.most = 0
        self._since: Moment | None = None
        self._most = 0

    def update(self, count: int, at: Moment) -> Literal["passed", "over"] | None:
        """Take the count of a moment; tells a change once it has lasted."""
        is_above = count > self.rule.more_than
        if self.is_passed and is_above:
            self.most = max(self.most, count)
        if is_above == self.is_passed:
            self._since = None
            return None
        if self._since is None:
            self._since, self._most = at, 0
        self._most = max(self._most, count)
        if at[0] - self._since[0] < self.rule.for_s * NS_PER_S:
            return None
        began_wall_ns = self._since[1]
        if not is_above:
            return self.end(began_wall_ns)
        self.is_passed, self.began_wall_ns, self.most, self._since = True, began_wall_ns, self._most, None
        return "passed"

    def end(self, wall_ns: int) -> Literal["over"]:
        """It is over since ``wall_ns``, whatever the count."""
        self.is_passed, self.ended_wall_ns, self._since = False, wall_ns, None
        return "over"
