"""The rule of growing waits, in simulated time."""

import pytest

from eyespot.edge.api.throttle import LoginThrottle, address_key
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.sim_clock import SimClock


async def test_each_failure_beyond_three_doubles_the_wait_up_to_five_minutes() -> None:
    clock = SimClock()
    throttle = LoginThrottle(clock)
    waits = []
    for _ in range(16):
        waits.append(throttle.wait_s("owner", "198.51.100.7"))
        await clock.advance(waits[-1])
        throttle.begin("owner", "198.51.100.7")
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]


async def test_an_attempt_too_early_is_refused_and_not_counted() -> None:
    clock = SimClock()
    throttle = LoginThrottle(clock)
    for _ in range(4):
        await clock.advance(throttle.wait_s("owner", "a"))
        throttle.begin("owner", "a")
    for _ in range(100):
        with pytest.raises(EyespotError) as refused:
            throttle.begin("owner", "a")
        assert refused.value.kind is Kind.THROTTLED
    assert throttle.wait_s("owner", "a") == 2


async def test_success_and_quiet_forgive() -> None:
    clock = SimClock()
    throttle = LoginThrottle(clock)
    for _ in range(3):
        throttle.begin("owner", "a")
    throttle.succeeded("owner", "a")
    assert throttle.wait_s("owner", "a") == 0
    for _ in range(3):
        throttle.begin("owner", "a")
    assert throttle.wait_s("owner", "a") == 1
    await clock.advance(3601)
    assert throttle.wait_s("owner", "a") == 0


async def test_one_address_trying_many_accounts_is_held_to_one_a_second() -> None:
    clock = SimClock()
    throttle = LoginThrottle(clock)
    for number in range(10):
        throttle.begin(f"user{number}", "a")
    assert throttle.wait_s("somebody", "a") == 1
    assert throttle.wait_s("somebody", "b") == 0, "others elsewhere are not affected"


def test_ipv6_neighbours_count_as_one() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:2")
    assert address_key("2001:db8:0:1::1") != address_key("2001:db8:0:2::1")
    assert address_key("::ffff:198.51.100.7") == "198.51.100.7"
    assert address_key("fe80::1%eth0") == address_key("fe80::2%eth1")
    assert len(address_key("x" * 500)) == 64


def test_the_counters_are_bounded() -> None:
    throttle = LoginThrottle(SimClock())
    for number in range(20_000):
        throttle.begin(f"user{number}", f"198.51.{number // 250}.{number % 250}")
    assert len(throttle._failures) <= 8192
