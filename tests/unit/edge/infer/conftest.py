"""A model package for the fake accelerator with two variants, and an inference process that runs it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from eyespot.edge.infer_door import DoorSettings
from eyespot.edge.infer_process import Crash, InferenceProcess
from eyespot.infer.package import Input, ModelDocument, Variant
from eyespot.infer.zoo.document import to_toml
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import inherited_env

Pair = tuple[InferenceProcess, list[Crash]]
Started = Callable[..., AbstractAsyncContextManager[Pair]]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with the package ``means``: the mean of each colour of a picture of 32 × 48 pixels, twice."""
    folder = tmp_path / "models" / "means"
    folder.mkdir(parents=True)
    graph = {
        "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, 32, 48, 3]}],
        "outputs": [
            {"name": "mean", "dtype": "float32", "shape": [1, 3]},
            {"name": "again", "dtype": "float32", "shape": [2, 3]},
        ],
    }
    data = json.dumps(graph).encode()
    variants = []
    for name in ("first", "second"):
        (folder / f"{name}.fake").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        variants.append(Variant(name=name, file=f"{name}.fake", sha256=digest, size_bytes=len(data)))
    document = ModelDocument(
        format=1, name="means", task="detection", head="nanodet", labels=("person", "car"), licence="own",
        input=Input(width_px=48, height_px=32), variants=tuple(variants),
    )  # fmt: skip
    (folder / "model.toml").write_text(to_toml(document))
    return folder.parent


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
