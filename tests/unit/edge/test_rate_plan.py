"""Cameras on lanes: who gives way to whom, what stays off, and what a change of cost does."""

import pytest

from eyespot.edge.rate_plan import Allowed, HeldCosts, Need, allowed, cost_ms, plan_rates

FULL, SMALL = (320, 416), (160, 208)
COSTS = {("net", FULL): 40.0}


def need(camera: str, priority: int = 0, rate_hz: float = 5.0, package: str = "net") -> Need:
    return Need(camera, package, rate_hz, priority, (FULL, SMALL))


def limits(
    needs: list[Need], costs: dict[tuple[str, tuple[int, int]], float], lanes: float = 1.0
) -> dict[str, Allowed]:
    return allowed(plan_rates(needs, costs, lanes).cameras, needs)


def test_what_fits_is_left_alone() -> None:
    assert limits([need("a"), need("b")], COSTS) == {"a": Allowed(5.0), "b": Allowed(5.0)}


def test_the_first_camera_of_a_higher_priority_keeps_its_rate() -> None:
    got = limits([need("low"), need("high", 1), need("other"), need("more")], {("net", FULL): 80.0})
    assert got["high"] == Allowed(5.0, 0, closer=False)
    assert {round(got[name].rate_hz, 2) for name in ("low", "other", "more")} == {1.67}


@pytest.mark.parametrize(
    ("ms", "rate_hz", "step"), [(100.0, 2.0, 0), (160.0, 1.25, 0), (200.0, 4.0, 1), (2000.0, 0.0, 0)]
)
def test_rates_then_resolution_then_off(ms: float, rate_hz: float, step: int) -> None:
    got = limits([need(name) for name in "abcd"], {("net", FULL): ms})
    assert {round(got[name].rate_hz, 2) for name in "bcd"} == {rate_hz}
    assert {got[name].step for name in "bcd"} == {step}


def test_a_machine_on_which_all_is_too_slow_still_looks_now_and_then() -> None:
    got = limits([need("a"), need("b", 1)], {("net", FULL): 40_000.0})
    assert got == {"b": Allowed(pytest.approx(0.08), 1, closer=False), "a": Allowed(0.0, 0, closer=False)}


def test_guests_take_their_part() -> None:
    assert limits([need("a", rate_hz=20)], COSTS, lanes=0.5)["a"].rate_hz == 10.0


def test_what_nobody_knows_is_not_limited() -> None:
    assert plan_rates([need("a", package="new")], COSTS, 1.0).cameras == []


def test_costs_of_other_sizes_go_by_pixels() -> None:
    assert cost_ms("net", SMALL, COSTS) == 10.0


def test_held_costs_ignore_what_is_small_or_short() -> None:
    held = HeldCosts()
    assert held.update({("net", FULL): 40.0, ("net", SMALL): 12.0})
    assert not held.update({("net", FULL): 49.0})
    assert not held.update({("net", FULL): 90.0})
    assert not held.update({("net", FULL): 41.0})
    assert [held.update({("net", FULL): ms}) for ms in (80.0, 90.0, 80.0)] == [False, False, True]
    assert held.costs == {("net", FULL): 80.0, ("net", SMALL): 24.0}, "what slows down one size slows down all"
    assert [held.update({("net", FULL): 40.0}) for _ in range(3)] == [False, False, True], "and back"
