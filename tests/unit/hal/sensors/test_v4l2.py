"""What can be known of devices without one: wishes, and plain words about what is wrong."""

from pathlib import Path

import pytest

from eyespot.hal.sensors.settings import SensorSettings
from eyespot.hal.sensors.v4l2 import V4l2Sensor, check_device, device_options
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


async def test_a_missing_device_may_be_plugged_in_later() -> None:
    sensor = V4l2Sensor("/dev/video-none", SensorSettings(), SystemClock())
    with pytest.raises(EyespotError, match="no camera at /dev/video-none") as error:
        await anext(sensor.units())
    assert error.value.kind is Kind.UNAVAILABLE
    assert sensor.name == "device /dev/video-none"


def test_what_is_no_device_is_said(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.write_bytes(b"")
    with pytest.raises(EyespotError, match="not a camera device") as error:
        check_device(str(path))
    assert error.value.kind is Kind.INVALID


async def test_a_device_that_is_no_camera_gives_no_picture() -> None:
    sensor = V4l2Sensor("/dev/null", SensorSettings(), SystemClock())
    with pytest.raises(EyespotError, match="gives no picture") as error:
        await anext(sensor.units())
    assert error.value.kind is Kind.UNAVAILABLE


def test_wishes_become_options() -> None:
    wishes = SensorSettings(fps=12.5, width_px=1280, height_px=720)
    options = device_options(wishes, "h264")
    assert options["input_format"] == "h264"
    assert options["framerate"] == "12.5"
    assert options["video_size"] == "1280x720"
    assert set(device_options(SensorSettings(), None)) == {"timestamps"}
