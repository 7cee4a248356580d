"""Services in the host's plan: below cameras unless the owner says otherwise, within their share, heard and obeyed."""

import asyncio
from collections.abc import Mapping

import pytest

from eyespot.bus import subjects
from eyespot.contracts.status import StatusMessage
from eyespot.edge.api.notes import _services_lowered
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.rate_plan import Allowed, Need, RatePlan, allowed, plan_rates
from eyespot.edge.rate_planner import RatePlanner
from eyespot.edge.service_needs import FRESH_S, ServiceNeeds
from eyespot.edge.service_plan import ANY_SIZE, LAST, ServiceNeed, ServicesPlace, told_of_services
from eyespot.edge.services.inference.allowance import Allowance
from eyespot.edge.services.inference.planned import PlanFollower
from eyespot.infer.fit.plan import MAX_LOAD
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.sim_clock import SimClock, settle

FULL = (320, 416)
COUNTER = ServiceNeed("counter", "net", 10.0, 0.5)
RUN_50_MS = {(COUNTER.name, ANY_SIZE): 50.0}


def camera(name: str, rate_hz: float = 5.0, priority: int = 0) -> Need:
    return Need(name, "net", rate_hz, priority, (FULL,))


def planned(run_ms: float, *cameras: Need, place: ServicesPlace = LAST, lanes: float = 1.0) -> RatePlan:
    return plan_rates(cameras, {("net", FULL): run_ms, **RUN_50_MS}, lanes, [COUNTER], place)


def rates(plan: RatePlan) -> dict[str, float]:
    return {item.want.name: round(item.rate_hz, 2) for item in (*plan.cameras, *plan.services)}


def test_what_fits_is_left_alone_and_counted() -> None:
    plan = planned(60.0, camera("a"))
    assert rates(plan) == {"a": 5.0, "counter/net": 10.0}
    assert plan.load == pytest.approx(0.3 + 0.5)


def test_services_have_what_cameras_leave() -> None:
    plan = planned(60.0, camera("a"), camera("b"))
    assert rates(plan) == {"a": 5.0, "b": 5.0, "counter/net": 4.0}
    assert "taken by higher priorities" in plan.services[0].reason
    full = planned(60.0, *(camera(name) for name in "abcd"))
    assert rates(full)["counter/net"] == 0.0
    assert full.services[0].degraded == "off"
    assert rates(full)["a"] == 3.33, "as without services"


def test_the_owner_may_say_that_services_come_first_or_are_equal() -> None:
    cameras = [camera(name) for name in "abcd"]
    first = rates(planned(60.0, *cameras, place=ServicesPlace(1)))
    assert (first["counter/net"], first["a"]) == (10.0, 1.25)
    equal = rates(planned(60.0, *cameras, place=ServicesPlace(0)))
    assert equal["counter/net"] / 10 == pytest.approx(equal["a"] / 5, rel=0.01)


def test_a_lane_of_their_own_takes_nothing_from_cameras() -> None:
    plan = planned(60.0, *(camera(name) for name in "abcd"), place=ServicesPlace(own_lane=True))
    assert rates(plan) == {**dict.fromkeys("abcd", 3.33), "counter/net": 10.0}
    assert plan.load == pytest.approx(MAX_LOAD)


def test_a_service_is_planned_with_what_its_share_has_time_for() -> None:
    two = [ServiceNeed("counter", "net", 10.0, 0.2), ServiceNeed("counter", "other", 10.0, 0.2)]
    plan = plan_rates([], {(two[0].name, ANY_SIZE): 50.0, (two[1].name, ANY_SIZE): 30.0}, 2.0, two)
    assert rates(plan) == {"counter/net": 2.5, "counter/other": 2.5}
    assert plan.load == pytest.approx(0.1), "its share is of one lane, and there are two"
    assert not any(item.degraded for item in plan.services)


def test_what_has_not_run_yet_and_tells_nothing_is_not_limited() -> None:
    assert plan_rates([camera("a")], {("net", FULL): 60.0}, 1.0, [COUNTER]).services == []


def test_where_everything_is_too_slow_the_foremost_camera_comes_before_services() -> None:
    plan = planned(40_000.0, camera("a"))
    assert rates(plan) == {"a": 0.02, "counter/net": 0.0}
    assert "a needs all" in plan.services[0].reason
    first = planned(40_000.0, camera("a"), place=ServicesPlace(1))
    assert rates(first)["counter/net"] == 10.0
    assert first.cameras[0].share == pytest.approx(0.3)


def test_closer_looks_of_cameras_do_not_give_way_to_services() -> None:
    needs = [camera("a"), camera("b")]
    plan = planned(60.0, *needs)
    assert plan.services[0].degraded
    assert allowed(plan.cameras, needs)["a"] == Allowed(5.0)


def test_where_services_stand_is_the_owners_word() -> None:
    document = {"camera": [], "vision": {"inference": "process"}}
    assert ServicesPlace.of(CameraHostConfig.model_validate(document)) == LAST
    document["inference"] = {"services_priority": 3}
    assert ServicesPlace.of(CameraHostConfig.model_validate(document)) == ServicesPlace(3)
    assert ServicesPlace.of(CameraHostConfig()).own_lane


class Camera:
    def __init__(self, name: str) -> None:
        self.name = name
        self.limit: Allowed | None = None

    def need(self) -> Need | None:
        return camera(self.name)

    def allow(self, limit: Allowed) -> None:
        self.limit = limit


