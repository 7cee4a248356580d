"""A frozen picture is told from a quiet one by the noise that every live sensor has."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from eyespot.vision.health.liveliness import Liveliness
from eyespot.vision.health.settings import HealthSettings

S = 1_000_000_000
Grey = NDArray[np.uint8]
HEIGHT, WIDTH = 90, 160


def live(at_s: int, noise: float = 0.5, light: float = 1.0) -> Grey:
    """A wall with a lamp, and noise that is new every second."""
    y, x = np.indices((HEIGHT, WIDTH))
    wall = 60 + x / 4 + 40 * ((x // 16 + y // 16) % 2)
    return np.clip(wall * light + np.random.default_rng(at_s).normal(0, noise, wall.shape), 0, 255).astype(np.uint8)


def watch(show: Callable[[int], Grey], seconds: int, *, gop_s: int = 1) -> list[tuple[int, int]]:
    """When the picture counted as standing still, and since when it was said to."""
    liveliness, found = Liveliness(HealthSettings()), []
    for at_s in range(seconds):
        image = show(at_s)
        since_ns = liveliness.update(
            image,
            at_s * S,
            float(image.mean()),
            is_key=at_s % gop_s == 0,
            still=bool(found and found[-1][0] == at_s - 1),
        )
        if since_ns is not None:
            found.append((at_s, since_ns // S))
    return found


@pytest.mark.parametrize("noise", [0.3, 0.5, 2.0])
def test_a_quiet_live_scene_is_never_frozen(noise: float) -> None:
    assert watch(lambda at_s: live(at_s, noise), 300) == []


def test_a_frozen_picture_is_found_and_dated_to_the_last_live_one() -> None:
    found = watch(lambda at_s: live(min(at_s, 60)), 100)
    assert found[0][0] <= 70
    assert {since_s for _, since_s in found} == {60}
    assert found[-1][0] == 99


def test_a_clock_drawn_into_the_picture_does_not_hide_it() -> None:
    def show(at_s: int) -> Grey:
        image = live(min(at_s, 60))
        image[4:10, 8:40] = np.random.default_rng(at_s).integers(0, 2, (6, 32)) * 255
        return image

    found = watch(show, 100)
    assert found
    assert found[0][1] == 60


def test_somebody_walking_shows_that_a_noise_free_picture_lives() -> None:
    def show(at_s: int) -> Grey:
        image = live(min(at_s, 60))
        left = at_s * 7 % (WIDTH - 10)
        image[20:70, left : left + 10] = 20
        return image

    assert watch(show, 150) == []


def test_an_encoder_that_repeats_the_picture_between_key_frames_is_live() -> None:
    assert watch(lambda at_s: live(at_s - at_s % 12 if at_s > 60 else at_s), 240, gop_s=12) == []


def test_less_noise_in_another_light_is_no_freeze() -> None:
    night_then_lamps = watch(lambda at_s: live(at_s, 4.0, 0.4) if at_s < 90 else live(at_s, 0.05, 1.0), 240)
    assert night_then_lamps == []


@pytest.mark.parametrize("noise", [0.0, 0.17])
def test_a_quiet_camera_stays_live_when_the_rain_stops(noise: float) -> None:
    def show(at_s: int) -> Grey:
        return live(at_s, 3.0 if 120 <= at_s < 1020 else noise)

    assert watch(show, 1200) == []


def test_somebody_who_walks_ends_it_for_good_where_nothing_else_moves() -> None:
    def show(at_s: int) -> Grey:
        image = live(at_s, 2.0 if at_s < 60 else 0.0)
        if at_s >= 100 and (at_s - 100) % 60 < 30:
            left = at_s * 7 % (WIDTH - 10)
            image[20:70, left : left + 10] = 20
        return image

    assert {at_s for at_s, _ in watch(show, 600) if at_s > 105} == set()


def test_noise_that_fades_slowly_is_no_freeze() -> None:
    assert watch(lambda at_s: live(at_s, 3.0 * 0.5 ** (at_s / 120)), 600) == []


def test_a_source_without_noise_cannot_be_told_from_a_frozen_one() -> None:
    assert watch(lambda _: live(0), 300) == []


def test_what_is_usual_is_forgotten_with_the_view() -> None:
    liveliness = Liveliness(HealthSettings())
    for at_s in range(60):
        liveliness.update(live(at_s), at_s * S, 100.0, is_key=True, still=False)
    liveliness.forget()
    frozen = live(59)
    assert [liveliness.update(frozen, at_s * S, 100.0, is_key=True, still=False) for at_s in range(60, 90)] == [
        None
    ] * 30
