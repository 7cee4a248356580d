"""Silence, rest and failure by a simulated clock."""

from eyespot.contracts.service_bus import Beat
from eyespot.edge.services.bucket import Bucket
from eyespot.edge.services.health import DEATHS, FIRST_BEAT_S, SETTLED_S, SILENT_S, WINDOW_S, Health
from eyespot.testing.sim_clock import SimClock

BEAT = Beat(version="1.0.0", uptime_s=0)


async def test_one_that_starts_is_given_more_time_than_one_that_was_heard() -> None:
    clock = SimClock()
    health = Health(clock)
    health.begin()
    await clock.advance(FIRST_BEAT_S - 1)
    assert health.silent_s == 0
    health.heard(BEAT)
    await clock.advance(SILENT_S - 1)
    assert health.silent_s == 0
    await clock.advance(2)
    assert health.silent_s > SILENT_S


async def test_rests_grow_and_the_fifth_death_is_the_last() -> None:
    clock = SimClock()
    health = Health(clock)
    assert [health.died() for _ in range(DEATHS)] == [0.5, 1.0, 2.0, 4.0, None]
    health = Health(clock)
    for _ in range(20):
        assert health.died() == 0.5
        await clock.advance(WINDOW_S + 1)


async def test_a_version_settles_after_half_a_minute_of_beats() -> None:
    clock = SimClock()
    health = Health(clock)
    health.begin()
    await clock.advance(SETTLED_S * 2)
    assert not health.settled
    health.heard(BEAT)
    await clock.advance(SETTLED_S + 1)
    assert health.settled


async def test_a_bucket_lets_a_seconds_worth_through_at_once() -> None:
    clock = SimClock()
    bucket = Bucket(10, clock)
    assert [bucket.take(1) for _ in range(10)] == [0] * 10
    assert bucket.take(1) > 0
    assert bucket.take(4) == 0.5
    await clock.advance(60)
    assert bucket.take(10) == 0
    assert bucket.take(1) > 0