def test_a_grant_that_changes_is_planned_anew_and_costs_are_measured() -> None:
    granted: list[ServiceNeed] = []
    measured = {("net", FULL): 60.0}
    planner = RatePlanner(
        lambda: [Camera("a"), Camera("b")], lambda: measured, lambda _: {("net", FULL): 40.0}, 1.0, None,
        lambda: granted,
    )  # fmt: skip
    planner.look()
    assert (planner.plans, planner.status()["services"]) == (1, {})
    granted.append(COUNTER)
    planner.look()
    said = planner.status()["services"]["counter"]["net"]
    assert (planner.plans, said["rate_hz"], said["run_ms"]) == (2, 5.0, 40.0), "as its package says at first"
    assert said["priority"] is None
    assert next(note.what for note in _services_lowered(planner.status())).startswith(
        "Service counter has 5 runs of net"
    )
    measured |= RUN_50_MS
    for _ in range(3):
        planner.look()
    assert planner.status()["services"]["counter"]["net"]["rate_hz"] == 5.0, "little differs, so nothing flutters"
    measured[COUNTER.name, ANY_SIZE] = 80.0
    for _ in range(3):
        planner.look()
    assert planner.status()["services"]["counter"]["net"]["rate_hz"] == 2.5
    granted[0] = ServiceNeed("counter", "net", 1.0, 0.5)
    planner.look()
    assert planner.status()["services"]["counter"]["net"]["degraded"] == ""
    granted.clear()
    planner.look()
    assert planner.status()["services"] == {}


def test_a_model_that_is_not_there_does_not_end_the_planner() -> None:
    def told(package: str) -> Mapping[tuple[str, tuple[int, int]], float]:
        raise EyespotError(Kind.NOT_FOUND, f"There is no {package}.")

    planner = RatePlanner(list, dict, told, 1.0, None, lambda: [COUNTER])
    planner.look()
    assert planner.status()["services"] == {}


async def test_an_allowance_is_held_to_the_plan_until_the_plan_lets_go() -> None:
    clock = SimClock()
    allowance = Allowance("counter", {"net": 10.0}, 0.5, clock)
    allowance.plan({"net": 2.0, "unknown": 1.0})
    allowance.ask("net")
    allowance.ask("net")
    with pytest.raises(
        EyespotError, match=r"plan leaves counter 2 runs of net a second. Ask again in 0.50 s"
    ) as raised:
        allowance.ask("net")
    assert raised.value.kind is Kind.THROTTLED
    allowance.plan({"net": 2.0})
    with pytest.raises(EyespotError):
        allowance.ask("net")
    assert allowance.status()["models"] == {"net": {"rate_hz": 10.0, "runs": 0, "planned_hz": 2.0}}
    allowance.plan({"net": 0.0})
    with pytest.raises(EyespotError, match="leaves counter 0 runs"):
        allowance.ask("net")
    allowance.plan({})
    allowance.ask("net")
    allowance.ran("net", 40_000_000)
    allowance.ran("net", 80_000_000)
    assert allowance.granted() == {"share": 0.5, "models": {"net": {"rate_hz": 10.0, "run_ms": 50.0}}}


def message(role: str, totals: Mapping[str, object]) -> bytes:
    report = {"role": role, "pid": 1, "wall_ns": 0, "uptime_s": 0.0, "totals": totals}
    return StatusMessage.model_validate(report).model_dump_json().encode()


async def test_vision_hears_what_was_granted_and_forgets_services_that_fell_silent() -> None:
    bus, clock, stop = MemoryBus(), SimClock(), asyncio.Event()
    needs = ServiceNeeds(bus, clock)
    running = asyncio.create_task(needs.run(stop))
    await settle()
    models = {"net": {"rate_hz": 10.0, "run_ms": 50.0}, "other": {"rate_hz": 1.0, "run_ms": None}}
    granted = {"counter": {"share": 0.5, "models": models}}
    await bus.publish(subjects.status("services"), message("services", {"inference": {"granted": granted}}))
    await settle()
    assert needs.needs() == (COUNTER, ServiceNeed("counter", "other", 1.0, 0.5))
    assert needs.costs() == RUN_50_MS
    await bus.publish(subjects.status("services"), message("services", {"inference": {"granted": {"x": {}}}}))
    await bus.publish(subjects.status("services"), b"{}")
    await settle()
    assert len(needs.needs()) == 2, "what does not parse is passed over"
    await clock.advance(FRESH_S + 1)
    assert (needs.needs(), needs.costs()) == ((), {})
    await bus.publish(subjects.status("services"), message("services", {"inference": {}}))
    await settle()
    assert needs.needs() == ()
    stop.set()
    await running


async def test_the_services_process_hears_the_plan_and_lets_go_when_vision_falls_silent() -> None:
    bus, clock, stop = MemoryBus(), SimClock(), asyncio.Event()
    heard: list[Mapping[str, Mapping[str, float]]] = []
    running = asyncio.create_task(PlanFollower(bus, clock, heard.append).run(stop))
    await settle()
    both = planned(60.0, camera("a"), camera("b"))
    await bus.publish(
        subjects.status("vision"), message("vision", {"plan": {"services": told_of_services(both.services)}})
    )
    await settle()
    assert heard == [{"counter": {"net": 4.0}}]
    fits = planned(60.0, camera("a"))
    await bus.publish(
        subjects.status("vision"), message("vision", {"plan": {"services": told_of_services(fits.services)}})
    )
    await settle()
    assert heard[1:] == [{"counter": {}}], "who has what was granted is not held to it"
    for _ in range(8):
        await clock.advance(2.0)
        await settle()
    assert heard[-1] == {}
    stop.set()
    await clock.advance(2.0)
    await running
