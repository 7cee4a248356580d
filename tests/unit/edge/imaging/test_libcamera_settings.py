"""`[camera.imaging]` of a camera behind libcamera, which keeps no settings itself."""

from eyespot.edge.imaging.camera_imaging import CameraImaging
from eyespot.edge.imaging.settings import ImagingSettings
from eyespot.hal.imaging.contract import Control
from eyespot.hal.imaging.libcamera import LibcameraImaging
from eyespot.hal.libcamera.camera import Cameras
from eyespot.hal.libcamera.library import Library
from eyespot.testing.fake_libcamera import FakeLibcamera

SOURCE = "libcamera:0"


async def test_settings_hold_for_the_next_stream_and_leave_loops_alone_when_taken_out() -> None:
    ours = Cameras(Library(FakeLibcamera()))
    imaging = CameraImaging("cam", lambda source: LibcameraImaging(source, ours))
    manual = {"white_balance_mode": "manual", "red_gain": 2.0, "blue_gain": 1.5}
    imaging.apply(ImagingSettings.model_validate({"exposure_mode": "manual", "exposure": 0.01, "gain": 6.0, **manual}))
    imaging.on_state(SOURCE)("live", None)
    await imaging.settled()
    assert imaging.status()[SOURCE]["refused"] == {}
    wanted = ours.get(SOURCE).all_wanted()
    assert (wanted["ExposureTimeMode"], wanted["ExposureTime"]) == (1, 10_000)
    assert round(wanted["AnalogueGain"], 3) == 1.995
    assert (wanted["AwbEnable"], wanted["ColourGains"]) == (False, (2.0, 1.5))
    imaging.apply(ImagingSettings())
    await imaging.settled()
    wanted = ours.get(SOURCE).all_wanted()
    assert (wanted["ExposureTimeMode"], wanted["AwbEnable"]) == (0, True)
    assert wanted.keys() & {"ExposureTime", "AnalogueGain", "ColourGains", "ColourTemperature"} == set()


async def test_the_last_way_to_say_a_balance_holds() -> None:
    ours = Cameras(Library(FakeLibcamera()))
    imaging = CameraImaging("cam", lambda source: LibcameraImaging(source, ours))
    imaging.on_state(SOURCE)("live", None)
    for asked, there, gone in (
        ({"red_gain": 2.0}, "ColourGains", "ColourTemperature"),
        ({"white_balance": 4000}, "ColourTemperature", "ColourGains"),
    ):
        imaging.apply(ImagingSettings.model_validate({"white_balance_mode": "manual", **asked}))
        await imaging.settled()
        wanted = ours.get(SOURCE).all_wanted()
        assert there in wanted
        assert gone not in wanted


def test_pictures_that_were_under_way_do_not_undo_what_was_asked() -> None:
    ours = Cameras(Library(FakeLibcamera()))
    imaging, camera = LibcameraImaging(SOURCE, ours), ours.get(SOURCE)
    before = {"AwbEnable": True, "ColourGains": (1.3, 1.7)}
    imaging.apply({Control.WHITE_BALANCE_MODE: "manual"})
    camera.tell(before)
    imaging.apply({Control.RED_GAIN: 2.0})
    camera.tell(before)
    imaging.apply({Control.BLUE_GAIN: 1.5})
    assert camera.all_wanted()["ColourGains"] == (2.0, 1.5)
