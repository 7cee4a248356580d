"""How often each camera may detect, and at which input size, when not all wishes fit on the lanes. Pure.

Joins the cameras that have something to look at to the planner (`infer.fit.plan`): a lane is its resource, a camera its
function. What a run costs is taken as measured at that very size; for sizes that never ran it is scaled by pixels.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from eyespot.edge.config import CameraHostConfig
from eyespot.infer.fit.plan import MAX_LOAD, Assignment, Option, Room, Want, plan

LANES = "lanes"
Size = tuple[int, int]
"""Height and width of a model's input in pixels."""
Costs = Mapping[tuple[str, Size], float]
"""Milliseconds of a run on one lane, by package and size."""


@dataclass(frozen=True, slots=True)
class Need:
    """A camera that wants detections now.

    Attributes:
        rate_hz: detections a second that its settings ask for.
        sizes: at which its package can run for its shape of picture, the largest first.
    """

    camera: str
    package: str
    rate_hz: float
    priority: int
    sizes: tuple[Size, ...]


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a camera may have of the lanes.

    Attributes:
        rate_hz: detections a second; 0: none.
        step: sizes down from the largest.
        closer: whether there is room for closer looks at far objects.
    """

    rate_hz: float
    step: int = 0
    closer: bool = True


def plan_rates(needs: Sequence[Need], costs: Costs, lanes: float) -> list[Assignment]:
    """One assignment for each camera whose package's cost is known; the others are not limited yet.

    Args:
        lanes: how many runs may go side by side; a fraction where others were promised a part.
    """
    known = {package for package, _ in costs}
    options = {
        Option(_key(need), "", "", LANES, size[1], size[0], cost_ms(need.package, size, costs))
        for need in needs
        if need.package in known
        for size in need.sizes
    }
    wants = [Want(need.camera, _key(need), need.rate_hz, need.priority) for need in needs if need.package in known]
    given = plan(wants, sorted(options, key=lambda item: (item.package, -item.pixels)), Room({LANES: lanes}))
    return (
        [_trickle(given[0], options, lanes), *given[1:]] if given and not any(item.option for item in given) else given
    )


def _trickle(first: Assignment, options: Collection[Option], lanes: float) -> Assignment:
    """For the foremost camera where everything is too slow: better a detection now and then than none for ever."""
    smallest = min((item for item in options if item.package == first.want.package), key=lambda item: item.pixels)
    rate_hz = MAX_LOAD * lanes * 1000 / smallest.ms
    reason = f"a run takes {smallest.ms:.0f} ms even at its smallest size; {first.reason}"
    return Assignment(first.want, smallest, rate_hz, MAX_LOAD, "resolution", reason)


def allowed(assignments: Sequence[Assignment], needs: Sequence[Need]) -> dict[str, Allowed]:
    """What the assignments mean for each camera; closer looks are the first thing that gives way, for all."""
    sizes = {need.camera: need.sizes for need in needs}
    closer = not any(item.degraded for item in assignments)
    return {
        item.want.name: Allowed(
            item.rate_hz,
            sizes[item.want.name].index((item.option.height_px, item.option.width_px)) if item.option else 0,
            closer,
        )
        for item in assignments
    }


def cost_ms(package: str, size: Size, costs: Costs) -> float:
    """Of a run at ``size``: as told, or from the nearest size told, by pixels; ``costs`` tells one at least."""
    if (package, size) in costs:
        return costs[package, size]
    pixels = size[0] * size[1]
    told = {other[0] * other[1]: ms for (name, other), ms in costs.items() if name == package}
    nearest = min(told, key=lambda each: abs(each - pixels))
    return told[nearest] * pixels / nearest


def _key(need: Need) -> str:
    height_px, width_px = need.sizes[0]
    return f"{need.package} {width_px}x{height_px}"


def lanes_of(config: CameraHostConfig) -> float:
    """The cameras' part of the lanes: where guests share them, they are promised theirs."""
    guests = config.vision.inference == "process" and (config.inference.rest_port or config.inference.grpc_port)
    return config.vision.lanes * (1.0 - config.inference.guest_share if guests else 1.0)


class HeldCosts:
    """Measured costs, held still while they change little or for a moment only, so that the plan does not flutter.

    Attributes:
        costs: what to plan with.
    """

    MOST_CHANGE = 1.25
    """By this factor, up or down, a cost may differ from the one held."""
    PATIENCE = 3
    """So many times in a row it must differ by more before it is taken."""

    def __init__(self) -> None:
        self.costs: dict[tuple[str, Size], float] = {}
        self._differing: dict[tuple[str, Size], int] = {}

    def update(self, measured: Costs) -> bool:
        """Whether ``costs`` changed by what was measured now."""
        changed = False
        for key, ms in measured.items():
            held = self.costs.get(key)
            if held is not None and max(ms / held, held / ms) <= self.MOST_CHANGE:
                self._differing.pop(key, None)
                continue
            self._differing[key] = self._differing.get(key, 0) + 1
            if held is None or self._differing[key] >= self.PATIENCE:
                self._differing.pop(key, None)
                self._take(key, ms, measured)
                changed = True
        return changed

    def _take(self, key: tuple[str, Size], ms: float, measured: Costs) -> None:
        """Sizes that do not run now change with the one that does: what slows one down slows down all."""
        if key in self.costs:
            ratio = ms / self.costs[key]
            for other in self.costs:
                if other[0] == key[0] and other not in measured:
                    self.costs[other] *= ratio
        self.costs[key] = ms
