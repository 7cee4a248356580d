"""The camera's report on itself, on the sample clip and on rendered scenes, spoiled in known ways and encoded to H.264.

Frames pass a real encoder at a surveillance camera's settings and the product's own decoder, as they do live.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from eyespot.contracts.event import Event
from eyespot.contracts.packet import Packet
from eyespot.edge.scene_health import HealthWatch
from eyespot.hal.sensors.encode import H264Encoder
from eyespot.hal.sensors.scene import SceneMode, SceneSettings, SyntheticScene
from eyespot.hal.sensors.synthetic import to_frame
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.decode import Decoder

Luma = NDArray[np.uint8]
Floats = NDArray[np.float64]
Spoil = Callable[[Luma, int], NDArray[np.generic]]
"""Makes a spoiled 480 by 640 picture of a whole 576 by 768 one and its number."""

HEIGHT, WIDTH, FPS = 480, 640, 2
WRONG_S, RIGHT_S, END_S = 40, 64, 76
CAMERA_OPTIONS = {"preset": "veryfast", "tune": "zerolatency", "crf": "28"}


@dataclass(frozen=True)
class Look:
    grey: NDArray[np.uint8]
    at_ns: int
    is_key: bool


def through_encoder(lumas: Iterable[Luma], fps: int) -> list[Look]:
    """What the camera's eyes get of ``lumas``: one small image a second."""
    encoder: H264Encoder | None = None
    decoder: Decoder | None = None
    looks = []
    for index, luma in enumerate(lumas):
        height, width = luma.shape
        if encoder is None or decoder is None:
            encoder = H264Encoder(width, height, fps, CAMERA_OPTIONS)
            decoder = Decoder(encoder.format, fast=True)
        chroma = np.full((height // 2, width // 2), 128, np.uint8)
        at_ns = index * NS_PER_S // fps
        for encoded in encoder.encode(to_frame((luma, chroma, chroma)), at_ns):
            for frame in decoder.decode(Packet("video", at_ns, at_ns, NS_PER_S // fps, encoded.is_key, encoded.data)):
                if index % fps == 0:
                    looks.append(Look(frame.grey(160, round(160 * height / width)), at_ns, frame.is_key))
    return looks


def report(looks: list[Look], *, every_s: int = 1) -> list[Event]:
    """What the camera says of itself, each event as it was told last. Wall time is capture time."""
    watch, told = HealthWatch("camera"), {}
    for look in looks[::every_s]:
        told.update({one.id: one for one in watch.look(look.grey, look.at_ns, 0, is_key=look.is_key)})
    return list(told.values())


@pytest.fixture(scope="module")
def clip(sample_avi: Path) -> list[Luma]:
    with av.open(str(sample_avi)) as container:
        frames = [frame for number, frame in enumerate(container.decode(video=0)) if number % (10 // FPS) == 0]
        return [frame.reformat(format="yuv420p").to_ndarray()[: frame.height, : frame.width] for frame in frames]


def middle(full: Luma, right_px: int = 0, down_px: int = 0) -> Luma:
    """What a camera at the middle of the clip sees; its content pushed right and down by so much."""
    top, left = 48 - down_px, 64 - right_px
    return full[top : top + HEIGHT, left : left + WIDTH]


def shown(clip: list[Luma], spoil: Spoil, wrong_s: int = WRONG_S, right_s: int = RIGHT_S) -> Iterator[Luma]:
    for index in range(END_S * FPS):
        full = clip[index]
        wrong = wrong_s * FPS <= index < right_s * FPS
        image = spoil(full, index) if wrong else middle(full)
        yield np.clip(image, 16, 235).astype(np.uint8)


def soft(image: NDArray[np.generic], reach_px: int) -> Floats:
    """Out of focus: two box blurs."""
    result = image.astype(np.float64)
    for axis in (0, 1, 0, 1):
        pads = [(0, 0), (0, 0)]
        pads[axis] = (reach_px + 1, reach_px)
        sums = np.cumsum(np.pad(result, pads, mode="edge"), axis=axis)
        size, length = 2 * reach_px + 1, result.shape[axis]
        result = (np.take(sums, range(size, size + length), axis) - np.take(sums, range(length), axis)) / size
    return result


@cache
def pattern(cell_px: int, soft_px: int = 0) -> Floats:
    values = np.random.default_rng(3).integers(40, 210, (HEIGHT // cell_px, WIDTH // cell_px))
    full = np.kron(values, np.ones((cell_px, cell_px)))
    return soft(full, soft_px) if soft_px else full


@cache
def noise() -> Floats:
    return np.random.default_rng(5).normal(0, 1, (HEIGHT, WIDTH))


def left_part(share: float) -> NDArray[np.bool_]:
    return np.broadcast_to(np.arange(WIDTH) < share * WIDTH, (HEIGHT, WIDTH))


def hand(_: Luma, __: int) -> Floats:
    return 40 + 0.4 * pattern(80, 40)


def bag(_: Luma, __: int) -> Floats:
    return 200 + 0 * noise()


def patterned_bag(_: Luma, __: int) -> Floats:
    return pattern(40, 20)


def most_of_a_hand(full: Luma, index: int) -> Floats:
    return np.where(left_part(0.85), hand(full, index), middle(full))


FAULTS: dict[str, tuple[str, Spoil]] = {
    "nudged": ("moved", lambda full, _: middle(full, -10)),
    "nudged up": ("moved", lambda full, _: middle(full, 0, -12)),
    "turned a little": ("moved", lambda full, _: middle(full, 50, 20)),
    "turned away": ("moved", lambda full, _: middle(full)[::-1, ::-1]),
    "hand": ("covered", hand),
    "most of a hand": ("covered", most_of_a_hand),
    "bright bag": ("covered", bag),
    "patterned bag": ("covered", patterned_bag),
    "out of focus": ("blurred", lambda full, _: soft(middle(full), 4)),
    "far out of focus": ("blurred", lambda full, _: soft(middle(full), 12)),
    "lens cap": ("blind", lambda full, _: 16 + 0.02 * middle(full)),
}

NO_FAULTS: dict[str, Spoil] = {
    "nothing": lambda full, _: middle(full),
    "half the lights off": lambda full, _: 8 + 0.5 * middle(full),
    "most lights off": lambda full, _: 16 + 0.25 * (middle(full) - 16.0),
    "dark and noisy": lambda full, index: 20 + 0.25 * (middle(full) - 16.0) + 6 * np.roll(noise(), 37 * index, 1),
    "lights on": lambda full, _: 20 + 1.4 * middle(full),
    "a shadow over most of it": lambda full, _: np.where(left_part(0.6), 0.45, 1.0) * middle(full),
    "a crowd before half of it": lambda full, index: np.where(
        left_part(0.5), np.roll(pattern(8), (5 * index, 13 * index), (0, 1)), middle(full)
    ),
    "a lorry before half of it": lambda full, _: np.where(left_part(0.5), pattern(40), middle(full)),
    "rain": lambda full, index: np.where(np.roll(noise(), 71 * index, 1) > 2, 235, middle(full)),
    "noise": lambda full, index: middle(full) + 15 * np.roll(noise(), 37 * index, 1),
    "sway": lambda full, index: middle(full, round(6 * np.sin(index))),
    "fog": lambda full, _: 150 + 0.45 * (middle(full) - 150.0),
}


def check(event: Event, kind: str, wrong_s: int, right_s: int, *, every_s: int) -> None:
    assert event.kind == kind
    assert event.end_wall_ns is not None
    assert 0 <= event.start_wall_ns - wrong_s * NS_PER_S <= 2 * every_s * NS_PER_S
    assert 0 <= event.end_wall_ns - right_s * NS_PER_S <= 2 * every_s * NS_PER_S


@pytest.mark.footage
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_on_real_footage_is_one_event_with_start_and_end(name: str, clip: list[Luma]) -> None:
    kind, spoil = FAULTS[name]
    looks = through_encoder(shown(clip, spoil), FPS)
    for every_s in (1, 2):
        (event,) = report(looks, every_s=every_s)
        check(event, kind, WRONG_S, RIGHT_S, every_s=every_s)


@pytest.mark.footage
@pytest.mark.parametrize("name", NO_FAULTS)
def test_what_happens_on_real_footage_is_no_fault(name: str, clip: list[Luma]) -> None:
    looks = through_encoder(shown(clip, NO_FAULTS[name]), FPS)
    assert report(looks) == []
    assert report(looks, every_s=2) == []


@pytest.mark.footage
def test_a_lorry_that_stops_for_a_while_is_no_fault(clip: list[Luma]) -> None:
    def lorry(full: Luma, _: int) -> NDArray[np.generic]:
        image = middle(full).copy()
        image[30:450, 20:620] = pattern(40)[30:450, 20:620]
        return image

    assert report(through_encoder(shown(clip, lorry, 40, 52), FPS)) == []


@pytest.mark.footage
def test_how_far_a_camera_was_turned_is_said(clip: list[Luma]) -> None:
    (event,) = report(through_encoder(shown(clip, lambda full, _: middle(full, 50, 20)), FPS))
    assert event.detail["shift"] == pytest.approx([50 / WIDTH, 20 / HEIGHT], abs=0.01)


MODES: list[tuple[SceneMode, str]] = [
    ("blank", "blind"),
    ("covered", "blind"),
    ("bright", "covered"),
    ("blurred", "blurred"),
    ("moved", "moved"),
    ("nudged", "moved"),
]


def rendered(mode: SceneMode, fps: int, wrong_s: int, right_s: int, end_s: int) -> Iterator[Luma]:
    scene = SyntheticScene(SceneSettings(width_px=480, height_px=270, fps=fps, people=3, noise=3, seed=5))
    scene.switch(mode, wrong_s * fps)
    scene.switch("day", right_s * fps)
    return (scene.render(index)[0] for index in range(end_s * fps))


@pytest.mark.parametrize(("mode", "kind"), MODES)
def test_a_fault_of_a_rendered_camera_is_one_event_with_start_and_end(mode: SceneMode, kind: str) -> None:
    looks = through_encoder(rendered(mode, FPS, 30, 45, 55), FPS)
    for every_s in (1, 2):
        (event,) = report(looks, every_s=every_s)
        check(event, kind, 30, 45, every_s=every_s)


def test_night_falls_and_lifts_without_a_fault() -> None:
    assert report(through_encoder(rendered("night", FPS, 60, 120, 180), FPS)) == []


def test_a_frozen_picture_is_found_once_the_encoder_has_settled() -> None:
    looks = through_encoder(rendered("frozen", 10, 50, 80, 90), 10)
    for every_s in (1, 2):
        (event,) = report(looks, every_s=every_s)
        assert event.kind == "frozen"
        assert event.end_wall_ns is not None
        assert abs(event.start_wall_ns - 50 * NS_PER_S) <= 3 * NS_PER_S
        assert 0 <= event.end_wall_ns - 80 * NS_PER_S <= 2 * NS_PER_S


def test_minutes_without_anybody_are_not_frozen() -> None:
    scene = SyntheticScene(SceneSettings(width_px=480, height_px=270, fps=FPS, people=0, noise=1, seed=5))
    assert report(through_encoder((scene.render(index)[0] for index in range(300 * FPS)), FPS)) == []
