"""The software ISP on raw pictures of known truth: every pattern and depth, each stage, and its edges."""

from dataclasses import replace

import numpy as np
import pytest

from eyespot.hal.imaging.isp.colour import srgb_decode, srgb_encode
from eyespot.hal.imaging.isp.demosaic import demosaic
from eyespot.hal.imaging.isp.pipeline import SoftwareIsp
from eyespot.hal.imaging.isp.planes import NoiseCodes, repair, repair_known, split
from eyespot.hal.imaging.isp.raw import RawFormat
from eyespot.hal.imaging.isp.settings import IspSettings, SensorProfile
from eyespot.kernel.errors import EyespotError
from eyespot.testing.colour_difference import ciede2000, lab, psnr_db
from eyespot.testing.raw_scene import Faults, Scene, make_profile, make_raw, make_scene

WIDTH, HEIGHT = 384, 256


@pytest.fixture(scope="module")
def scene() -> Scene:
    return make_scene(WIDTH, HEIGHT)


def truth_of(scene: Scene, exposure: float) -> np.ndarray:
    return np.round(srgb_encode(scene.linear * exposure) * 255).astype(np.uint8)


def balance(faults: Faults, **more: object) -> IspSettings:
    red, green, blue = faults.illuminant
    return IspSettings(red_gain=green / red, blue_gain=green / blue, **more)  # type: ignore[arg-type]


def colour_errors(scene: Scene, picture: np.ndarray, truth: np.ndarray) -> np.ndarray:
    pairs = [
        [lab(srgb_decode(image[patch] / 255.0).mean(axis=(0, 1))) for image in (picture, truth)]
        for patch in scene.patches
    ]
    return np.array([float(ciede2000(*pair)) for pair in pairs])


@pytest.mark.parametrize("pattern", ["RGGB", "BGGR", "GRBG", "GBRG"])
@pytest.mark.parametrize(("bits", "black"), [(10, 64.0), (12, 256.0), (16, 4096.0)])
def test_true_colours_from_every_pattern_and_depth(scene: Scene, pattern: str, bits: int, black: float) -> None:
    form = RawFormat(WIDTH, HEIGHT, pattern, bits)  # type: ignore[arg-type]
    faults = Faults(black=black, shot=0.05, read=1.0)
    picture = SoftwareIsp(form, make_profile(faults)).process(make_raw(scene.linear, form, faults), balance(faults))
    truth = truth_of(scene, faults.exposure)
    errors = colour_errors(scene, picture, truth)
    assert errors.mean() < 0.7
    assert errors.max() < 2.5
    assert psnr_db(picture, truth) > 24  # a small picture: its edges and rings are all near the limit of sampling


def test_a_flat_grey_picture_is_flat_to_its_corners() -> None:
    """No seam between strips, no spoilt margin, shading undone."""
    form = RawFormat(320, 400, "GBRG", 12)
    faults = Faults(shot=0, read=0, exposure=1.0)
    raw = make_raw(np.full((400, 320, 3), 0.3), form, faults)
    settings = balance(faults, denoise=1.0, sharpen=1.0)
    picture = SoftwareIsp(form, make_profile(faults)).process(raw, settings)
    wanted = round(float(srgb_encode(np.array(0.3))) * 255)
    assert picture.shape == (400, 320, 3)
    assert int(np.abs(picture.astype(int) - wanted).max()) <= 1


def test_strips_and_threads_change_nothing(scene: Scene) -> None:
    form, faults = RawFormat(WIDTH, HEIGHT, "RGGB", 12), Faults(hot=20)
    raw, settings = make_raw(scene.linear, form, faults), balance(faults)
    alone, many = SoftwareIsp(form, make_profile(faults)), SoftwareIsp(form, make_profile(faults), threads=3)
    first = alone.process(raw, settings)
    for _ in range(5):
        np.testing.assert_array_equal(first, many.process(raw, settings))
    memory = np.empty_like(first)
    assert alone.process(raw, settings, out=memory) is memory
    np.testing.assert_array_equal(first, memory)
    with pytest.raises(EyespotError, match="picture to fill"):
        alone.process(raw, settings, out=memory[:-2])
    many.close()
    many.close()


