"""The planner: its five rules by examples, and what must hold whatever is asked, by chance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.infer.fit.plan import MAX_LOAD, RATE_FLOOR, Assignment, Option, Room, Want, plan


def option(ms: float, resource: str = "cpu", width_px: int = 416, **more: object) -> Option:
    name = f"on-{resource}"
    return Option("net", "int8", name, resource, width_px, 320, ms, **more)  # type: ignore[arg-type]


def one(assignments: list[Assignment], name: str) -> Assignment:
    return next(item for item in assignments if item.want.name == name)


CPU = Room({"cpu": 2.0})


def test_what_fits_is_given_whole() -> None:
    (got,) = plan([Want("a", "net", 40, 1)], [option(20)], CPU)
    assert (got.rate_hz, got.share, got.degraded, got.reason) == (40, 0.4, "", "")


def test_the_resource_that_is_loaded_least_is_taken() -> None:
    (got,) = plan([Want("a", "net", 40, 1)], [option(10), option(15, "npu")], Room({"cpu": 2.0, "npu": 1.0}))
    assert got.option is not None
    assert (got.option.resource, got.share) == ("cpu", 0.2)


def test_the_lower_priority_loses_its_rate_first() -> None:
    wants = [Want("low", "net", 60, 1), Want("high", "net", 60, 2)]
    high, low = plan(wants, [option(20)], CPU)
    assert (high.want.name, high.rate_hz, high.degraded) == ("high", 60, "")
    assert (low.want.name, round(low.rate_hz, 6), low.degraded) == ("low", 20, "rate")
    assert "60 % taken by higher priorities" in low.reason


def test_then_its_resolution() -> None:
    wants = [Want("high", "net", 75, 2), Want("low", "net", 40, 1)]
    got = one(plan(wants, [option(20), option(5, width_px=208)], CPU), "low")
    assert got.option is not None
    assert (got.option.width_px, round(got.rate_hz, 6), got.degraded) == (208, 20, "resolution")
    assert "at a larger size not even 25 %" in got.reason


def test_then_it_is_off() -> None:
    wants = [Want("high", "net", 80, 2), Want("low", "net", 40, 1)]
    got = one(plan(wants, [option(20), option(5, width_px=208)], CPU), "low")
    assert (got.option, got.rate_hz, got.share, got.degraded) == (None, 0, 0, "off")
    assert "less than 25 %" in got.reason


@pytest.mark.parametrize(
    ("count", "rate_hz", "width_px"),
    [(2, 40.0, 416), (4, 20.0, 416), (8, 10.0, 416), (9, 35.6, 208), (32, 10.0, 208)],
)
def test_equals_give_the_same_part(count: int, rate_hz: float, width_px: int) -> None:
    wants = [Want(f"cam{number}", "net", 40, 0) for number in range(count)]
    got = plan(wants, [option(20), option(5, width_px=208)], CPU)
    assert {round(item.rate_hz, 1) for item in got} == {rate_hz}
    assert {item.option.width_px for item in got if item.option} == {width_px}


def test_equals_that_not_even_fit_at_their_smallest_are_served_in_order() -> None:
    wants = [Want(f"cam{number}", "net", 40, 0) for number in range(10)]
    got = plan(wants, [option(20)], CPU)
    assert [item.rate_hz for item in got][:2] == [40, 40]
    assert got[-1].degraded == "off"


def test_equals_divide_what_a_higher_one_leaves() -> None:
    wants = [Want("a", "net", 40, 0), Want("high", "net", 40, 1), Want("b", "net", 20, 0)]
    high, one_low, other_low = plan(wants, [option(20)], CPU)
    assert high.rate_hz == 40
    assert (one_low.rate_hz, other_low.rate_hz) == (pytest.approx(80 / 3, abs=0.01), pytest.approx(40 / 3, abs=0.01))
    assert "40 % taken by higher priorities, and 2 of this one divide the rest" in one_low.reason


def test_memory_counts_and_a_shared_model_counts_once() -> None:
    room = Room({"cpu": 2.0}, memory_bytes=100)
    options = [option(10, memory_bytes=90), option(3, width_px=208, memory_bytes=60)]
    wants = [Want("a", "net", 5, 2), Want("b", "net", 5, 1), Want("c", "other", 5, 0)]
    first, second, third = plan(wants, options, room)
    assert first.option == second.option == options[0]
    assert (third.degraded, third.reason) == ("off", "nothing on this board runs other")
    small = Room({"cpu": 2.0}, memory_bytes=70)
    (got,) = plan([Want("a", "net", 5, 1)], options, small)
    assert (got.option, got.degraded) == (options[1], "resolution")
    assert "memory" in got.reason
    (none,) = plan([Want("a", "net", 5, 1)], options, Room({"cpu": 2.0}, memory_bytes=10))
    assert (none.degraded, none.reason) == ("off", "its model does not fit into the memory left")


OPTIONS = st.lists(
    st.builds(
        option,
        st.floats(0.1, 500),
        st.sampled_from(["cpu", "npu", "absent"]),
        st.sampled_from([208, 320, 416]),
        memory_bytes=st.one_of(st.none(), st.integers(0, 100)),
    ),
    max_size=6,
)
WANTS = st.lists(
    st.builds(
        Want, st.text("abc", min_size=1), st.sampled_from(["net", "other"]), st.floats(0.1, 200), st.integers(-5, 5)
    ),
    max_size=6,
)
ROOMS = st.builds(
    lambda cpu, memory: Room({"cpu": cpu, "npu": 1.0}, memory),
    st.floats(0.5, 16),
    st.one_of(st.none(), st.integers(0, 300)),
)


@given(WANTS, OPTIONS, ROOMS)
def test_nothing_is_promised_twice(wants: list[Want], options: list[Option], room: Room) -> None:
    got = plan(wants, options, room)
    assert sorted(map(repr, (item.want for item in got))) == sorted(map(repr, wants))
    for resource in room.lanes:
        taken = sum(item.share for item in got if item.option and item.option.resource == resource)
        assert taken <= MAX_LOAD + 1e-6
    loaded = {item.option for item in got if item.option}
    if room.memory_bytes is not None:
        assert sum(item.memory_bytes or 0 for item in loaded) <= room.memory_bytes


@given(WANTS, OPTIONS, ROOMS)
def test_rates_and_reasons(wants: list[Want], options: list[Option], room: Room) -> None:
    for item in plan(wants, options, room):
        assert bool(item.reason) == bool(item.degraded)
        if item.option is None:
            assert (item.rate_hz, item.share, item.degraded) == (0, 0, "off")
            continue
        assert item.option in options
        assert item.want.rate_hz * RATE_FLOOR - 1e-6 <= item.rate_hz <= item.want.rate_hz
        lanes = room.lanes[item.option.resource]
        assert abs(item.share - item.rate_hz * item.option.ms / 1000 / lanes) < 1e-9
        assert (item.degraded == "rate") <= (item.rate_hz < item.want.rate_hz)


@given(WANTS, OPTIONS, ROOMS, st.floats(0.1, 200))
def test_a_lower_priority_takes_nothing_from_a_higher(
    wants: list[Want], options: list[Option], room: Room, rate_hz: float
) -> None:
    before = plan(wants, options, room)
    after = plan([*wants, Want("last", "net", rate_hz, -6)], options, room)
    assert after[:-1] == before
