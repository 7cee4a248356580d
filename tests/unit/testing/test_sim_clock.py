"""Simulated time passes only when told, and wakes sleepers in order."""

import asyncio

from eyespot.kernel.clock import NS_PER_S
from eyespot.testing.sim_clock import SimClock


async def test_sleepers_wake_in_order_at_their_own_time() -> None:
    clock = SimClock()
    start_ns = clock.monotonic_ns()
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, *naps: float) -> None:
        for nap in naps:
            await clock.sleep(nap)
            woken.append((name, (clock.monotonic_ns() - start_ns) / NS_PER_S))

    tasks = [asyncio.create_task(sleeper("a", 5, 600)), asyncio.create_task(sleeper("b", 1, 1, 1))]
    await clock.advance(4)
    assert woken == [("b", 1.0), ("b", 2.0), ("b", 3.0)]
    assert clock.sleeping == 1
    await clock.advance(1000)
    assert woken[3:] == [("a", 5.0), ("a", 605.0)]
    assert clock.monotonic_ns() - start_ns == 1004 * NS_PER_S
    await asyncio.gather(*tasks)


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = SimClock()
    task = asyncio.create_task(clock.sleep(1))
    await clock.advance(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await clock.advance(2)
    assert clock.sleeping == 0


async def test_the_wall_may_jump_while_monotonic_time_stays() -> None:
    clock = SimClock()
    before = (clock.monotonic_ns(), clock.wall_ns())
    clock.jump_wall(-3600)
    assert clock.monotonic_ns() == before[0]
    assert clock.wall_ns() == before[1] - 3600 * NS_PER_S
    await clock.sleep(0)
    await clock.advance(1)
    assert clock.wall_ns() == before[1] - 3599 * NS_PER_S
