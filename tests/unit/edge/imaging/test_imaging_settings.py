"""`[camera.imaging]`: every control of the API by its own name, for local cameras alone."""

from typing import Any

import pytest

from eyespot.edge.config import CameraHostConfig
from eyespot.edge.imaging.settings import ImagingSettings
from eyespot.hal.imaging.contract import Control
from eyespot.kernel.config import validate
from eyespot.kernel.errors import EyespotError


def config(imaging: dict[str, Any], *sources: str) -> CameraHostConfig:
    streams = [{"name": f"s{number}", "source": source} for number, source in enumerate(sources)]
    return validate(CameraHostConfig, {"camera": [{"id": "cam", "stream": streams, "imaging": imaging}]}, "test")


def test_the_controls_are_those_of_the_imaging_contract() -> None:
    assert set(ImagingSettings.model_fields) == {control.value for control in Control} - {"privacy_masks"}


def test_what_is_left_out_is_not_set() -> None:
    made = config({"exposure_mode": "manual", "exposure": 0.01, "flip_vertical": False}, "/dev/video0").camera[0]
    assert made.imaging.values() == {
        Control.EXPOSURE_MODE: "manual",
        Control.EXPOSURE: 0.01,
        Control.FLIP_VERTICAL: False,
    }
    assert config({}, "rtsp://x").camera[0].imaging.values() == {}


def test_one_local_stream_is_enough() -> None:
    assert config({"gain": 3}, "rtsp://192.0.2.1/a", "/dev/video2").camera[0].imaging.gain == 3


@pytest.mark.parametrize("source", ["rtsp://192.0.2.1/a", "http://192.0.2.1/a", "clip.mp4", "synthetic:"])
def test_a_source_without_controls_is_refused_with_the_reason(source: str) -> None:
    with pytest.raises(
        EyespotError, match=r"imaging\.wdr cannot be set, because none of its streams is a local device"
    ):
        config({"wdr": 0.5}, source)


@pytest.mark.parametrize(
    ("imaging", "said"),
    [
        ({"exposure": 0.01, "exposure_mode": "auto"}, "exposure cannot be set with exposure_mode"),
        ({"gain": 1, "exposure_mode": "auto"}, "gain cannot be set with exposure_mode"),
        ({"focus": 1, "focus_mode": "auto"}, "focus cannot be set with focus_mode"),
        ({"white_balance": 5000, "white_balance_mode": "auto"}, "white_balance cannot be set"),
        ({"exposure": 0}, "exposure"),
        ({"exposure": 61}, "exposure"),
        ({"gain": float("inf")}, "gain"),
        ({"gain": float("nan")}, "gain"),
        ({"wdr": 1.5}, "wdr"),
        ({"rotation": "45"}, "rotation"),
        ({"brightness": 1.5}, "brightness"),
        ({"red_gain": 2, "white_balance_mode": "auto"}, "red_gain cannot be set"),
        ({"red_gain": 2, "white_balance": 4000}, "beside red_gain"),
        ({"zoom": 1}, "unknown key"),
    ],
)
def test_mistakes_are_named(imaging: dict[str, Any], said: str) -> None:
    with pytest.raises(EyespotError, match=said):
        config(imaging, "/dev/video0")
