"""Closer looks at far objects, on real footage: far people are found with them, near people cost nothing more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections
from eyespot.contracts.event import Event
from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.edge.config import CameraSettings, VisionSettings
from eyespot.edge.config_parts import StreamSettings
from eyespot.edge.detector import Asked, Detector, Detectors, make_detector
from eyespot.edge.regions import Regions
from eyespot.edge.scene import Scene
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.hal.sensors.encode import H264Encoder
from eyespot.infer.package import ModelPackage
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.media.decode import Frame
from eyespot.media.hub import Hub
from eyespot.media.packet_socket import PacketClient, PacketServer
from eyespot.media.pixels import Scalers
from eyespot.testing.memory_bus import MemoryBus
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


def far_away(frame: VideoFrame, side: float, width_px: int = WIDE_PX, height_px: int = HIGH_PX) -> VideoFrame:
    """``frame`` small in the lower right corner of a large still picture."""
    small = frame.reformat(width=round(768 * side), height=round(576 * side), format="yuv420p").to_ndarray()
    rows, columns = round(576 * side), round(768 * side)
    grain = np.random.default_rng(3).integers(90, 110, (height_px * 3 // 2, width_px), np.uint8)
    canvas = grain.astype(np.uint8)
    canvas[height_px:] = 128
    top, left = height_px - rows - 200, width_px - columns - 200
    canvas[top : top + rows, left : left + columns] = small[:rows]
    chroma = canvas[height_px:].reshape(2, height_px // 2, width_px // 2)
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
        whole = _found(detector, detector.image(frame), Asked(frame.capture_ns, aspect, wanted))
        chosen = regions.choose(whole, motion.boxes, scene.boxes, (frame.width_px, frame.height_px), detector.input_px)
        parts: list[Detections] = [
            _found(detector, detector.image(frame, region), Asked(frame.capture_ns, aspect, wanted, region))
            for region in chosen
        ]
        found = regions.join(whole, chosen, parts)
        seen.people += int((found.scores >= camera.detect.score).sum())
        scene.detected(found, 0)
        seen.looks += 1
    seen.regions = regions.looked
    return seen


def _found(detector: Detector, image: NDArray[np.uint8], asked: Asked) -> Detections:
    return detector.settle([detector.submit(image, asked).result()])[0]


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


FAR_FPS, PACE_S = 5, 0.1
"""Pictures come twice as fast as they were taken: time enough for closer looks."""
FAR_SIDE, FAR_AT = 0.3125, (1480 / 1920, 700 / 1080, 1720 / 1920, 880 / 1080)
"""How small ``far_away`` makes a frame for a 1080p picture, and where it puts it: people are about 25 pixels high."""


def far_stream(clip: Path, first: int, last: int) -> tuple[StreamFormat, list[Packet]]:
    """Frames of the clip, small and far in a 1080p picture, as a camera sends them: H.264, a key frame a second."""
    encoder = H264Encoder(1920, 1080, FAR_FPS)
    packets = []
    for number, frame in pictures(clip, first, last, 2):
        capture_ns = NS_PER_S + (number - first) // 2 * NS_PER_S // FAR_FPS
        for made in encoder.encode(far_away(frame, FAR_SIDE, 1920, 1080), capture_ns):
            packets.append(Packet("video", capture_ns, capture_ns, NS_PER_S // FAR_FPS, made.is_key, made.data))
    return StreamFormat(encoder.format, None, 0), packets


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"never happened: {what}")


@asynccontextmanager
async def camera_on(
    hub: Hub, most: int, models: Path, folder: Path, events: list[Event]
) -> AsyncIterator[VisionCamera]:
    """A vision camera that reads ``hub`` over the packet socket, with the real model."""
    stop, workers, detectors = asyncio.Event(), ThreadPoolExecutor(1), Detectors(models, VisionSettings())
    socket = folder / "packets.sock"
    server = asyncio.create_task(PacketServer(socket, {("cam", "main"): hub}).run(stop))
    await until(socket.exists, "the socket")
    shared = Shared(PacketClient(socket), MemoryBus(), SystemClock(), workers, detectors, events.append)
    document = {"id": "cam", "stream": [{"source": "x"}], "detect": {"regions": most, "labels": ["person"]}}
    camera = VisionCamera(CameraSettings.model_validate(document), shared, folder / "media")
    running = asyncio.create_task(camera.run(stop))
    await until(lambda: hub.status()["readers"], "the camera reads")
    try:
        yield camera
    finally:
        stop.set()
        await asyncio.gather(running, server)
        workers.shutdown()
        detectors.close()


async def test_a_camera_finds_a_far_person_thanks_to_closer_looks(
    sample_avi: Path, model_dir: Path, tmp_path: Path
) -> None:
    stream, packets = far_stream(sample_avi, 0, 120)
    found: dict[int, list[Event]] = {0: [], 1: []}
    status = {}
    for most, events in found.items():
        hub = Hub("cam/main")
        folder = tmp_path / str(most)
        folder.mkdir()
        async with camera_on(hub, most, model_dir, folder, events) as camera:
            hub.publish(stream)
            for packet in packets:
                hub.publish(packet)
                await asyncio.sleep(PACE_S)
            status[most] = camera.status()
    assert status[0]["regions"] == 0
    assert status[0]["inferences"] > 20
    assert found[0] == [], "the whole picture alone shows nobody"
    assert status[1]["regions"] > 0
    people = [event for event in found[1] if (event.kind, event.label) == ("object", "person")]
    assert people != []
    for event in people:
        assert event.best_box is not None
        left, top, right, bottom = event.best_box
        assert (bottom - top) * 1080 < 50, "small"
        assert FAR_AT[0] <= (left + right) / 2 <= FAR_AT[2], "where the people walk"
        assert FAR_AT[1] <= (top + bottom) / 2 <= FAR_AT[3]
    pictures_kept = {event.picture for event in people} - {""}
    assert any((tmp_path / "1" / "media" / name).read_bytes().startswith(b"\xff\xd8") for name in pictures_kept)
