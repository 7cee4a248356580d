"""Vision's parts on the real sample clip: the picture is healthy, people are motion, tracks last, rules count them."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.vision.heads.registry import find_head
from eyespot.vision.health import SceneHealth
from eyespot.vision.motion import MotionGate
from eyespot.vision.rules import RuleEngine, RuleUpdate
from eyespot.vision.track import Tracker
from eyespot.vision.zones import Line, Zone

pytestmark = pytest.mark.footage
FRAME_NS = 100_000_000


@pytest.fixture(scope="module")
def greys(sample_avi: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(sample_avi)) as container:
        return [
            frame.reformat(width=160, height=120, format="gray8", interpolation="AREA").to_ndarray()
            for frame in container.decode(video=0)
        ]


@pytest.fixture(scope="module")
def people(sample_avi: Path, model_dir: Path) -> list[Detections]:
    """Detections of every second frame of the first 40 s: 5 a second."""
    package = ModelPackage.load(model_dir / "nanodet-g")
    document, aspect = package.document, 768 / 576
    head = find_head(document.head)
    session = open_session(package, size_px=document.input.fit(aspect))
    height, width = session.input_px
    found = []
    with av.open(str(sample_avi)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= 400:
                break
            if number % 2:
                continue
            pixels = frame.to_ndarray(format=f"{document.input.order}24", width=width, height=height)
            outputs = session.run(pixels.astype(np.uint8, copy=False))
            found.append(
                head(
                    outputs,
                    labels=document.labels,
                    score_threshold=0.2,
                    capture_ns=number * FRAME_NS,
                    aspect=aspect,
                    input_px=session.input_px,
                )
            )
    session.close()
    return found


def test_the_untouched_clip_raises_no_health_alarm(greys: list[NDArray[np.uint8]]) -> None:
    for step in (1, 10):
        health = SceneHealth()
        assert [u for n, image in enumerate(greys[::step]) for u in health.update(image, n * step * FRAME_NS)] == []


def test_people_are_motion_and_a_frozen_scene_is_not(greys: list[NDArray[np.uint8]]) -> None:
    gate = MotionGate()
    seen = [gate.update(image, n * FRAME_NS) for n, image in enumerate(greys)]
    assert all(motion.moving for motion in seen)
    assert not any(motion.scene_change for motion in seen)
    random = np.random.default_rng(1)
    still = greys[-1].astype(float)
    later = [
        gate.update(np.clip(still + random.normal(0, 2, still.shape), 0, 255).astype(np.uint8), (795 + n) * FRAME_NS)
        for n in range(1200)
    ]
    assert not any(motion.moving for motion in later[-300:])


def test_tracks_last_and_rules_count_them(people: list[Detections]) -> None:
    tracker = Tracker()
    whole = Zone(name="all", points=((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), loiter_s=5.0, max_objects=2)
    engine = RuleEngine(["person"], [whole], [Line(name="middle", a=(0.5, 1.0), b=(0.5, 0.0))])
    updates: list[RuleUpdate] = []
    ids: dict[int, int] = {}
    for found in people:
        tracks = tracker.update(found)
        updates += engine.update(tracks)
        for number in tracks.ids.tolist():
            ids[number] = ids.get(number, 0) + 1
    updates += engine.finish(400 * FRAME_NS)
    assert 5 <= len(ids) <= 25
    assert sorted(ids.values())[-1] > 50
    started = {u.number for u in updates if u.phase == "start"}
    ended = {u.number for u in updates if u.phase == "end"}
    assert started == ended
    assert {u.kind for u in updates} == {"object", "zone", "loiter", "line", "occupancy"}
    assert sum(sum(counts) for counts in engine.counts().values()) >= 1
    assert all(u.end_ns is not None and u.end_ns >= u.start_ns for u in updates if u.phase == "end")
