"""Which set of functions fits on a board, at which rates: the planner. Pure; no measuring, no clock, no files.

Rules, in the order they act:

1. Functions are served by priority, the highest first. A lower one never takes from a higher one. Equal ones get the
   same part of their rates, and step down in resolution together; where the smallest does not fit all of them, they are
   served in the order given.
2. A function gets its full rate at its best resolution where that fits, on the resource that it loads least.
3. Where it does not fit, the rate is lowered, down to ``RATE_FLOOR`` of what was wanted.
4. Where even that does not fit, the resolution is lowered step by step, with the rate as high as then fits.
5. Where nothing fits, the function is off.

Accelerators that run on the processor draw on one resource, ``cpu``, with a lane for each core; any other accelerator
is a resource of one lane. A resource is never planned beyond ``MAX_LOAD``: the rest is for what nobody foresaw.
A model that two functions run in the same form is loaded once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

RATE_FLOOR = 0.25
MAX_LOAD = 0.8
_EXACT = 1e-9
_HALVINGS = 20
"""Of the interval in which the common part of equal functions lies."""
Degraded = Literal["", "rate", "resolution", "off"]


@dataclass(frozen=True, slots=True)
class Option:
    """One way to run a model: a variant on an accelerator at a size.

    Attributes:
        ms: of one run on one lane of ``resource``.
        memory_bytes: that loading it takes, None where unknown (it is then not counted).
        agreement: AP50 with the float32 network at full size as the truth, None where unknown.
        watts: of the whole board's package while it runs without pause, None where unknown.
        origin: whether ``ms`` was measured on this board or estimated for another.
        batch_ms: numbers of pictures in a run, and what one of them all takes; empty where it runs one at a time.
    """

    package: str
    variant: str
    accelerator: str
    resource: str
    width_px: int
    height_px: int
    ms: float
    memory_bytes: int | None = None
    agreement: float | None = None
    watts: float | None = None
    origin: Literal["measured here", "estimated"] = "measured here"
    batch_ms: tuple[tuple[int, float], ...] = ()

    @property
    def pixels(self) -> int:
        return self.width_px * self.height_px


@dataclass(frozen=True, slots=True)
class Want:
    """A function: so many runs of ``package`` a second. A higher ``priority`` is served first."""

    name: str
    package: str
    rate_hz: float
    priority: int


@dataclass(frozen=True, slots=True)
class Room:
    """What the board has: lanes by resource, and bytes of memory for models (None: not limited)."""

    lanes: Mapping[str, float]
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a function gets.

    Attributes:
        option: None when it is off.
        rate_hz: 0 when it is off.
        share: of the resource, 0 to 1, reserved for it.
        degraded: the last thing that had to give.
        reason: why, in a sentence; empty when nothing had to give.
    """

    want: Want
    option: Option | None
    rate_hz: float
    share: float
    degraded: Degraded
    reason: str


def plan(wants: Sequence[Want], options: Sequence[Option], room: Room) -> list[Assignment]:
    """One assignment for each of ``wants``, highest priority first."""
    state, given = _State(room), list[Assignment]()
    for _, group in groupby(sorted(wants, key=lambda item: -item.priority), key=lambda item: item.priority):
        state, assignments = _serve_equals(state, list(group), options)
        given += assignments
    return given


def _serve_equals(
    state: "_State", wants: Sequence[Want], options: Sequence[Option]
) -> tuple["_State", list[Assignment]]:
    """Functions of one priority, and what is left after them."""
    state.equals = len(wants)
    state.higher = dict(state.used)
    runnable = [want for want in wants if state.sizes(want, options)]
    steps = max((len(state.sizes(want, options)) for want in runnable), default=0)
    for step in range(steps if len(wants) > 1 else 0):
        part, high = RATE_FLOOR, 1.0
        if not _all_have(state, runnable, options, part, step):
            continue
        if _all_have(state, runnable, options, high, step):
            part = high
        for _ in range(_HALVINGS if part < high else 0):
            middle = (part + high) / 2
            part, high = (middle, high) if _all_have(state, runnable, options, middle, step) else (part, middle)
        return state, [state.serve(want, options, part=part, step=step) for want in wants]
    return state, [state.serve(want, options) for want in wants]


def _all_have(state: "_State", wants: Sequence[Want], options: Sequence[Option], part: float, step: int) -> bool:
    """Whether all of ``wants`` can have ``part`` of their rates, ``step`` sizes down."""
    trial = state.copy()
    given = [trial.serve(want, options, part=part, step=step) for want in wants]
    return all(item.rate_hz >= part * item.want.rate_hz - _EXACT for item in given)


