"""Closer looks at far objects, on real footage: far people are found with them, near people cost nothing more."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.edge.config import CameraSettings, VisionSettings
from eyespot.edge.config_parts import StreamSettings
from eyespot.edge.detector import Asked, Detector, make_detector
from eyespot.edge.regions import Regions
from eyespot.edge.scene import Scene
from eyespot.infer.package import ModelPackage
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.decode import Frame
from eyespot.media.pixels import Scalers
from eyespot.vision.motion import MotionGate

pytestmark = pytest.mark.footage
FRAME_NS = 100_000_000
WIDE_PX, HIGH_PX = 3840, 2160


@dataclass
class Seen:
    """What a run over some pictures gave."""

    looks: int = 0
    regions: int = 0
    people: int = 0


def pictures(clip: Path, start: int, stop: int, step: int) -> Iterator[tuple[int, VideoFrame]]:
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= stop:
                return
            if number >= start and number % step == 0:
                yield number, frame


def far_away(frame: VideoFrame, side: float) -> VideoFrame:
    """``frame`` small in the lower right corner of a large still picture."""
    small = frame.reformat(width=round(768 * side), height=round(576 * side), format="yuv420p").to_ndarray()
    rows, columns = round(576 * side), round(768 * side)
    grain = np.random.default_rng(3).integers(90, 110, (HIGH_PX * 3 // 2, WIDE_PX), np.uint8)
    canvas = grain.astype(np.uint8)
    canvas[HIGH_PX:] = 128
    top, left = HIGH_PX - rows - 200, WIDE_PX - columns - 200
    canvas[top : top + rows, left : left + columns] = small[:rows]
    chroma = canvas[HIGH_PX:].reshape(2, HIGH_PX // 2, WIDE_PX // 2)
    halves = small[rows:].reshape(2, rows // 2, columns // 2)
    chroma[:, top // 2 : (top + rows) // 2, left // 2 : (left + columns) // 2] = halves
    return VideoFrame.from_ndarray(canvas, format="yuv420p")


def watch(frames: Iterator[tuple[int, VideoFrame]], detector: Detector, most: int, tmp_path: Path) -> Seen:
    camera = CameraSettings(id="cam", stream=(StreamSettings(source="x"),))
    scene, gate, regions = Scene(camera, tmp_path), MotionGate(), Regions(most, camera.detect.score)
    scene.labels = detector.labels
    wanted, seen, scalers = detector.wanted(("person",)), Seen(), Scalers()
    for number, picture in frames:
        picture.pts, picture.time_base = (number + 1) * FRAME_NS, Fraction(1, NS_PER_S)
        frame = Frame(picture, scalers)
        aspect = frame.width_px / frame.height_px
        grey: NDArray[np.uint8] = frame.grey(160, round(160 / aspect))
        motion = gate.update(grey, frame.capture_ns)
        whole = detector.submit(detector.image(frame), Asked(frame.capture_ns, aspect, wanted)).result()
        chosen = regions.choose(whole, motion.boxes, scene.boxes, (frame.width_px, frame.height_px), detector.input_px)
        parts: list[Detections] = [
            detector.submit(detector.image(frame, region), Asked(frame.capture_ns, aspect, wanted, region)).result()
            for region in chosen
        ]
        found = regions.join(whole, chosen, parts)
        seen.people += int((found.scores >= camera.detect.score).sum())
        scene.detected(found, 0)
        seen.looks += 1
    seen.regions = regions.looked
    return seen


@pytest.fixture(scope="module")
def package(model_dir: Path) -> ModelPackage:
    return ModelPackage.load(model_dir / "nanodet-g")


def test_people_near_enough_cost_no_closer_looks(sample_avi: Path, package: ModelPackage, tmp_path: Path) -> None:
    detector = make_detector(package, 768 / 576, VisionSettings())
    seen = watch(pictures(sample_avi, 0, 300, 2), detector, 1, tmp_path)
    detector.close()
    assert seen.people > 300
    assert seen.regions < seen.looks * 0.1


def test_far_people_are_found_with_closer_looks_alone(sample_avi: Path, package: ModelPackage, tmp_path: Path) -> None:
    detector = make_detector(package, WIDE_PX / HIGH_PX, VisionSettings())
    found = []
    for most in (0, 1):
        far = ((number, far_away(frame, 1.0)) for number, frame in pictures(sample_avi, 0, 80, 2))
        found.append(watch(far, detector, most, tmp_path))
    detector.close()
    blind, sharp = found
    assert blind.regions == 0
    assert 0 < sharp.regions <= sharp.looks
    assert blind.people == 0
    assert sharp.people > 20
