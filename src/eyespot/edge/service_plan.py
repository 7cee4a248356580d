"""What services were granted of models, as the host's plan of rates reckons with it. Pure.

A service's models count as granted, whether it uses them or not. Where cameras' models run in the inference process,
services draw on the same lanes; else they have a lane of their own, which stands back by niceness.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eyespot.edge.config import CameraHostConfig
from eyespot.infer.fit.plan import Assignment, Option, Want

OWN_LANE = "services"
BELOW_CAMERAS = -101
"""A priority that no camera has."""
ANY_SIZE = (1, 1)
"""Services' models run at their declared size: their costs are kept under this one."""
Costs = Mapping[tuple[str, tuple[int, int]], float]


@dataclass(frozen=True, slots=True)
class ServiceNeed:
    """A model that a running service was granted.

    Attributes:
        rate_hz: runs a second at most.
        share: of one lane's time, for all models of the service together.
    """

    service: str
    package: str
    rate_hz: float
    share: float

    @property
    def name(self) -> str:
        """Stands for it among cameras, none of which can be called so."""
        return f"{self.service}/{self.package}"


@dataclass(frozen=True, slots=True)
class ServicesPlace:
    """Where services stand in the plan.

    Attributes:
        priority: as a camera's.
        own_lane: whether they have a lane of their own.
    """

    priority: int = BELOW_CAMERAS
    own_lane: bool = False

    @staticmethod
    def of(config: CameraHostConfig) -> "ServicesPlace":
        """As the owner set it."""
        priority = config.inference.services_priority
        return ServicesPlace(BELOW_CAMERAS if priority is None else priority, config.vision.inference != "process")


LAST = ServicesPlace()
"""Below every camera, on the cameras' lanes."""


def service_options(needs: Iterable[ServiceNeed], costs: Costs, resource: str) -> list[Option]:
    """The one way to run each whose cost is known."""
    return [
        Option(need.name, "", "", resource, *ANY_SIZE, costs[need.name, ANY_SIZE])
        for need in needs
        if (need.name, ANY_SIZE) in costs
    ]


def service_wants(needs: Sequence[ServiceNeed], costs: Costs, priority: int) -> list[Want]:
    """Of each whose cost is known: the rate that was granted, or what the service's share has time for."""
    found = []
    for need in needs:
        if (need.name, ANY_SIZE) not in costs:
            continue
        mine = [one for one in needs if one.service == need.service and (one.name, ANY_SIZE) in costs]
        load = sum(one.rate_hz * costs[one.name, ANY_SIZE] / 1000 for one in mine)
        found.append(Want(need.name, need.name, need.rate_hz * min(1.0, need.share / load), priority))
    return found


def told_of_services(plan: Iterable[Assignment]) -> dict[str, dict[str, dict[str, Any]]]:
    """Service → package → what it was given, JSON-ready."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for item in plan:
        service, _, package = item.want.name.partition("/")
        found.setdefault(service, {})[package] = {
            "rate_hz": round(item.rate_hz, 3),
            "wanted_hz": round(item.want.rate_hz, 3),
            "priority": item.want.priority if item.want.priority > BELOW_CAMERAS else None,
            "share": round(item.share, 3),
            "run_ms": round(item.option.ms, 2) if item.option else None,
            "degraded": item.degraded,
            "reason": item.reason,
        }
    return found
