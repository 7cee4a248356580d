"""How long each engine takes from being told until the service's first line of output, in milliseconds.

The same program everywhere: Python that prints a line, without the SDK. Inline it is a function that says one. Its
storage is there already, as at every start but the first.
"""

import asyncio
import tempfile
from collections.abc import Iterable
from pathlib import Path

from eyespot.edge.services.engines.contract import Budget, Engine, InlineContext, Launch, Running, UidRange
from eyespot.kernel.clock import NS_PER_MS, Clock

FIRST_UID = 2_145_000_000
LOOK_S, STOP_S = 0.0005, 2.0
_BUDGET = Budget(cpu=1.0, memory_mb=64, disk_mb=16)
_SAYS = ("python3", "-c", "print('up', flush=True); import time; time.sleep(60)")


async def start_times(engines: Iterable[Engine], clock: Clock, starts: int) -> dict[str, list[float]]:
    """Engine → milliseconds of each of ``starts`` starts; an engine that does not work here is left out."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for engine in engines:
            try:
                if (await engine.available()).works:
                    await _start(engine, folder / engine.name, clock)  # makes its storage, and an image
                    found[engine.name] = [await _start(engine, folder / engine.name, clock) for _ in range(starts)]
            finally:
                await asyncio.to_thread(engine.close)
    return found


async def _start(engine: Engine, folder: Path, clock: Clock) -> float:
    code, run = folder / "code", folder / "run"
    for made in (code, run):
        made.mkdir(parents=True, exist_ok=True)
    uids = UidRange(FIRST_UID)
    launch = Launch(f"bench-{engine.name}", _SAYS, code, folder / "scratch", run, _BUDGET, uids, entry=_say)
    begin_ns = clock.monotonic_ns()
    running = await engine.start(launch)
    took_ms = await _first_line(running, clock, begin_ns)
    await running.stop(STOP_S)
    return took_ms


async def _first_line(running: Running, clock: Clock, begin_ns: int) -> float:
    ended = asyncio.ensure_future(running.wait())
    while not running.logs.lines() and not ended.done():
        await clock.sleep(LOOK_S)
    ended.cancel()
    return (clock.monotonic_ns() - begin_ns) / NS_PER_MS


def _say(context: InlineContext) -> int:
    context.log("up")
    context.stop.wait()
    return 0
