"""How often each camera may detect, and at which input size, when not all wishes fit on the lanes. Pure.

Joins the cameras that have something to look at, and services' models (`service_plan`), to the planner
(`infer.fit.plan`): a lane is its resource, a camera its function. What a run costs is taken as measured at that very
size; for sizes that never ran it is scaled by pixels.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from eyespot.edge.config import CameraHostConfig
from eyespot.edge.service_plan import LAST, OWN_LANE, ServiceNeed, ServicesPlace, service_options, service_wants
from eyespot.infer.fit.plan import MAX_LOAD, Assignment, Option, Room, Want, plan

LANES = "lanes"
LEAST_LEFT = 0.05
"""Part of the lanes that the foremost camera has in any case, see ``config.InferenceSettings``."""
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


@dataclass(frozen=True, slots=True)
class RatePlan:
    """One assignment for each camera, and for each model of a service, whose cost is known."""

    cameras: Sequence[Assignment] = ()
    services: Sequence[Assignment] = ()

    @property
    def load(self) -> float:
        """Part of the cameras' lanes that is taken, 0 to 1."""
        on_lanes = (item for item in self.services if item.option and item.option.resource == LANES)
        return sum(item.share for item in (*self.cameras, *on_lanes))


def plan_rates(
    needs: Sequence[Need],
    costs: Costs,
    lanes: float,
    services: Sequence[ServiceNeed] = (),
    place: ServicesPlace = LAST,
) -> RatePlan:
    """What everybody gets; whose cost is not known is not limited yet.

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
    theirs = service_wants(services, costs, place.priority)
    options |= set(service_options(services, costs, OWN_LANE if place.own_lane else LANES))
    room = Room({LANES: lanes, OWN_LANE: 1.0} if place.own_lane else {LANES: lanes})
    given = plan([*wants, *theirs], sorted(options, key=lambda item: (item.package, -item.pixels)), room)
    names = {want.name for want in wants}
    found = RatePlan(
        [item for item in given if item.want.name in names], [item for item in given if item.want.name not in names]
    )
    return _with_a_trickle(found, options, lanes)


def _with_a_trickle(found: RatePlan, options: Collection[Option], lanes: float) -> RatePlan:
    """Where everything is too slow for cameras the foremost still looks now and then: better than never.

    Services that it comes before then have nothing of its lanes.
    """
    if not found.cameras or any(item.option for item in found.cameras):
        return found
    first, *others = found.cameras
    services = [_stood_back(item, first) for item in found.services]
    left = max(LEAST_LEFT, MAX_LOAD - RatePlan((), services).load)
    smallest = min((item for item in options if item.package == first.want.package), key=lambda item: item.pixels)
    reason = f"a run takes {smallest.ms:.0f} ms even at its smallest size; {first.reason}"
    trickle = Assignment(first.want, smallest, left * lanes * 1000 / smallest.ms, left, "resolution", reason)
    return RatePlan([trickle, *others], services)


def _stood_back(item: Assignment, first: Assignment) -> Assignment:
    shared = item.option is None or item.option.resource == LANES
    if not shared or item.want.priority > first.want.priority:
        return item
    return Assignment(item.want, None, 0.0, 0.0, "off", f"{first.want.name} needs all that there is")


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
