"""A raw sensor, the ISP and its loops as one camera: what is asked for reaches the sensor and the picture."""

from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from eyespot.hal.imaging.contract import Control
from eyespot.hal.imaging.isp.auto_exposure import Exposure
from eyespot.hal.imaging.isp.auto_white_balance import BalanceSettings
from eyespot.hal.imaging.isp.raw import RawFormat
from eyespot.hal.imaging.software import SoftwareImaging
from eyespot.testing.raw_scene import Faults, calibrated_lights, light_of, make_profile, make_raw, make_scene

FORM = RawFormat(160, 120, "GRBG", 12)
FAULTS = Faults(illuminant=light_of(3200), shot=0.1, read=1.0, falloff=0.3)
SCENE = make_scene(160, 120)


class Sensor:
    """Obeys two frames late."""

    def __init__(self) -> None:
        self.pending: deque[Exposure] = deque([Exposure(1e-4, 1.0)] * 2, maxlen=16)
        self.now = Exposure(1e-4, 1.0)
        self.asked = self.now

    def expose(self, exposure: Exposure) -> None:
        self.asked = exposure

    def take(self) -> tuple[np.ndarray, Exposure]:
        self.pending.append(self.asked)
        taken = self.pending.popleft()
        return make_raw(SCENE.linear, FORM, replace(FAULTS, exposure=60 * taken.total)), taken


@pytest.fixture
def sensor() -> Sensor:
    return Sensor()


@pytest.fixture
def camera(sensor: Sensor) -> SoftwareImaging:
    lights = BalanceSettings(lights=calibrated_lights())
    return SoftwareImaging(FORM, make_profile(FAULTS), sensor.expose, balance=lights)


def greys(picture: np.ndarray) -> np.ndarray:
    """Mean colours of the chart's middle greys."""
    return np.array([picture[SCENE.patches[number]].mean(axis=(0, 1)) for number in (20, 21, 22)])


def test_a_dark_and_red_picture_becomes_right_by_itself(sensor: Sensor, camera: SoftwareImaging) -> None:
    first = camera.process(*sensor.take())
    for _ in range(35):
        last = camera.process(*sensor.take())
    assert first.mean() < 40 < 70 < last.mean() < 160
    assert (np.ptp(greys(last), axis=1) < 6).all()
    assert camera.read()[Control.WHITE_BALANCE] == pytest.approx(3200, rel=0.06)
    assert camera.read()[Control.EXPOSURE] == sensor.asked.seconds


def test_manual_settings_hold(sensor: Sensor, camera: SoftwareImaging) -> None:
    wanted = {Control.EXPOSURE_MODE: "manual", Control.EXPOSURE: 0.002, Control.GAIN: 6.0}
    camera.apply({**wanted, Control.WHITE_BALANCE_MODE: "manual", Control.WHITE_BALANCE: 3200.0})
    for _ in range(8):
        picture = camera.process(*sensor.take())
    assert sensor.asked.seconds == 0.002
    assert sensor.asked.gain == pytest.approx(1.995, rel=1e-3)
    assert camera.read()[Control.GAIN] == pytest.approx(6.0)
    assert (np.ptp(greys(picture), axis=1) < 6).all()


def test_compensation_makes_it_brighter(sensor: Sensor, camera: SoftwareImaging) -> None:
    def settled(stops: float) -> float:
        camera.apply({Control.EXPOSURE_COMPENSATION: stops})
        for _ in range(30):
            camera.process(*sensor.take())
        return sensor.asked.total

    assert settled(1.0) / settled(-1.0) == pytest.approx(4.0, rel=0.35)


def test_flips_and_turns(sensor: Sensor, camera: SoftwareImaging) -> None:
    raw, taken = sensor.take()
    camera.apply({Control.WHITE_BALANCE_MODE: "manual", Control.EXPOSURE_MODE: "manual"})
    plain = camera.process(raw, taken)
    camera.apply({Control.ROTATION: "90"})
    np.testing.assert_array_equal(camera.process(raw, taken), np.rot90(plain, -1))
    camera.apply({Control.ROTATION: "0", Control.FLIP_HORIZONTAL: True})
    np.testing.assert_array_equal(camera.process(raw, taken), plain[:, ::-1])
    camera.apply({Control.FLIP_HORIZONTAL: False, Control.FLIP_VERTICAL: True, Control.ROTATION: "180"})
    np.testing.assert_array_equal(camera.process(raw, taken), plain[:, ::-1])


def test_a_temperature_needs_a_calibration() -> None:
    camera = SoftwareImaging(FORM, make_profile(FAULTS), Sensor().expose)
    assert Control.WHITE_BALANCE not in camera.capabilities()
