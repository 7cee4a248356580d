"""A live camera's adaptive schedule against its steady one, on a scene whose truth is known."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from eyespot.bench.schedule_replay import replay
from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.contracts.track import TracksMessage
from eyespot.edge.adaptive import live_settings
from eyespot.edge.config import CameraSettings
from eyespot.edge.detector import Detectors
from eyespot.kernel.clock import NS_PER_S
from eyespot.testing.scripted_detector import ScriptedDetector
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

START_NS = NS_PER_S
FPS, FRAMES, RATE_HZ = 10, 600, 5.0
Encoded = tuple[StreamFormat, list[Packet]]


@pytest.fixture(scope="module")
def scene() -> SyntheticScene:
    return SyntheticScene(SceneSettings(width_px=320, height_px=192, fps=FPS, people=1, seed=4))


@pytest.fixture(scope="module")
def clip(scene: SyntheticScene) -> Encoded:
    return encode_scene(scene, FRAMES, start_ns=START_NS)


async def show(
    clip: Encoded, detector: ScriptedDetector, schedule: str, folder: Path
) -> tuple[list[int], list[TracksMessage]]:
    """When the detector was asked, and what was told, with ``schedule``."""

    async def units() -> AsyncIterator[Unit]:
        yield clip[0]
        for packet in clip[1]:
            yield packet

    detect = {"schedule": schedule, "rate_hz": RATE_HZ, "regions": 0}
    camera = CameraSettings.model_validate({"id": "cam", "stream": [{"source": "synthetic:"}], "detect": detect})
    _, messages, _ = await replay(units(), camera, cast(Detectors, detector), folder)
    return detector.asked_ns, messages


def appearances(scene: SyntheticScene) -> list[int]:
    """Capture times at which a figure has just come into view."""
    shown = [any(each.visible >= 0.5 for each in scene.truth(index)) for index in range(FRAMES)]
    return [
        START_NS + index * NS_PER_S // FPS
        for index in range(FRAMES)
        if shown[index] and not (index and shown[index - 1])
    ]


async def test_something_new_is_seen_as_soon_for_fewer_detections(
    scene: SyntheticScene, clip: Encoded, tmp_path: Path
) -> None:
    steady, steadily_told = await show(clip, ScriptedDetector.of_scene(scene, START_NS), "steady", tmp_path)
    adaptive, told = await show(clip, ScriptedDetector.of_scene(scene, START_NS), "adaptive", tmp_path)
    begins = appearances(scene)
    assert len(begins) >= 3
    for begin_ns in begins:
        first = [next(at_ns for at_ns in asked if at_ns >= begin_ns) for asked in (steady, adaptive)]
        assert first[0] == first[1]
    assert set(adaptive) <= set(steady), "never above the rate"
    assert len(adaptive) < 0.65 * len(steady)
    assert [message.capture_ns for message in told] == [message.capture_ns for message in steadily_told]


async def test_a_known_object_is_told_of_in_every_look(scene: SyntheticScene, clip: Encoded, tmp_path: Path) -> None:
    asked, told = await show(clip, ScriptedDetector.of_scene(scene, START_NS), "adaptive", tmp_path)
    carried = [message for message in told if message.tracks and message.capture_ns not in asked]
    assert len(carried) > 20
    for message in carried:
        index = round((message.capture_ns - START_NS) * FPS / NS_PER_S)
        truth = [each.box for each in scene.truth(index) if each.visible >= 0.9]
        for track in message.tracks if truth else ():
            assert track.state != "occluded"
            assert track.box[0] == pytest.approx(truth[0][0], abs=0.05)


async def test_what_nobody_recognises_is_looked_at_at_the_floor_rate_at_least(
    scene: SyntheticScene, clip: Encoded, tmp_path: Path
) -> None:
    steady, _ = await show(clip, ScriptedDetector(lambda _: []), "steady", tmp_path)
    adaptive, _ = await show(clip, ScriptedDetector(lambda _: []), "adaptive", tmp_path)
    assert len(adaptive) < len(steady)
    longest_ns = max(end - begin for begin, end in pairwise(steady) if end - begin < NS_PER_S)
    floor_ns = round(NS_PER_S / live_settings(RATE_HZ).floor_hz)
    walking = [
        at_ns
        for at_ns in steady
        for figures in [scene.truth(round((at_ns - START_NS) * FPS / NS_PER_S))]
        if figures and figures[0].visible >= 0.5
    ]
    assert len(walking) > 50
    for at_ns in walking:
        last_ns = max(one for one in adaptive if one <= at_ns)
        assert at_ns - last_ns < floor_ns + longest_ns
