"""Every imaging driver keeps the contract: the same tests on each."""

import pytest

from eyespot.hal.imaging.contract import MODE_OF, Capability, Control, Imaging, Value
from eyespot.hal.imaging.isp.auto_exposure import Exposure
from eyespot.hal.imaging.isp.auto_white_balance import BalanceSettings
from eyespot.hal.imaging.isp.raw import RawFormat
from eyespot.hal.imaging.libcamera import LibcameraImaging
from eyespot.hal.imaging.software import SoftwareImaging
from eyespot.hal.imaging.v4l2 import V4l2Imaging
from eyespot.hal.libcamera.camera import Cameras
from eyespot.hal.libcamera.library import Library
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing import fake_v4l2
from eyespot.testing.fake_libcamera import FakeLibcamera
from eyespot.testing.raw_scene import Faults, calibrated_lights, make_profile
from eyespot.testing.simulated_imaging import SimulatedImaging

UNITS = {
    Control.EXPOSURE: {"s"},
    Control.GAIN: {"dB", "device"},
    Control.EXPOSURE_COMPENSATION: {"stops"},
    Control.WHITE_BALANCE: {"K"},
    Control.FOCUS: {"dioptres", "device"},
    Control.ROTATION: {"degrees"},
    Control.WDR: {"share"},
    Control.DENOISE: {"share"},
    Control.SHARPNESS: {"share"},
    Control.BRIGHTNESS: {"share"},
    Control.CONTRAST: {"share"},
    Control.SATURATION: {"share"},
    Control.RED_GAIN: {"factor"},
    Control.BLUE_GAIN: {"factor"},
}


def _ignore(_: Exposure) -> None:
    """A sensor whose exposure nobody looks at."""


