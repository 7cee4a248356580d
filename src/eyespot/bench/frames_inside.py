"""The part of `bench frames` inside services: the SDK's own handler, confined as each engine that works here does."""

import asyncio
import json
from pathlib import Path
from statistics import median

import numpy as np

from eyespot.bench.services_host import Rig, hosting
from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.contracts.service import Host
from eyespot.edge.services.engines.chooser import known
from eyespot.kernel.clock import SystemClock

TIMER = Path(__file__).with_name("frames_timer")
ENGINES: tuple[Host, ...] = ("container", "process")
SETTLE_S, ANSWER_S = 3.0, 10.0


def inside(clip: Path, folder: Path, window_s: float, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Engine → the figures of each round, of those of ``ENGINES`` that work here; the most confining first.

    Figures: ``p50_ms`` and ``p95_ms`` from whole in the ring to the handler, ``capture_p50_ms``, and ``frames``.
    Raises ``UNAVAILABLE`` when the host or a service does not come up.
    """
    found: dict[str, list[dict[str, float]]] = {}
    with hosting(clip, folder) as rig:
        working = asyncio.run(_working(folder))
        for engine in (engine for engine in ENGINES if engine in working):
            name = rig.install_on(TIMER, engine)
            rig.run_only([name], SETTLE_S)
            found[engine] = [asyncio.run(_window(rig, name, window_s)) for _ in range(rounds)]
            rig.run_only([], 0.0)
    return found


async def _working(folder: Path) -> set[str]:
    engines = known(SystemClock(), folder)
    try:
        return {engine.name for engine in engines if (await engine.available()).works}
    finally:
        for engine in engines:
            await asyncio.to_thread(engine.close)


async def _window(rig: Rig, name: str, seconds: float) -> dict[str, float]:
    """What the service noted in ``seconds``, in milliseconds."""
    bus = await connect(rig.run_dir, "api")
    try:
        await bus.request(subjects.service_request(name, "figures"), b"null", ANSWER_S)
        await asyncio.sleep(seconds)
        noted = json.loads(await bus.request(subjects.service_request(name, "figures"), b"null", ANSWER_S))
    finally:
        await bus.close()
    return {
        "p50_ms": round(median(noted["beyond_ms"]), 3),
        "p95_ms": round(float(np.percentile(noted["beyond_ms"], 95)), 3),
        "capture_p50_ms": round(median(noted["capture_ms"]), 1),
        "frames": len(noted["beyond_ms"]),
    }
