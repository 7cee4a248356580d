"""Starts of engines are timed to the first line of output."""

import shutil

from eyespot.bench.services_start import start_times
from eyespot.edge.services.engines.contract import Engine
from eyespot.edge.services.engines.inline import InlineEngine
from eyespot.edge.services.engines.process import ProcessEngine
from eyespot.kernel.clock import SystemClock


async def test_each_engine_that_works_is_timed() -> None:
    clock = SystemClock()
    engines: list[Engine] = [InlineEngine(clock), ProcessEngine(clock)]
    found = await start_times(engines, clock, 2)
    assert set(found) == ({"inline", "process"} if shutil.which("bwrap") else {"inline"})
    assert all(len(times) == 2 and min(times) > 0 for times in found.values())
