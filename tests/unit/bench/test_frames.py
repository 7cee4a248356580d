"""The readers of `bench frames` on a small view: every frame is counted, and both sides of the comparison are timed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from frames_rig import Rig, running, until

from eyespot.bench.frames_reader import compare_speed, follow
from eyespot.sdk.view_client import ViewClient


async def read(rig: Rig, reading: Any) -> Any:
    """What ``reading`` gives while the camera plays."""
    task = asyncio.create_task(asyncio.to_thread(reading))
    await until(lambda: rig.hub.status()["readers"])
    while not task.done():
        await rig.play(1)
    return await task


@pytest.mark.parametrize("copies", [True, False])
async def test_frames_are_followed(tmp_path: Path, copies: bool) -> None:
    async with running(tmp_path) as rig:
        rig.grant({"name": "door", "width_px": 64, "height_px": 48, "rate_hz": 60})
        rig.begin(400)
        client = await asyncio.to_thread(ViewClient, rig.door(), "door")
        found = await read(rig, lambda: follow(client, 0.5, copies=copies))
        newest = client.ring.newest
        client.close()
    assert 0 < found["frames"] + found["missed"] <= newest
    assert 0 < found["p50_ms"] <= found["p95_ms"]


async def test_speeds_are_compared(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        rig.grant({"name": "door", "width_px": 64, "height_px": 48, "rate_hz": 60})
        rig.begin(400)
        client = await asyncio.to_thread(ViewClient, rig.door(), "door")
        found = await read(rig, lambda: compare_speed(client, 0.2))
        client.close()
    assert found["ring_gb_per_s"] > 0
    assert found["memcpy_gb_per_s"] > 0
