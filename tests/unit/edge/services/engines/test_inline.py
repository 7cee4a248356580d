"""The inline engine: what holds for a thread. What cannot hold there is said in its module and not tested."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from eyespot.edge.services.engines.contract import InlineContext, Launch
from eyespot.edge.services.engines.inline import InlineEngine
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind

Launcher = Callable[..., Launch]


@pytest.fixture
def engine() -> InlineEngine:
    return InlineEngine(SystemClock())


def polite(context: InlineContext) -> int:
    context.log(f"ready {context.env['COLOUR']} {(context.code / 'main.py').exists()}")
    context.stop.wait()
    (context.scratch / "mine").touch()
    return 3


async def test_runs_until_it_is_asked_to_end(engine: InlineEngine, launch: Launcher) -> None:
    running = await engine.start(launch("", entry=polite, env={"COLOUR": "green"}))
    assert (running.usage().pids, running.identity.pid, running.identity.uid) == (1, os.getpid(), os.geteuid())
    assert (await running.stop(60.0)).status == 3
    assert running.logs.lines() == ["ready green True"]
    assert (running.usage().pids, (await running.wait()).status) == (0, 3)


async def test_a_failure_is_an_exit_status_with_its_reason(engine: InlineEngine, launch: Launcher) -> None:
    def broken(_: InlineContext) -> int:
        raise SystemExit("no such luck")

    running = await engine.start(launch("", entry=broken))
    assert (await running.wait()).status == 1
    assert running.logs.lines()[-1] == "SystemExit: no such luck"


async def test_one_that_does_not_end_is_told(engine: InlineEngine, launch: Launcher) -> None:
    import threading

    release = threading.Event()

    def stubborn(_: InlineContext) -> int:
        release.wait()
        return 0

    running = await engine.start(launch("", entry=stubborn))
    with pytest.raises(EyespotError) as caught:
        await running.kill()
    assert (caught.value.kind, "restart" in caught.value.todo.lower()) == (Kind.UNAVAILABLE, True)
    release.set()
    assert (await running.wait()).status == 0


async def test_output_is_bounded(engine: InlineEngine, launch: Launcher) -> None:
    def flood(context: InlineContext) -> int:
        for _ in range(100):
            context.log("x" * 1023)
        return 0

    prepared = launch("", entry=flood)
    running = await engine.start(replace(prepared, budget=replace(prepared.budget, log_kb_per_min=8)))
    await running.wait()
    assert (running.logs.kept_bytes, running.breaches()) == (8 << 10, {"log": 92 << 10})


async def test_runs_nothing_that_is_not_built_in(engine: InlineEngine, launch: Launcher) -> None:
    with pytest.raises(EyespotError) as caught:
        await engine.start(launch("pass"))
    assert caught.value.kind is Kind.INVALID
