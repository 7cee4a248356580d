"""Services with a life of their own."""

import asyncio
from typing import Any

from eyespot.edge.running import AGAIN_S, Running
from eyespot.kernel.errors import unavailable
from eyespot.testing.sim_clock import SimClock, settle


class Flaky:
    """Fails a told number of times, each time in another way, then runs until it is stopped."""

    name = "flaky"

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.runs = 0
        self.ended = False

    async def run(self, stop: asyncio.Event) -> None:
        self.runs += 1
        if self.left:
            self.left -= 1
            raise unavailable("It is not there yet.") if self.left % 2 else ValueError("a defect")
        await stop.wait()
        self.ended = True

    def status(self) -> dict[str, Any]:
        return {}


async def test_a_service_that_fails_runs_again_after_a_pause() -> None:
    clock, service = SimClock(), Flaky(2)
    running = Running(service, clock)
    await settle()
    assert (service.runs, running.failures) == (1, 1)
    await clock.advance(AGAIN_S / 2)
    assert service.runs == 1
    await clock.advance(AGAIN_S / 2)
    await clock.advance(AGAIN_S)
    assert (service.runs, running.failures) == (3, 2)
    await running.stop()
    assert service.ended


async def test_one_that_shall_not_run_again_stays_down() -> None:
    clock, service = SimClock(), Flaky(1)
    running = Running(service, clock, again=False)
    await clock.advance(10 * AGAIN_S)
    assert (service.runs, running.failures) == (1, 1)
    await running.stop()
    assert not service.ended
