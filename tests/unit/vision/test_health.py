"""Scene health on a drawn scene that is then spoiled in every way."""

from collections.abc import Callable

import numpy as np
import pytest

from eyespot.vision.health import HealthUpdate, SceneHealth

S = 1_000_000_000
Spoil = Callable[[np.ndarray], np.ndarray]


def scene() -> np.ndarray:
    random = np.random.default_rng(9)
    image = np.full((120, 200), 110.0)
    for _ in range(60):
        x, y = random.integers(0, 190), random.integers(0, 110)
        w, h = random.integers(4, 40), random.integers(4, 30)
        image[y : y + h, x : x + w] = random.integers(20, 230)
    return image


def soft(image: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        image = sum(np.roll(image, step, axis) for step in range(-2, 3)) / 5
    return image


def watch(spoil: Spoil, *, freeze: bool = False, every_s: int = 1) -> list[HealthUpdate]:
    """Two minutes of the scene, of which 60 s to 90 s are spoiled."""
    health, full, random = SceneHealth(), scene(), np.random.default_rng(1)
    updates, shown = [], np.zeros((120, 160), np.uint8)
    for at_s in range(0, 120, every_s):
        spoiled = 60 <= at_s < 90
        if not (spoiled and freeze):
            image = spoil(full) if spoiled else full
            shown = np.clip(image[:, :160] + random.normal(0, 1.5, (120, 160)), 0, 255).astype(np.uint8)
        updates += health.update(shown, at_s * S)
    return updates


def check(updates: list[HealthUpdate], kind: str) -> None:
    assert [(u.kind, u.phase) for u in updates] == [(kind, "start"), (kind, "end")]
    end_ns = updates[1].end_ns
    assert end_ns is not None
    assert 58 * S <= updates[1].start_ns <= 64 * S
    assert 90 * S <= end_ns <= 94 * S


@pytest.mark.parametrize(
    ("kind", "spoil"),
    [
        ("blind", lambda image: image * 0.03),
        ("covered", lambda image: image * 0 + 90),
        ("covered", lambda image: 60 + np.linspace(0, 60, 200)[None] + 0 * image),
        ("blurred", soft),
        ("moved", lambda image: np.roll(image, 2, 1)),
        ("moved", lambda image: np.roll(image, 14, 1)),
        ("moved", lambda image: np.roll(image, (-9, 5), (0, 1))),
        ("moved", lambda image: image[::-1, ::-1]),
    ],
)
@pytest.mark.parametrize("every_s", [1, 2])
def test_what_is_wrong_is_named_once_with_start_and_end(kind: str, spoil: Spoil, every_s: int) -> None:
    check(watch(spoil, every_s=every_s), kind)


@pytest.mark.parametrize("every_s", [1, 2])
def test_a_picture_that_never_changes_is_frozen(every_s: int) -> None:
    check(watch(lambda image: image, freeze=True, every_s=every_s), "frozen")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: image * 0.5,
        lambda image: image * 1.3 + 20,
        lambda image: image * 0.3 + 10,
        lambda image: np.where(np.indices(image.shape)[1] < 50, 30.0, image),
    ],
)
def test_light_and_large_objects_are_no_fault(spoil: Spoil) -> None:
    assert watch(spoil) == []


def test_a_noise_free_source_is_never_frozen() -> None:
    health, image = SceneHealth(), scene()[:, :160].astype(np.uint8)
    assert [u for at_s in range(300) for u in health.update(image, at_s * S)] == []


def test_a_new_view_is_accepted_in_the_end() -> None:
    health, full, random = SceneHealth(), scene(), np.random.default_rng(1)
    updates = []
    for at_s in range(240):
        image = full[:, 40:] if at_s >= 30 else full[:, :160]
        shown = np.clip(image + random.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8)
        updates += health.update(shown, at_s * S)
    assert [(u.kind, u.phase) for u in updates] == [("moved", "start"), ("moved", "end")]
    assert health.active == {}
