"""A moved camera is found by where the background went; what only hides the background is not taken for it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from eyespot.vision.health.picture import Picture
from eyespot.vision.health.shift import ShiftFinder

HEIGHT, WIDTH, PAD = 90, 160, 60
Image = NDArray[np.float32]


def soft(image: Image, times: int) -> Image:
    for _ in range(times):
        for axis in (0, 1):
            image = (np.roll(image, -1, axis) + 2 * image + np.roll(image, 1, axis)) / 4
    return image


def world(kind: str) -> Image:
    """More than the camera sees at once."""
    random = np.random.default_rng(4)
    shape = (HEIGHT + 2 * PAD, WIDTH + 2 * PAD)
    if kind == "gravel":
        return (120 + 60 * soft(random.normal(0, 1, shape), 1)).astype(np.float32)
    if kind == "faint grass":
        return (90 + 16 * soft(random.normal(0, 1, shape), 2)).astype(np.float32)
    y, x = np.indices(shape)
    joints = (y % 8 < 1) | ((x + y // 8 % 2 * 7) % 14 < 1)
    return (100 + 50 * joints + 12 * soft(random.normal(0, 1, shape), 2)).astype(np.float32)


def seen(full: Image, right_px: int = 0, down_px: int = 0) -> Image:
    """What the camera sees when the content lies so far from its usual place."""
    top, left = PAD - down_px, PAD - right_px
    return full[top : top + HEIGHT, left : left + WIDTH]


def noisy(image: Image, seed: int) -> Picture:
    noise = np.random.default_rng(seed).normal(0, 1.0, image.shape)
    return Picture(np.rint(image + noise).astype(np.float32))


@pytest.mark.parametrize("kind", ["gravel", "faint grass", "bricks"])
@pytest.mark.parametrize(("right_px", "down_px"), [(2, 0), (0, -2), (-3, 4), (13, 0), (40, 21), (-55, -30)])
def test_even_texture_is_found_where_it_went(kind: str, right_px: int, down_px: int) -> None:
    full = world(kind)
    found = ShiftFinder().find(noisy(seen(full), 1), noisy(seen(full, right_px, down_px), 2), 1.6)
    assert found == (right_px, down_px)


@pytest.mark.parametrize("kind", ["gravel", "faint grass", "bricks"])
def test_what_stayed_or_went_less_than_asked_is_not_moved(kind: str) -> None:
    full = world(kind)
    for right_px in (0, 1):
        assert ShiftFinder().find(noisy(seen(full), 1), noisy(seen(full, right_px), 2), 1.6) is None


def test_another_light_moves_nothing_and_hides_no_move() -> None:
    full = world("gravel")
    ramp = np.linspace(0.3, 1.2, WIDTH, dtype=np.float32)
    background = noisy(seen(full), 1)
    assert ShiftFinder().find(background, noisy(seen(full) * ramp, 2), 1.6) is None
    assert ShiftFinder().find(background, noisy(seen(full, 6, -3) * ramp, 2), 1.6) == (6, -3)


def test_a_crowd_that_walks_by_moves_nothing() -> None:
    full, crowd = world("gravel"), world("bricks")
    background = noisy(seen(full), 1)
    for step in range(8):
        image = seen(full).copy()
        image[:, : WIDTH // 2] = seen(crowd, 5 * step)[:, : WIDTH // 2]
        assert ShiftFinder().find(background, noisy(image, step), 1.6) is None


def test_another_view_is_no_move() -> None:
    assert ShiftFinder().find(noisy(seen(world("gravel")), 1), noisy(seen(world("bricks")), 2), 1.6) is None
    flat = Picture(np.full((HEIGHT, WIDTH), 90, np.float32))
    assert ShiftFinder().find(noisy(seen(world("gravel")), 1), flat, 1.6) is None
    assert ShiftFinder().find(flat, noisy(seen(world("gravel")), 1), 1.6) is None