class _State:
    """What is taken so far."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.used = dict.fromkeys(room.lanes, 0.0)
        self.higher = dict(self.used)
        self.equals = 1
        self._loaded: set[Option] = set()

    def copy(self) -> "_State":
        """One to try with."""
        other = _State(self._room)
        other.used, other.higher, other.equals = dict(self.used), self.higher, self.equals
        other._loaded = set(self._loaded)
        return other

    def sizes(self, want: Want, options: Sequence[Option]) -> list[int]:
        """Pixels of the forms of its model that fit into memory, the largest first."""
        return sorted({item.pixels for item in self._mine(want, options) if self._memory_fits(item)}, reverse=True)

    def serve(self, want: Want, options: Sequence[Option], *, part: float = 1.0, step: int | None = None) -> Assignment:
        """At most ``part`` of its rate, at the size ``step`` steps down; None: at whichever is needed."""
        mine = self._mine(want, options)
        if not mine:
            return Assignment(want, None, 0.0, 0.0, "off", f"nothing on this board runs {want.package}")
        sizes = self.sizes(want, options)
        if not sizes:
            return Assignment(want, None, 0.0, 0.0, "off", "its model does not fit into the memory left")
        fitting = [item for item in mine if self._memory_fits(item)]
        largest = max(item.pixels for item in mine)
        for pixels in sizes if step is None else sizes[min(step, len(sizes) - 1) :][:1]:
            best = max((item for item in fitting if item.pixels == pixels), key=lambda item: self._merit(want, item))
            rate_hz = min(part * want.rate_hz, self._rate_left(best))
            if rate_hz >= want.rate_hz * RATE_FLOOR - _EXACT and rate_hz > 0:
                return self._take(want, best, rate_hz, smaller=pixels < largest, most=sizes[0])
        return Assignment(want, None, 0.0, 0.0, "off", self._why_off(want, fitting))

    def _mine(self, want: Want, options: Sequence[Option]) -> list[Option]:
        return [item for item in options if item.package == want.package and self._room.lanes.get(item.resource)]

    def _merit(self, want: Want, item: Option) -> tuple[float, float, float, float]:
        """Rate first, then the least share taken, then accuracy, then the least time."""
        rate_hz = min(want.rate_hz, self._rate_left(item))
        return rate_hz, -self._share(item, want.rate_hz), item.agreement or 0.0, -item.ms

    def _share(self, item: Option, rate_hz: float) -> float:
        return rate_hz * item.ms / 1000 / self._room.lanes[item.resource]

    def _rate_left(self, item: Option) -> float:
        left = max(0.0, MAX_LOAD - self.used[item.resource])
        return left * self._room.lanes[item.resource] * 1000 / item.ms

    def _memory_fits(self, item: Option) -> bool:
        if self._room.memory_bytes is None or item.memory_bytes is None or item in self._loaded:
            return True
        return sum(each.memory_bytes or 0 for each in self._loaded) + item.memory_bytes <= self._room.memory_bytes

    def _take(self, want: Want, item: Option, rate_hz: float, *, smaller: bool, most: int) -> Assignment:
        share = self._share(item, rate_hz)
        self.used[item.resource] += share
        self._loaded.add(item)
        slower = rate_hz < want.rate_hz - _EXACT
        taken = f"{item.resource} is {100 * self.higher[item.resource]:.0f} % taken by higher priorities"
        if self.equals > 1:
            taken += f", and {self.equals} of this one divide the rest"
        parts = []
        if smaller and item.pixels == most:
            parts.append("a larger form does not fit into the memory left")
        elif smaller:
            parts.append(f"at a larger size not even {100 * RATE_FLOOR:.0f} % of {want.rate_hz:g}/s fit: {taken}")
        if slower:
            parts.append(f"{want.rate_hz:g}/s would take {100 * self._share(item, want.rate_hz):.0f} %: {taken}")
        kind: Degraded = "resolution" if smaller else "rate" if slower else ""
        return Assignment(want, item, rate_hz, share, kind, "; ".join(dict.fromkeys(parts)))

    def _why_off(self, want: Want, fitting: Sequence[Option]) -> str:
        best = max(fitting, key=self._rate_left)
        return (
            f"{self._rate_left(best):.1f}/s are left on {best.resource}, less than "
            f"{100 * RATE_FLOOR:.0f} % of {want.rate_hz:g}/s at any size"
        )
