"""A camera's devices hold its imaging settings; what they refuse is told and costs nothing else."""

import errno
import threading
from pathlib import Path

import pytest

from eyespot.edge.api.notes import host_notes
from eyespot.edge.api.shapes import ProcessAnswer
from eyespot.edge.imaging.camera_imaging import CameraImaging
from eyespot.edge.imaging.settings import ImagingSettings
from eyespot.hal.imaging import v4l2_abi as abi
from eyespot.hal.imaging.contract import Imaging
from eyespot.hal.imaging.v4l2 import V4l2Imaging
from eyespot.kernel.errors import unavailable
from eyespot.testing.fake_v4l2 import FakeV4l2
from eyespot.testing.simulated_imaging import SimulatedImaging

DEVICE = "/dev/video0"


class Rig:
    """A camera with one USB camera in memory."""

    def __init__(self) -> None:
        self.device = FakeV4l2()
        self.opened: list[str] = []
        self.imaging = CameraImaging("cam", self.open)
        self.told = self.imaging.on_state(DEVICE)

    def open(self, device: str) -> Imaging:
        self.opened.append(device)
        return V4l2Imaging(device, self.device.ioctl)

    async def begin(self) -> None:
        """The stream delivers."""
        self.told("live", None)
        await self.imaging.settled()

    async def apply(self, **settings: object) -> None:
        self.imaging.apply(ImagingSettings.model_validate(settings))
        await self.imaging.settled()


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_settings_are_made_when_the_stream_begins_and_not_before(rig: Rig) -> None:
    await rig.apply(exposure_mode="manual", exposure=0.0123, flip_horizontal=True)
    assert rig.device.writes == []
    await rig.begin()
    assert rig.device.values[abi.CID_EXPOSURE_AUTO] == 1
    assert rig.device.values[abi.CID_EXPOSURE_ABSOLUTE] == 123
    assert rig.device.values[abi.CID_HFLIP] == 1
    made = rig.imaging.status()[DEVICE]
    assert made["set"] == {"exposure_mode": "manual", "exposure": pytest.approx(0.0123), "flip_horizontal": True}
    assert made["refused"] == {}


async def test_a_camera_that_was_unplugged_is_set_again_when_it_is_back(rig: Rig) -> None:
    await rig.apply(sharpness=1.0)
    await rig.begin()
    rig.told("backoff", unavailable("The camera is gone."))
    rig.device.values[abi.CID_SHARPNESS] = 50
    await rig.apply(sharpness=1.0, mains="60")
    assert rig.device.values[abi.CID_SHARPNESS] == 50, "not while it is away"
    await rig.begin()
    assert rig.device.values[abi.CID_SHARPNESS] == 100


async def test_a_change_is_made_at_once_and_what_is_taken_out_goes_back(rig: Rig) -> None:
    await rig.apply(exposure_mode="manual", exposure=0.0123, sharpness=1.0)
    await rig.begin()
    await rig.apply(sharpness=0.0)
    assert rig.device.values[abi.CID_SHARPNESS] == 0
    assert rig.device.values[abi.CID_EXPOSURE_ABSOLUTE] == 250, "the device's default"
    assert rig.device.values[abi.CID_EXPOSURE_AUTO] == 3
    assert rig.imaging.status()[DEVICE]["set"] == {"sharpness": 0.0}
    await rig.apply()
    assert rig.device.values[abi.CID_SHARPNESS] == 50
    assert rig.imaging.status() == {}


async def test_what_is_refused_is_told_and_the_rest_is_made(rig: Rig) -> None:
    await rig.apply(gain=3, wdr=0.5, sharpness=1.0)
    await rig.begin()
    made = rig.imaging.status()[DEVICE]
    assert made["set"] == {"sharpness": 1.0}
    assert "exposure_mode is auto" in made["refused"]["gain"]
    assert "offers no control 'wdr'" in made["refused"]["wdr"]


@pytest.mark.parametrize("failure", [errno.ENODEV, errno.EIO])
async def test_a_device_that_does_not_answer_is_told(rig: Rig, failure: int) -> None:
    rig.device.failure = failure
    await rig.apply(gain=3)
    await rig.begin()
    assert "does not answer" in rig.imaging.status()[DEVICE]["refused"]["device"]
    rig.device.failure = 0
    await rig.begin()
    assert "device" not in rig.imaging.status()[DEVICE]["refused"]


async def test_every_control_reaches_a_device_that_has_it() -> None:
    device = SimulatedImaging()
    imaging = CameraImaging("cam", lambda _: device)
    wanted = {
        "exposure_mode": "manual", "exposure": 0.02, "gain": 6.0, "exposure_compensation": 1.0,
        "white_balance_mode": "manual", "white_balance": 4000.0, "focus_mode": "manual", "focus": 2.0,
        "day_night": "night", "wdr": 0.5, "denoise": 0.3, "sharpness": 0.7, "flip_horizontal": True,
        "flip_vertical": True, "rotation": "180", "mains": "60",
    }  # fmt: skip
    imaging.apply(ImagingSettings.model_validate(wanted))
    imaging.on_state(DEVICE)("live", None)
    await imaging.settled()
    made = imaging.status()[DEVICE]
    assert made["refused"] == {}
    assert made["set"] == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in wanted.items()
    }


async def test_sources_without_controls_and_cameras_without_settings_open_nothing(rig: Rig) -> None:
    await rig.begin()
    rig.imaging.on_state("rtsp://192.0.2.1/a")("live", None)
    await rig.apply(gain=3)
    rig.told("stalled", None)
    assert set(rig.opened) <= {DEVICE}
    silent = Rig()
    await silent.begin()
    assert silent.opened == []


async def test_a_storm_of_states_is_one_setting_more() -> None:
    gate, entered, opened = threading.Event(), threading.Event(), []

    def slow(device: str) -> Imaging:
        opened.append(device)
        entered.set()
        gate.wait()
        return SimulatedImaging()

    imaging = CameraImaging("cam", slow)
    imaging.apply(ImagingSettings(sharpness=0.5))
    told = imaging.on_state(DEVICE)
    for _ in range(100):
        told("live", None)
    gate.set()
    await imaging.settled()
    assert entered.is_set()
    assert len(opened) <= 2


async def test_a_missing_device_is_a_note_of_the_host(tmp_path: Path) -> None:
    imaging = CameraImaging("cam")
    imaging.apply(ImagingSettings(sharpness=0.5))
    imaging.on_state("/dev/video99")("live", None)
    await imaging.settled()
    report = {"cam": {"state": "live", "imaging": imaging.status()}}
    process = ProcessAnswer(role="media", pid=1, wall_ns=1, uptime_s=1, cameras=report, fresh=True)
    (note,) = host_notes([process], [], [])
    assert "no camera at /dev/video99" in note.what
    assert "eyespot imaging" in note.todo