def test_the_raw_picture_is_left_as_it_is(scene: Scene) -> None:
    form, faults = RawFormat(WIDTH, HEIGHT), Faults(hot=20)
    raw = make_raw(scene.linear, form, faults)
    before = raw.copy()
    profile = replace(make_profile(faults), defects=((3, 4), (0, 0)))
    SoftwareIsp(form, profile).process(raw, balance(faults))
    np.testing.assert_array_equal(raw, before)


def test_stuck_samples_vanish() -> None:
    form, faults = RawFormat(128, 96, "RGGB", 12), Faults(shot=0, read=0)
    flat = np.full((96, 128, 3), 0.2)
    clean, spoilt = make_raw(flat, form, faults), make_raw(flat, form, replace(faults, hot=12))
    isp = SoftwareIsp(form, make_profile(faults))
    wanted = isp.process(clean, balance(faults, sharpen=0.0))
    kept = isp.process(spoilt, balance(faults, sharpen=0.0, repair=False, denoise=0.0)).astype(int)
    repaired = isp.process(spoilt, balance(faults, sharpen=0.0)).astype(int)
    assert np.abs(kept - wanted).max() > 80
    assert np.abs(repaired - wanted).max() < 25


def test_known_defects_may_be_side_by_side() -> None:
    raw = np.full((16, 16), 500, np.uint16)
    raw[4, 4] = raw[4, 6] = 4095
    repair_known(raw, ((4, 4), (4, 6), (99, 3)))
    assert raw.max() == 500
    plane = np.full((8, 9), 500, np.uint16)
    plane[3, 4] = plane[3, 5] = 4095
    assert repair(plane, 10).max() == 4095  # the stage that knows nothing: they shield each other


def test_repair_never_wraps() -> None:
    plane = np.full((6, 8), 65535, np.uint16)
    plane[3, 3] = 0
    assert repair(plane, 60000).max() == 65535  # room above is cut, not wrapped
    assert repair(plane, 5)[2, 3] > 40000


def test_denoising_helps_flats_and_spares_edges() -> None:
    form, faults = RawFormat(256, 128, "RGGB", 12), Faults(shot=2.0, read=12.0, falloff=0.0)
    step = np.full((128, 256, 3), 0.1)
    step[:, 128:] = 0.5
    raw, truth = make_raw(step, form, faults), np.round(srgb_encode(step * faults.exposure) * 255)
    isp = SoftwareIsp(form, make_profile(faults))

    def error(denoise: float, columns: slice) -> float:
        picture = isp.process(raw, balance(faults, denoise=denoise, sharpen=0.0)).astype(float)
        return float(np.sqrt(np.mean((picture - truth)[8:-8, columns] ** 2)))

    flat, edge = slice(8, 100), slice(124, 132)
    assert error(1.0, flat) < 0.6 * error(0.0, flat)
    assert error(1.0, edge) < 1.02 * error(0.0, edge)


def test_denoising_keeps_brightness_near_black() -> None:
    codes = NoiseCodes.make(1023, 64.0, 0.5, 2.0)
    values = np.arange(1024) - 64.0
    np.testing.assert_allclose(codes.to_value[codes.to_code], values, atol=0.2)
    assert codes.to_code.min() == 0
    assert (np.diff(codes.to_code.astype(int)) >= 0).all()


def test_demosaicing_a_plane_of_one_colour_and_a_slope() -> None:
    y, x = np.mgrid[:40, :48]
    slope = (10 + 3 * y + 2 * x).astype(np.uint16)
    planes = split(slope).astype(np.float32)
    phases = demosaic(planes, (0, 1))
    for row in (0, 1):
        for column in (0, 1):
            wanted = planes[row, column, 1:-1, 2:-2]
            for colour in range(3):  # the filters reproduce what is linear
                np.testing.assert_allclose(phases[colour, row, column, :, 2:-2], wanted, rtol=1e-5)


