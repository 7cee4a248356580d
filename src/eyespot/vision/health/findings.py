"""From signs in single pictures to findings that start, last and end, each dated to when it was first or last seen."""

from dataclasses import dataclass, field
from typing import Any, Literal

from eyespot.kernel.clock import from_seconds

PictureKind = Literal["blind", "covered", "moved", "frozen", "blurred"]
KINDS: tuple[PictureKind, ...] = ("blind", "covered", "moved", "frozen", "blurred")


@dataclass(frozen=True, slots=True)
class HealthUpdate:
    """A finding starts or ends.

    Attributes:
        start_ns: when it was first seen; ``end_ns`` when it was gone, None at the start.
        detail: what was measured, JSON-ready.
    """

    kind: PictureKind
    phase: Literal["start", "end"]
    start_ns: int
    end_ns: int | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sign:
    """What one picture suggests.

    Attributes:
        lasting_s: how long it must be seen before it counts.
        since_ns: when it began, where that is known to be before this picture.
    """

    detail: dict[str, Any]
    lasting_s: float
    since_ns: int | None = None


@dataclass(slots=True)
class Finding:
    """One kind's state: on or off, and since when the opposite has been seen."""

    kind: PictureKind
    on: bool = False
    start_ns: int = 0
    detail: dict[str, Any] = field(default_factory=dict)
    _doubt_ns: int | None = None

    def settle(self, sign: Sign | None, at_ns: int, end_s: float) -> HealthUpdate | None:
        """Take this picture's sign, or that there is none; what starts or ends by it."""
        if (sign is not None) == self.on:
            self._doubt_ns = None
            return None
        if self._doubt_ns is None:
            self._doubt_ns = at_ns
        lasting_s = end_s if sign is None else sign.lasting_s
        if at_ns - self._doubt_ns < from_seconds(lasting_s):
            return None
        since_ns, self._doubt_ns = self._doubt_ns, None
        self.on = not self.on
        if sign is None:
            return HealthUpdate(self.kind, "end", self.start_ns, since_ns, self.detail)
        self.start_ns, self.detail = since_ns if sign.since_ns is None else sign.since_ns, sign.detail
        return HealthUpdate(self.kind, "start", self.start_ns, None, self.detail)
