"""A model package for the fake accelerator with two variants, and an inference process that runs it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from eyespot.edge.infer_door import DoorSettings
from eyespot.edge.infer_process import Crash, InferenceProcess
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import inherited_env
from eyespot.testing.tiny_package import write_package

Pair = tuple[InferenceProcess, list[Crash]]
Started = Callable[..., AbstractAsyncContextManager[Pair]]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the package ``means``: the mean of each colour of a picture of 32 × 48 pixels, twice."""
    write_package(tmp_path / "models" / "means")
    return tmp_path / "models"


@pytest.fixture
def started(models: Path, tmp_path: Path) -> Started:
    """Start an inference process; ``fake`` are the fake accelerator's words."""
    run_dir = tmp_path / "run"
    run_dir.mkdir(mode=0o700)

    @asynccontextmanager
    async def start(
        fake: str = "on", doors: DoorSettings | None = None
    ) -> AsyncIterator[tuple[InferenceProcess, list[Crash]]]:
        crashes: list[Crash] = []
        env = {**inherited_env(), "EYESPOT_FAKE_ACCELERATOR": fake}
        process = InferenceProcess(models, run_dir, env, SystemClock(), doors=doors, on_crash=crashes.append)
        stop = asyncio.Event()
        running = asyncio.create_task(process.run(stop))
        try:
            yield process, crashes
        finally:
            stop.set()
            await running

    return start
