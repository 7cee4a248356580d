"""A local camera of the media process gets its imaging settings, at the beginning of its stream and at a change."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eyespot.edge import media_camera
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.imaging.camera_imaging import CameraImaging
from eyespot.edge.layout import StateLayout
from eyespot.edge.media_process import MediaHost
from eyespot.edge.process import HostProcess
from eyespot.hal.imaging.contract import Control
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.contract import Sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import Clock, SystemClock
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.simulated_imaging import SimulatedImaging


def config(**imaging: Any) -> CameraHostConfig:
    camera = {"id": "cam", "stream": [{"source": "/dev/video0"}], "record": {"mode": "off"}, "imaging": imaging}
    return CameraHostConfig.model_validate({"camera": [camera]})


def a_scene(_source: str, settings: SensorSettings, clock: Clock, _encoders: object) -> Sensor:
    """In the place of the device's pictures."""
    return open_sensor("synthetic:?width=160&height=96", settings, clock)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never happened")


async def test_settings_reach_the_device_and_follow_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = SimulatedImaging()
    monkeypatch.setattr(media_camera, "open_sensor", a_scene)
    monkeypatch.setattr(media_camera, "CameraImaging", lambda camera: CameraImaging(camera, lambda _: device))
    first = config(exposure_mode="manual", exposure=0.02)
    layout = StateLayout.of(tmp_path)
    host = MediaHost(HostProcess("media", tmp_path / "x.toml", layout, first, MemoryBus(), SystemClock()))
    try:
        await host.apply(first)
        await until(lambda: device.read()[Control.EXPOSURE] == pytest.approx(0.02))
        packets = host.cameras()["cam"]["streams"]["main"]["packets"]
        await host.apply(config(exposure_mode="auto", day_night="night", focus=3))
        await until(lambda: device.read()[Control.DAY_NIGHT] == "night")
        await until(lambda: host.cameras()["cam"]["imaging"]["/dev/video0"]["refused"])
        status = host.cameras()["cam"]
        assert status["imaging"]["/dev/video0"]["set"] == {"exposure_mode": "auto", "day_night": "night"}
        assert "focus_mode is auto" in status["imaging"]["/dev/video0"]["refused"]["focus"]
        assert status["state"] == "live"
        assert status["streams"]["main"]["packets"] >= packets
        assert status["counts"]["reconnects"] == 0, "a change of imaging restarts no stream"
    finally:
        await host.switchboard.close()
        await host.end()
        await asyncio.to_thread(host.storage.close)
        host.index.close()
        host.store.close()
