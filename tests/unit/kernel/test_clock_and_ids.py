"""Time and names."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.kernel.clock import NS_PER_S, SystemClock, from_seconds, seconds
from eyespot.kernel.ids import is_slug, new_id


async def test_the_system_clock_goes_on_and_sleeps() -> None:
    clock = SystemClock()
    before_ns = clock.monotonic_ns()
    await clock.sleep(0.01)
    await asyncio.wait_for(clock.sleep(-5), 5)
    assert clock.monotonic_ns() - before_ns >= 0.009 * NS_PER_S
    assert clock.wall_ns() > 1_700_000_000 * NS_PER_S


def test_seconds_and_back() -> None:
    assert from_seconds(1.5) == 1_500_000_000
    assert seconds(from_seconds(0.25)) == 0.25


@given(st.integers(0, 1 << 62), st.integers(0, 1 << 62))
def test_ids_sort_by_time_and_never_meet(a_ns: int, b_ns: int) -> None:
    a, b = new_id(a_ns), new_id(b_ns)
    assert len(a) == 26
    assert a != b
    if a_ns // 1_000_000 < b_ns // 1_000_000:
        assert a < b


@pytest.mark.parametrize("name", ["a", "yard", "cam-1", "a_b", "x" * 64])
def test_names_people_may_choose(name: str) -> None:
    assert is_slug(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a b", "a/b", "..", "é", "a.b", "x" * 65, "a\n"])
def test_names_that_are_not_safe(name: str) -> None:
    assert not is_slug(name)
