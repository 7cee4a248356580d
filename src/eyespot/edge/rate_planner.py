"""Keeps all cameras' detections within what the lanes can do; plans again when what is wanted or what it costs changes.

Owns when to plan and the telling; `rate_plan` decides. Only cameras that have something to look at count: a quiet one
needs no room. Services count with what they were granted, and learn of their part from this process's status. A plan
made from a package's figures gives way to measured ones as soon as there are any.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from eyespot.edge.rate_plan import Allowed, Costs, HeldCosts, Need, RatePlan, allowed, plan_rates
from eyespot.edge.service_plan import ANY_SIZE, LAST, ServiceNeed, ServicesPlace, told_of_services
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)

LOOK_S = 1.0


class Planned(Protocol):
    """A camera as the planner sees it."""

    def need(self) -> Need | None:
        """What it wants now; None while it is quiet or its picture is not known yet."""
        ...

    def allow(self, limit: Allowed) -> None:
        """From now on."""
        ...


class RatePlanner:
    """A service.

    Args:
        cameras: those there are now, by name.
        measured: costs of runs of late.
        told: what a package says that a run costs, for those never measured; raises where there is none of that name.
        lanes: as ``plan_rates``.
        share: told each second which part of the lanes each camera was given; None: nobody is.
        services: models of services that run now.
        place: where those stand.
    """

    name = "rate planner"

    def __init__(
        self,
        cameras: Callable[[], Iterable[Planned]],
        measured: Callable[[], Costs],
        told: Callable[[str], Costs],
        lanes: float,
        share: Callable[[Mapping[str, float]], Awaitable[None]] | None = None,
        services: Callable[[], Sequence[ServiceNeed]] = tuple,
        place: ServicesPlace = LAST,
    ) -> None:
        self._cameras = cameras
        self._measured = measured
        self._told = told
        self._lanes = lanes
        self._share = share
        self._services = services
        self._place = place
        self._held = HeldCosts()
        self._needs: tuple[list[Need], list[ServiceNeed]] = [], []
        self._plan = RatePlan()
        self._lowered: frozenset[tuple[str, str]] = frozenset()
        self.plans = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second until ``stop``."""
        while not stop.is_set():
            self.look()
            if self._share is not None:
                await self._share(self.shares)
            try:
                await asyncio.wait_for(stop.wait(), LOOK_S)
            except TimeoutError:
                continue

    @property
    def shares(self) -> dict[str, float]:
        """The part of the lanes that each camera was given, by the plan in force."""
        return {item.want.name: item.share for item in self._plan.cameras}

    def look(self) -> None:
        """Plan anew if anything is different from last time, and tell the cameras."""
        cameras = [(camera, need) for camera in self._cameras() if (need := camera.need())]
        needs = [need for _, need in cameras]
        services = list(self._services())
        costs_changed = self._held.update({**self._not_measured(needs, services), **self._measured()})
        if (needs, services) == self._needs and not costs_changed:
            return
        self._needs = needs, services
        self._plan = plan_rates(needs, self._held.costs, self._lanes, services, self._place)
        self.plans += 1
        limits = allowed(self._plan.cameras, needs)
        for camera, need in cameras:
            camera.allow(limits.get(need.camera, Allowed(need.rate_hz)))
        self._say()

    def status(self) -> dict[str, Any]:
        """The plan in force, JSON-ready."""
        return {
            "lanes": self._lanes,
            "plans": self.plans,
            "share": round(self._plan.load, 3),
            "cameras": {
                item.want.name: {
                    "rate_hz": round(item.rate_hz, 2),
                    "wanted_hz": item.want.rate_hz,
                    "priority": item.want.priority,
                    "share": round(item.share, 3),
                    "input_px": [item.option.height_px, item.option.width_px] if item.option else None,
                    "run_ms": round(item.option.ms, 2) if item.option else None,
                    "degraded": item.degraded,
                    "reason": item.reason,
                }
                for item in self._plan.cameras
            },
            "services": told_of_services(self._plan.services),
        }

    def _not_measured(self, needs: Iterable[Need], services: Iterable[ServiceNeed]) -> dict[Any, float]:
        """What packages say of those of which nothing is held yet."""
        known = {package for package, _ in self._held.costs}
        found = {key: ms for need in needs if need.package not in known for key, ms in self._told(need.package).items()}
        for need in services:
            if need.name not in known and (costs := self._told_or_none(need.package)):
                found[need.name, ANY_SIZE] = max(costs.values())
        return found

    def _told_or_none(self, package: str) -> Costs:
        """Empty also where there is no such package: then the service is told so when it asks for it."""
        try:
            return self._told(package)
        except EyespotError:
            return {}

    def _say(self) -> None:
        """Log which cameras are lowered, when those are others than before."""
        plan = [*self._plan.cameras, *self._plan.services]
        lowered = frozenset((item.want.name, item.degraded) for item in plan if item.degraded)
        if lowered != self._lowered:
            self._lowered = lowered
            for item in plan:
                if item.degraded:
                    log.warning("%s: %.1f detections/s of %g: %s", item.want.name, item.rate_hz, item.want.rate_hz,
                                item.reason)  # fmt: skip
            if not lowered:
                log.info("all have the detections they ask for")