def test_glare_is_white_and_darkness_black() -> None:
    form, faults = RawFormat(64, 64, "BGGR", 10), Faults(shot=0, read=0, falloff=0)
    isp = SoftwareIsp(form, make_profile(faults))
    white = isp.process(np.full((64, 64), 1023, np.uint16), balance(faults))
    black = isp.process(np.full((64, 64), 0, np.uint16), balance(faults))
    assert white.min() == 255
    assert black.max() == 0


def test_wdr_lifts_shadows_and_keeps_white() -> None:
    form, faults = RawFormat(64, 64, "RGGB", 12), Faults(shot=0, read=0, falloff=0, exposure=1.0)
    isp = SoftwareIsp(form, make_profile(faults))

    def shown(light: float, wdr: float) -> float:
        raw = make_raw(np.full((64, 64, 3), light), form, faults)
        return float(isp.process(raw, balance(faults, wdr=wdr)).mean())

    assert shown(0.02, 1.0) > shown(0.02, 0.5) > shown(0.02, 0.0) + 10
    assert shown(1.0, 1.0) == shown(1.0, 0.0) == 255


def test_saturation_zero_is_grey(scene: Scene) -> None:
    form, faults = RawFormat(WIDTH, HEIGHT), Faults(shot=0, read=0, falloff=0)
    raw = make_raw(scene.linear, form, faults)
    picture = SoftwareIsp(form, make_profile(faults)).process(raw, balance(faults, saturation=0.0)).astype(int)
    assert np.ptp(picture[:, : WIDTH // 2], axis=2).max() <= 1


@pytest.mark.parametrize(
    "raw", [np.zeros((64, 62), np.uint16), np.zeros((64, 64), np.uint8), np.zeros((8, 8, 64), np.uint16)]
)
def test_pictures_of_another_format_are_refused(raw: np.ndarray) -> None:
    isp = SoftwareIsp(RawFormat(64, 64), SensorProfile())
    with pytest.raises(EyespotError, match="must be uint16"):
        isp.process(raw, IspSettings())


@pytest.mark.parametrize("wrong", [{"red_gain": 0.0}, {"digital_gain": 0.5}, {"denoise": 1.5}, {"wdr": float("nan")}])
def test_settings_are_checked(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(EyespotError, match="It may be"):
        IspSettings(**wrong)


def test_profiles_are_checked() -> None:
    with pytest.raises(EyespotError, match="colour matrix"):
        SensorProfile(matrix=((2.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    with pytest.raises(EyespotError, match="shading"):
        SensorProfile(shading=np.ones((3, 1, 5), np.float32))


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [  # the published test data of Sharma, Wu and Dalal
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
        ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
        ((50, 0, 0), (50, 0, 0), 0.0),
    ],
)
def test_ciede2000_is_the_published_one(first: tuple, second: tuple, wanted: float) -> None:  # type: ignore[type-arg]
    assert float(ciede2000(np.array(first, float), np.array(second, float))) == pytest.approx(wanted, abs=5e-5)


def test_a_steep_matrix_does_not_wrap(scene: Scene) -> None:
    """Colours far beyond the table, either way, end at its ends."""
    form, faults = RawFormat(WIDTH, HEIGHT, "RGGB", 12), Faults(shot=0, read=0, falloff=0)
    steep = SensorProfile(black=64.0, matrix=((9.0, -8.0, 0.0), (-8.0, 9.0, 0.0), (0.0, -8.0, 9.0)))
    raw = make_raw(scene.linear, form, faults)
    picture = SoftwareIsp(form, steep).process(raw, balance(faults, denoise=0.0, sharpen=0.0))
    seen = scene.linear[scene.patches[14]].mean(axis=(0, 1))  # the red patch: more red than green, more green than blue
    assert seen[0] > seen[1]
    assert picture[scene.patches[14]][..., 0].min() == 255
    assert picture[scene.patches[14]][..., 1].max() == 0
