"""The acting part: it plans when something changed, tells the cameras, and says what it did."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from eyespot.edge.rate_plan import Allowed, Need, Size
from eyespot.edge.rate_planner import RatePlanner

FULL = (320, 416)


@dataclass
class Camera:
    name: str
    priority: int = 0
    moving: bool = True
    allowed: list[Allowed] = field(default_factory=list)

    def need(self) -> Need | None:
        return Need(self.name, "net", 5.0, self.priority, (FULL,)) if self.moving else None

    def allow(self, limit: Allowed) -> None:
        self.allowed.append(limit)


class Rig:
    def __init__(self, *cameras: Camera, told_ms: float = 40.0) -> None:
        self.measured: dict[tuple[str, Size], float] = {}
        self.planner = RatePlanner(lambda: cameras, lambda: self.measured, lambda _: {("net", FULL): told_ms}, 1.0)


def test_packaged_figures_first_then_what_is_measured() -> None:
    high, low = Camera("high", 1), Camera("low")
    rig = Rig(high, low)
    rig.planner.look()
    assert (high.allowed[-1].rate_hz, low.allowed[-1].rate_hz) == (5.0, 5.0)
    rig.measured = {("net", FULL): 120.0}
    for _ in range(3):
        rig.planner.look()
    assert high.allowed[-1].rate_hz == 5.0
    assert round(low.allowed[-1].rate_hz, 2) == 1.67
    said = rig.planner.status()["cameras"]["low"]
    assert (said["wanted_hz"], said["degraded"], said["run_ms"]) == (5.0, "rate", 120.0)
    assert "taken by higher priorities" in said["reason"]
    rig.measured = {("net", FULL): 30.0}
    for _ in range(3):
        rig.planner.look()
    assert low.allowed[-1] == Allowed(5.0), "the load has gone"


def test_quiet_cameras_leave_their_room_to_the_others() -> None:
    one, other = Camera("one"), Camera("other")
    rig = Rig(one, other, told_ms=160.0)
    rig.planner.look()
    assert round(one.allowed[-1].rate_hz, 2) == 2.5
    other.moving = False
    rig.planner.look()
    assert one.allowed[-1] == Allowed(5.0)
    plans = rig.planner.plans
    rig.planner.look()
    assert rig.planner.plans == plans, "nothing changed"


async def test_shares_are_told_as_planned() -> None:
    stop, told = asyncio.Event(), []

    async def share(parts: Mapping[str, float]) -> None:
        told.append(dict(parts))
        stop.set()

    cameras = [Camera("one"), Camera("other", 1)]
    planner = RatePlanner(lambda: cameras, lambda: {("net", FULL): 120.0}, lambda _: {}, 1.0, share)
    await planner.run(stop)
    assert [{name: round(part, 2) for name, part in parts.items()} for parts in told] == [{"one": 0.2, "other": 0.6}]
