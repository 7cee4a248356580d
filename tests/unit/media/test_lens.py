"""Orientation and lens geometry against known truth: closed forms, round trips, and a scene seen through a fisheye."""

import numpy as np
import pytest

from eyespot.contracts.lens import LensGeometry, Orientation, View
from eyespot.kernel.errors import EyespotError
from eyespot.media.lens import Dewarp, Look, angle_of, project, radius, unproject, upright, upright_points

EQUIDISTANT = LensGeometry("equidistant", 0.3, 0.4, max_degrees=95)
POLYNOMIAL = LensGeometry("polynomial", 0.32, 0.43, 0.51, 0.48, (-0.03, 0.004, -0.002, 0.0003), 88)
PERSPECTIVE = LensGeometry("perspective", 0.8, 1.1, max_degrees=50)


@pytest.mark.parametrize("lens", [EQUIDISTANT, POLYNOMIAL, PERSPECTIVE], ids=lambda lens: lens.model)
def test_rays_come_back(lens: LensGeometry) -> None:
    random = np.random.default_rng(2)
    angle, turn = random.uniform(0, np.radians(lens.max_degrees), 500), random.uniform(0, 2 * np.pi, 500)
    rays = np.stack([np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn), np.cos(angle)], axis=-1)
    np.testing.assert_allclose(unproject(lens, project(lens, rays)), rays, atol=1e-9)
    np.testing.assert_allclose(angle_of(lens, radius(lens, angle)), angle, atol=1e-9)


def test_closed_forms() -> None:
    ray = np.array([np.sin(0.5), 0.0, np.cos(0.5)])
    np.testing.assert_allclose(project(EQUIDISTANT, ray), (0.5 + 0.3 * 0.5, 0.5))
    np.testing.assert_allclose(project(PERSPECTIVE, ray), (0.5 + 0.8 * np.tan(0.5), 0.5))
    bent = 0.5 - 0.03 * 0.5**3 + 0.004 * 0.5**5 - 0.002 * 0.5**7 + 0.0003 * 0.5**9
    np.testing.assert_allclose(project(POLYNOMIAL, ray), (0.51 + 0.32 * bent, 0.48))


def test_beyond_the_lens_is_nothing() -> None:
    assert np.isnan(project(EQUIDISTANT, np.array([0.0, 0.2, -1.0]))).all()
    assert np.isnan(unproject(POLYNOMIAL, np.array([5.0, 5.0]))).all()
    np.testing.assert_allclose(unproject(POLYNOMIAL, np.array([0.51, 0.48])), (0, 0, 1))


def scene(rays: np.ndarray) -> np.ndarray:
    """A smooth picture painted on the sphere of directions: what any camera sees of it is known exactly."""
    x, y, z = np.moveaxis(rays, -1, 0)
    return 128 + 50 * np.sin(9 * x + 2 * z) + 50 * np.cos(8 * y - 3 * z)


def through(lens: LensGeometry, width: int, height: int) -> np.ndarray:
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    seen = scene(unproject(lens, np.stack([x, y], axis=-1)))
    return np.round(np.nan_to_num(seen)).astype(np.uint8)


@pytest.mark.parametrize("lens", [EQUIDISTANT, POLYNOMIAL], ids=lambda lens: lens.model)
@pytest.mark.parametrize("look", [Look(), Look(35, -20, 10, 60), Look(-40, 25, 0, 40)])
def test_a_view_is_what_a_perspective_camera_would_see(lens: LensGeometry, look: Look) -> None:
    width, height = 160, 120
    dewarp = Dewarp(lens, (640, 480), (width, height), look)
    view = dewarp.remap(through(lens, 640, 480))
    focal = width / 2 / np.tan(np.radians(look.width_degrees) / 2)
    x, y = np.meshgrid(np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2)
    rays = np.stack([x, y, np.full_like(x, focal)], axis=-1)
    rays = rays / np.linalg.norm(rays, axis=-1, keepdims=True) @ look.turn().T
    error = np.abs(view - scene(rays))
    assert error.max() < 2.5
    assert error.mean() < 0.7


def test_turning_right_and_down_looks_right_and_down() -> None:
    middle = np.array([0.5, 0.5])
    right = Dewarp(EQUIDISTANT, (64, 64), (32, 32), Look(pan_degrees=30)).to_source(middle)
    down = Dewarp(EQUIDISTANT, (64, 64), (32, 32), Look(tilt_degrees=30)).to_source(middle)
    np.testing.assert_allclose(right, (0.5 + 0.3 * np.pi / 6, 0.5), atol=1e-9)
    np.testing.assert_allclose(down, (0.5, 0.5 + 0.4 * np.pi / 6), atol=1e-9)


def test_detections_find_their_way_back() -> None:
    dewarp = Dewarp(POLYNOMIAL, (640, 480), (200, 100), Look(20, 10, 5, 70))
    points = np.random.default_rng(3).uniform(0, 1, (100, 2))
    np.testing.assert_allclose(dewarp.to_view(dewarp.to_source(points)), points, atol=1e-9)


def test_colours_and_the_unseen() -> None:
    narrow = LensGeometry("equidistant", 0.3, 0.3, max_degrees=20)
    dewarp = Dewarp(narrow, (64, 64), (40, 40), Look(width_degrees=90))
    view = dewarp.remap(np.full((64, 64, 3), (10, 200, 30), np.uint8))
    assert view.shape == (40, 40, 3)
    assert view[20, 20].tolist() == [10, 200, 30]
    assert view[0, 0].tolist() == [0, 0, 0]


def test_unfit_views_are_refused() -> None:
    for size, look in (((1, 40), Look()), ((40, 40), Look(width_degrees=175)), ((9000, 40), Look())):
        with pytest.raises(EyespotError):
            Dewarp(EQUIDISTANT, (64, 64), size, look)
    with pytest.raises(EyespotError, match="made of 64x64"):
        Dewarp(EQUIDISTANT, (64, 64), (40, 40)).remap(np.zeros((32, 64), np.uint8))


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("flips", [(False, False), (True, False), (False, True), (True, True)])
def test_points_move_with_their_pixels(degrees: int, flips: tuple[bool, bool]) -> None:
    orientation = Orientation(*flips, degrees=degrees)  # type: ignore[arg-type]
    picture = np.zeros((20, 30), np.uint8)
    picture[4, 25] = 255
    turned = upright(picture, orientation)
    x, y = upright_points(np.array([25.5 / 30, 4.5 / 20]), orientation)
    height, width = turned.shape
    assert turned[int(y * height), int(x * width)] == 255


def test_contracts_are_checked() -> None:
    with pytest.raises(EyespotError, match="turned by 45"):
        Orientation(degrees=45)  # type: ignore[arg-type]
    with pytest.raises(EyespotError, match="no lens model"):
        LensGeometry("flat", 1, 1)  # type: ignore[arg-type]
    with pytest.raises(EyespotError, match="focal"):
        LensGeometry("equidistant", 0, 1)
    with pytest.raises(EyespotError, match="leaves the picture"):
        View(masks=(((0, 0), (1, 0), (1, 1.5)),))
    assert View() == View(Orientation(), None, ())
