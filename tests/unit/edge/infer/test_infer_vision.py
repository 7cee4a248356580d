"""Vision with models in the inference process: the same detections, and a crash that is an event and costs no more."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraHostConfig, VisionSettings
from eyespot.edge.config_restart import waiting_for_restart
from eyespot.edge.detector import Asked, Detectors
from eyespot.edge.infer_vision import Inference, doors_of
from eyespot.edge.layout import StateLayout
from eyespot.edge.process import HostProcess
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError
from eyespot.testing.memory_bus import MemoryBus


def _config(**sections: object) -> CameraHostConfig:
    return validate(CameraHostConfig, sections, "test")


def test_the_doors_are_closed_by_default() -> None:
    assert not doors_of(CameraHostConfig()).wanted
    doors = doors_of(_config(inference={"grpc_port": 8471}))
    assert (doors.rest_port, doors.grpc_port) == (None, 8471)
    with pytest.raises(EyespotError, match="must differ"):
        _config(inference={"rest_port": 8471, "grpc_port": 8471})
    assert waiting_for_restart(CameraHostConfig(), _config(inference={"rest_port": 1})) == ["inference.rest_port"]


@pytest.mark.footage
async def test_detections_are_the_same_and_survive_a_kill(model_dir: Path, tmp_path: Path) -> None:
    config = _config(vision={"inference": "process", "models": str(model_dir)})
    layout = StateLayout.of(tmp_path)
    layout.run_dir.mkdir(mode=0o700)
    told: asyncio.Queue[Event] = asyncio.Queue(4)
    process = HostProcess("vision", tmp_path / "c.toml", layout, config, MemoryBus(), SystemClock())
    inference = Inference(process, told.put_nowait)
    here = Detectors(model_dir, VisionSettings()).get("nanodet-g", 4 / 3)
    there = Detectors(model_dir, config.vision, inference.open_one).get("nanodet-g", 4 / 3)
    picture = np.random.default_rng(7).integers(0, 255, (*here.input_px, 3), np.uint8)
    asked = Asked(1, 4 / 3)
    for round_ in range(2):
        mine, other = await here.detect(picture, asked), await there.detect(picture, asked)
        np.testing.assert_array_equal(mine.boxes, other.boxes)
        np.testing.assert_array_equal(mine.scores, other.scores)
        assert there.reason == here.reason
        if not round_:
            os.kill(inference.status()["pid"], signal.SIGKILL)
            event = await told.get()
            assert (event.camera, event.kind, event.label) == ("host", "process", "inference")
            assert event.detail["exit"] == "signal KILL"
    here.close()
    await asyncio.to_thread(there.close)
    await inference.stop()
    assert inference.status()["state"] == "stopped"