@pytest.fixture(params=["simulator", "software", "v4l2", "libcamera"])
def imaging(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    made: Imaging
    match request.param:
        case "simulator":
            made = SimulatedImaging()
        case "software":
            lights = BalanceSettings(lights=calibrated_lights())
            made = SoftwareImaging(RawFormat(64, 48), make_profile(Faults()), _ignore, balance=lights)
        case "libcamera":
            made = LibcameraImaging("libcamera:0", Cameras(Library(FakeLibcamera())))
        case _:
            made = V4l2Imaging("/dev/video0", fake_v4l2.FakeV4l2().ioctl)
    yield made
    made.close()
    made.close()


def manual(imaging: Imaging) -> dict[Control, Value]:
    return {mode: "manual" for mode in set(MODE_OF.values()) if mode in imaging.capabilities()}


def extremes(capability: Capability) -> list[Value]:
    match capability.kind:
        case "number":
            return [capability.low, capability.high, capability.default]
        case "choice":
            return list(capability.options)
        case "switch":
            return [True, False]
        case _:
            return [(((0.1, 0.1), (0.5, 0.1), (0.5, 0.5)),), ()]


def test_capabilities_are_sound(imaging: Imaging) -> None:
    assert len(imaging.capabilities()) >= 8
    for control, item in imaging.capabilities().items():
        assert item.control is control
        assert item.unit in UNITS.get(control, {""})
        if item.kind == "number":
            assert item.low < item.high
            assert item.low <= float(item.default) <= item.high  # type: ignore[arg-type]
            assert 0 <= item.step <= item.high - item.low
        if item.kind == "choice":
            assert item.default in item.options
            assert len(set(item.options)) == len(item.options)
    assert imaging.capabilities() == imaging.capabilities()


def test_reads_every_control_within_its_range(imaging: Imaging) -> None:
    values = imaging.read()
    assert values.keys() == imaging.capabilities().keys()
    for control, value in values.items():
        item = imaging.capabilities()[control]
        if item.kind == "number":
            assert item.low <= float(value) <= item.high  # type: ignore[arg-type]


def test_everything_offered_can_be_set_and_reads_back(imaging: Imaging) -> None:
    imaging.apply(manual(imaging))
    for control, item in imaging.capabilities().items():
        if control in MODE_OF.values():
            continue
        for value in extremes(item):
            done = imaging.apply({control: value})
            assert done.keys() == {control}
            read = imaging.read()[control]
            assert read == (pytest.approx(value, rel=1e-6, abs=1e-9) if item.kind == "number" else value)
            assert read == (pytest.approx(done[control]) if item.kind == "number" else done[control])


def test_numbers_are_rounded_to_the_step(imaging: Imaging) -> None:
    imaging.apply(manual(imaging))
    for control, item in imaging.capabilities().items():
        if item.kind == "number" and item.step > 0:
            done = float(imaging.apply({control: item.low + 0.6 * item.step})[control])  # type: ignore[arg-type]
            assert done == pytest.approx(item.low + item.step)


def test_a_mode_and_its_value_go_together(imaging: Imaging) -> None:
    wanted = {Control.EXPOSURE: 0.005, Control.EXPOSURE_MODE: "manual"}  # the mode last: order must not matter
    assert imaging.apply(wanted)[Control.EXPOSURE] == pytest.approx(0.005)
    assert imaging.read()[Control.EXPOSURE_MODE] == "manual"


def test_a_value_under_an_automatic_mode_is_a_conflict(imaging: Imaging) -> None:
    before = imaging.read()
    with pytest.raises(EyespotError, match="Set exposure_mode to manual") as caught:
        imaging.apply({Control.SHARPNESS: 1.0, Control.EXPOSURE: 0.005})
    assert caught.value.kind is Kind.CONFLICT
    assert imaging.read() == before
    imaging.apply({Control.EXPOSURE_MODE: "manual"})
    with pytest.raises(EyespotError, match="Set exposure_mode to manual"):
        imaging.apply({Control.EXPOSURE_MODE: "auto", Control.EXPOSURE: 0.005})


@pytest.mark.parametrize(
    ("control", "value"),
    [
        (Control.SHARPNESS, 1.5),
        (Control.SHARPNESS, float("nan")),
        (Control.SHARPNESS, "much"),
        (Control.SHARPNESS, True),
        (Control.EXPOSURE_MODE, "sometimes"),
        (Control.EXPOSURE_MODE, 1.0),
        (Control.FLIP_HORIZONTAL, 1.0),
    ],
)
def test_wrong_values_change_nothing(imaging: Imaging, control: Control, value: Value) -> None:
    before = imaging.read()
    with pytest.raises(EyespotError) as caught:
        imaging.apply({Control.MAINS: "60" if before[Control.MAINS] != "60" else "50", control: value})
    assert caught.value.kind is Kind.INVALID
    assert control.value in caught.value.what
    assert imaging.read() == before


def test_what_is_not_offered_is_refused_by_name(imaging: Imaging) -> None:
    missing = set(Control) - imaging.capabilities().keys()
    if missing:
        with pytest.raises(EyespotError, match="offers no control"):
            imaging.apply({missing.pop(): 1.0})
    with pytest.raises(EyespotError, match="offers no control 'zoom'"):
        imaging.apply({"zoom": 1.0})  # type: ignore[dict-item]


def test_masks_outside_the_picture_are_refused() -> None:
    simulator = SimulatedImaging()
    for masks in (((0.1, 0.1), (0.2, 0.2)),), (((0.1, 0.1), (0.2, 1.2), (0.3, 0.3)),):
        with pytest.raises(EyespotError, match="privacy mask"):
            simulator.apply({Control.PRIVACY_MASKS: masks})
    triangle = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    with pytest.raises(EyespotError, match="too many"):
        simulator.apply({Control.PRIVACY_MASKS: (triangle,) * 65})


def test_a_simulator_that_is_gone() -> None:
    simulator = SimulatedImaging()
    simulator.is_gone = True
    with pytest.raises(EyespotError) as caught:
        simulator.read()
    assert caught.value.kind is Kind.UNAVAILABLE
