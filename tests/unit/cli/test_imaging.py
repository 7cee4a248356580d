"""`eyespot imaging`: wishes are read by the kinds of the controls, and what is wrong is said."""

import json

import pytest

from eyespot.cli.imaging import document, imaging, read_wishes
from eyespot.hal.imaging.contract import Control
from eyespot.hal.imaging.v4l2 import V4l2Imaging
from eyespot.kernel.errors import EyespotError
from eyespot.testing.fake_v4l2 import FakeV4l2


def test_wishes_reach_the_device() -> None:
    driver = V4l2Imaging("/dev/video0", FakeV4l2().ioctl)
    wishes = read_wishes(["exposure=0.01", "exposure_mode=manual", "flip_horizontal=on"], driver.capabilities())
    assert wishes == {
        Control.EXPOSURE: 0.01,
        Control.EXPOSURE_MODE: "manual",
        Control.FLIP_HORIZONTAL: True,
    }
    driver.apply(wishes)
    shown = json.loads(json.dumps(document(driver.capabilities(), driver.read())))
    assert shown["exposure"]["value"] == pytest.approx(0.01)
    assert shown["exposure"]["unit"] == "s"
    assert shown["flip_horizontal"]["value"] is True
    assert shown["exposure_mode"]["options"] == ["auto", "manual"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("zoom=3", "no control 'zoom'"),
        ("exposure", "sets nothing"),
        ("exposure=", "sets nothing"),
        ("exposure=long", "no number"),
        ("flip_horizontal=perhaps", "neither on nor off"),
    ],
)
def test_what_is_wrong_is_said(wish: str, words: str) -> None:
    driver = V4l2Imaging("/dev/video0", FakeV4l2().ioctl)
    with pytest.raises(EyespotError, match=words):
        read_wishes([wish], driver.capabilities())


def test_wishes_that_libcamera_would_forget_are_refused() -> None:
    with pytest.raises(EyespotError, match="keeps no settings once this command has ended"):
        imaging("libcamera:0", ["gain=6"])
