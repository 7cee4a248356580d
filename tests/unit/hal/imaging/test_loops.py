"""Auto exposure and auto white balance on a simulated sensor that obeys late, under steps of light."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import log2

import numpy as np
import pytest

from eyespot.hal.imaging.isp.auto_exposure import AutoExposure, Exposure, ExposureSettings
from eyespot.hal.imaging.isp.auto_white_balance import AutoWhiteBalance, Balance, BalanceSettings, gains_for
from eyespot.hal.imaging.isp.raw import RawFormat
from eyespot.hal.imaging.isp.statistics import Statistics, measure
from eyespot.kernel.errors import EyespotError
from eyespot.testing.raw_scene import Faults, calibrated_lights, light_of, make_profile, make_raw, make_scene

FORM = RawFormat(160, 120, "RGGB", 12)
FAULTS = Faults(falloff=0.3)
LINEAR = make_scene(160, 120).linear


def look(light: float, kelvin: float, seed: int, linear: np.ndarray = LINEAR) -> Statistics:
    """Statistics of the scene under ``light`` (exposure in all) of ``kelvin``."""
    faults = replace(FAULTS, illuminant=light_of(kelvin), exposure=light, seed=seed)
    return measure(make_raw(linear, FORM, faults), FORM, make_profile(FAULTS))


@dataclass
class Run:
    asked: list[Exposure]
    brightness: list[float]


def expose(loop: AutoExposure, lights: list[float], delay: int) -> Run:
    """One picture for each of ``lights``; what is asked for takes effect ``delay`` pictures later."""
    pending, run = [loop.asked] * delay, Run([], [])
    for number, light in enumerate(lights):
        pending.append(loop.asked)
        taken = pending.pop(0)
        statistics = look(light * taken.total, 5000, number)
        run.asked.append(loop.next(statistics, taken))
        run.brightness.append(float(statistics.cells.max(axis=2).mean()))
    return run


def turns(run: Run) -> int:
    """How often brightness asked for changes direction."""
    steps = [log2(b.total / a.total) for a, b in pairwise(run.asked) if b.total != a.total]
    return sum(first * second < 0 for first, second in pairwise(steps))


@pytest.mark.parametrize("delay", [0, 1, 2, 4])
@pytest.mark.parametrize("start", [Exposure(1e-4, 1.0), Exposure(1 / 30, 16.0)], ids=["dark", "glaring"])
def test_exposure_settles_from_far_off_without_hunting(start: Exposure, delay: int) -> None:
    run = expose(AutoExposure(ExposureSettings(), start), [200.0] * 40, delay)
    settled = run.asked[24 + delay :]
    assert len(set(settled)) == 1  # at rest, not merely near
    assert run.brightness[-1] == pytest.approx(0.16, rel=0.2)
    assert turns(run) == 0


@pytest.mark.parametrize("factor", [16.0, 1 / 16, 3.0, 1 / 3])
def test_exposure_follows_a_step_of_light_once(factor: float) -> None:
    run = expose(AutoExposure(ExposureSettings(), Exposure(0.01, 1.0)), [40.0] * 25 + [40.0 * factor] * 30, delay=2)
    assert len(set(run.asked[-6:])) == 1
    assert run.brightness[-1] == pytest.approx(0.16, rel=0.2)
    assert turns(run) <= 1  # once for the start, once for the step


def test_exposure_rests_while_light_wavers() -> None:
    random = np.random.default_rng(4)
    lights = [40.0] * 25 + list(40.0 * random.uniform(0.94, 1.06, 60))
    run = expose(AutoExposure(ExposureSettings(), Exposure(0.01, 1.0)), lights, delay=2)
    assert len(set(run.asked[25:])) == 1


def test_long_exposures_are_whole_half_waves_of_the_mains() -> None:
    for mains_hz in (50.0, 60.0):
        loop = AutoExposure(ExposureSettings(mains_hz=mains_hz), None)
        for total in np.geomspace(1e-4, 0.5, 300):
            asked = loop.split(float(total), None)
            assert asked.total == pytest.approx(total, rel=1e-6)
            if asked.flicker_free:
                waves = asked.seconds * 2 * mains_hz
                assert waves == pytest.approx(round(waves), abs=1e-6)
            else:
                assert asked.seconds < 0.5 / mains_hz or asked.seconds == pytest.approx(1 / 30)


def test_exposure_stays_within_its_bounds() -> None:
    settings = ExposureSettings(max_gain=8.0)
    loop = AutoExposure(settings, Exposure(0.01, 1.0))
    dark = Statistics(
        np.zeros((12, 16, 3), np.float32), np.zeros((12, 16), np.float32), np.eye(64, dtype=np.float32)[0]
    )
    for _ in range(60):
        asked = loop.next(dark, loop.asked)
    assert 7.6 < asked.gain <= 8.0
    assert asked.seconds == pytest.approx(1 / 30)
    glare = Statistics(
        np.ones((12, 16, 3), np.float32), np.ones((12, 16), np.float32), np.eye(64, dtype=np.float32)[63]
    )
    for _ in range(60):
        asked = loop.next(glare, loop.asked)
    assert asked.gain == 1.0
    assert settings.min_seconds <= asked.seconds < 1.05 * settings.min_seconds


def test_highlights_pull_brightness_down_but_not_without_end() -> None:
    half_white = LINEAR.copy()
    half_white[:, :10] = 40.0  # a window

    def settled(protect: float) -> float:
        loop = AutoExposure(ExposureSettings(protect_stops=protect), Exposure(0.01, 1.0))
        for number in range(40):
            asked = loop.next(look(40 * loop.asked.total, 5000, number, half_white), loop.asked)
        return asked.total

    free, half, full = settled(0.0), settled(0.5), settled(1.0)
    assert free > 1.2 * half > 1.2 * full
    assert float(look(40 * full, 5000, 1, half_white).cells.max(axis=2).mean()) > 0.16 / 2 * 0.8


@pytest.mark.parametrize("kelvin", [2400, 3000, 4000, 5200, 6500, 7800])
@pytest.mark.parametrize("start", [Balance(1.0, 1.0), Balance(4.0, 0.5)])
def test_balance_finds_the_light(kelvin: float, start: Balance) -> None:
    loop = AutoWhiteBalance(BalanceSettings(lights=calibrated_lights()), start)
    statistics = [look(0.5, kelvin, seed) for seed in range(4)]
    asked = [loop.next(statistics[number % 4]) for number in range(40)]
    red, _, blue = light_of(kelvin)
    assert asked[-1].red_gain * red == pytest.approx(1.0, abs=0.04)
    assert asked[-1].blue_gain * blue == pytest.approx(1.0, abs=0.04)
    assert asked[-1].kelvin == pytest.approx(kelvin, rel=0.06)
    assert len(set(asked[-8:])) == 1
    reds = [log2(item.red_gain) for item in asked]
    steps = [b - a for a, b in pairwise(reds) if abs(b - a) > 1e-3]
    assert sum(a * b < 0 for a, b in pairwise(steps)) == 0


def test_balance_follows_a_change_of_light_once() -> None:
    loop = AutoWhiteBalance(BalanceSettings(lights=calibrated_lights()))
    for kelvin in (2700, 6500, 3500):
        asked = [loop.next(look(0.5, kelvin, number)) for number in range(30)]
        red, _, blue = light_of(kelvin)
        assert asked[-1].red_gain * red == pytest.approx(1.0, abs=0.04)
        assert asked[-1].blue_gain * blue == pytest.approx(1.0, abs=0.04)
        assert len(set(asked[-5:])) == 1


def test_a_coloured_wall_does_not_pull_the_calibrated_loop() -> None:
    wall = LINEAR.copy()
    wall[:, 60:] = (0.08, 0.35, 0.05)  # grass over more than half of the picture
    statistics = look(0.8, 5000, 1, wall)
    loop = AutoWhiteBalance(BalanceSettings(lights=calibrated_lights()))
    for _ in range(40):
        asked = loop.next(statistics)
    red, _, blue = light_of(5000)
    means = statistics.cells.mean(axis=(0, 1))
    grey_world = abs(np.log(means[1] / means[0] * red)) + abs(np.log(means[1] / means[2] * blue))
    ours = abs(np.log(asked.red_gain * red)) + abs(np.log(asked.blue_gain * blue))
    assert ours < 0.15
    assert ours < grey_world / 3


def test_without_a_calibration_it_still_balances() -> None:
    loop = AutoWhiteBalance(BalanceSettings())
    for number in range(40):
        asked = loop.next(look(0.5, 3200, number))
    red, _, blue = light_of(3200)
    assert asked.red_gain * red == pytest.approx(1.0, abs=0.08)
    assert asked.blue_gain * blue == pytest.approx(1.0, abs=0.08)
    assert asked.kelvin == 0.0


def test_darkness_and_glare_say_nothing_about_the_light() -> None:
    loop = AutoWhiteBalance(BalanceSettings(lights=calibrated_lights()), Balance(1.5, 1.7))
    for light in (1e-5, 1e5):
        assert loop.next(look(light, 3000, 1)) == Balance(1.5, 1.7)


def test_gains_for_a_colour_temperature() -> None:
    lights = calibrated_lights()
    exact = gains_for(4500, lights)
    assert (exact.red_gain, exact.blue_gain) == (
        pytest.approx(1 / light_of(4500)[0]),
        pytest.approx(1 / light_of(4500)[2]),
    )
    assert gains_for(1000, lights).red_gain == gains_for(2300, lights).red_gain
    assert gains_for(3100, lights).red_gain < gains_for(4100, lights).red_gain
    with pytest.raises(EyespotError, match="calibration"):
        gains_for(4000, ())
