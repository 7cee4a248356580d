"""The motion gate on noise, light, key frames and small walkers."""

import numpy as np
import pytest

from eyespot.vision.motion import Motion, MotionGate

S = 1_000_000_000
SCENE = np.random.default_rng(5).integers(40, 200, (12, 16)).repeat(10, 0).repeat(10, 1).astype(float)


def picture(random: np.random.Generator, *, noise: float = 2.0, light: float = 0.0) -> np.ndarray:
    return np.clip(SCENE + light + random.normal(0, noise, SCENE.shape), 0, 255).astype(np.uint8)


def settled(random: np.random.Generator, noise: float = 2.0) -> tuple[MotionGate, int]:
    gate = MotionGate()
    for n in range(100):
        gate.update(picture(random, noise=noise), n * S // 5)
    return gate, 100


def play(gate: MotionGate, start: int, pictures: list[np.ndarray]) -> list[Motion]:
    return [gate.update(image, (start + n) * S // 5) for n, image in enumerate(pictures)]


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0, 8.0])
def test_a_still_scene_is_quiet_at_any_noise(noise: float) -> None:
    random = np.random.default_rng(1)
    gate, at = settled(random, noise)
    assert not any(m.moving for m in play(gate, at, [picture(random, noise=noise) for _ in range(200)]))


def test_a_small_walker_is_seen_where_it_is() -> None:
    random = np.random.default_rng(2)
    gate, at = settled(random)
    pictures = []
    for n in range(20):
        image = picture(random)
        image[60:72, 20 + 4 * n : 25 + 4 * n] = 230 if SCENE[65, 22 + 4 * n] < 130 else 10
        pictures.append(image)
    seen = play(gate, at, pictures)
    assert any(m.moving for m in seen[:4])
    for n, motion in enumerate(seen[4:], start=4):
        x, y = (22 + 4 * n) / 160, 66 / 120
        assert any(x1 <= x <= x2 and y1 <= y <= y2 for x1, y1, x2, y2 in motion.boxes)
    after = play(gate, at + 20, [picture(random) for _ in range(100)])
    assert not any(m.moving for m in after[40:])


def test_light_that_changes_everywhere_is_no_motion() -> None:
    random = np.random.default_rng(3)
    gate, at = settled(random)
    flicker = [picture(random, light=12.0 * np.sin(n)) for n in range(60)]
    assert not any(m.moving for m in play(gate, at, flicker))


def test_another_scene_is_called_so_and_then_learned() -> None:
    random = np.random.default_rng(4)
    gate, at = settled(random)
    other = [np.ascontiguousarray(picture(random)[::-1, ::-1]) for _ in range(60)]
    seen = play(gate, at, other)
    assert seen[0].scene_change
    assert not seen[-1].scene_change
    assert not seen[-1].moving


def test_boxes_are_bounded_and_inside_the_picture() -> None:
    gate = MotionGate()
    random = np.random.default_rng(6)
    for n in range(40):
        image = picture(random)
        if n > 20:
            image[random.integers(0, 120, 300), random.integers(0, 160, 300)] ^= 255
            image[8:16, :: 2 * 8] ^= 255
        motion = gate.update(image, n * S // 5)
        assert len(motion.boxes) <= 16
        assert all(0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1 for x1, y1, x2, y2 in motion.boxes)


def test_a_change_of_size_starts_anew() -> None:
    gate, at = settled(np.random.default_rng(7))
    assert gate.update(np.zeros((72, 128), np.uint8), at * S // 5).moving
