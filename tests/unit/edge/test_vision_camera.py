"""One camera's looking: the newest picture wins, and the camera gives way when time is short."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from eyespot.contracts.detections import Detections
from eyespot.contracts.event import Event
from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.contracts.track import TracksMessage
from eyespot.edge.config import CameraSettings
from eyespot.edge.config_parts import StreamSettings
from eyespot.edge.detector import Detectors
from eyespot.edge.relief import SHORTEST_S
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, not_found
from eyespot.media.packet_socket import PacketClient
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.scripted_detector import ScriptedDetector
from eyespot.testing.sim_clock import SimClock
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

START_NS = NS_PER_S


class Feed:
    """Units as a test hands them over, in the place of the packet socket."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Unit] = asyncio.Queue()

    async def units(self, *_: Any, **__: Any) -> AsyncGenerator[Unit, None]:
        while True:
            yield await self.queue.get()

    def gather(self, *_: Any) -> None:
        return


class Gated(ScriptedDetector):
    """Detections wait until the test opens the gate."""

    def __init__(self) -> None:
        super().__init__(lambda _: [])
        self.gate = asyncio.Event()

    async def detect(self, image: Any, asked: Any) -> Detections:
        found = await super().detect(image, asked)
        await self.gate.wait()
        return found


class Rig:
    def __init__(self, detector: Any, media_dir: Path, rate_hz: float) -> None:
        self.feed, self.clock, self.bus, self.events = Feed(), SimClock(), MemoryBus(), list[Event]()
        self.workers = ThreadPoolExecutor(2)
        shared = Shared(
            cast(PacketClient, self.feed), self.bus, self.clock, self.workers, cast(Detectors, detector),
            self.events.append,
        )  # fmt: skip
        camera = CameraSettings.model_validate(
            {"id": "cam", "stream": [StreamSettings(source="synthetic:")], "detect": {"rate_hz": rate_hz}}
        )
        self.camera = VisionCamera(camera, shared, media_dir)

    def counts(self, name: str) -> int:
        return int(self.camera.status()["counts"][name])

    def messages(self) -> list[TracksMessage]:
        return [TracksMessage.model_validate_json(one.data) for one in self.bus.published]

    async def hand(self, *units: Unit) -> None:
        """Hand units over at once, and wait until all are decoded or passed over."""
        status = self.camera.status()
        handled = self.counts("frames_decoded") + int(status["skipped"])
        for unit in units:
            self.feed.queue.put_nowait(unit)
        count = sum(isinstance(unit, Packet) for unit in units)
        await until(lambda: self.counts("frames_decoded") + int(self.camera.status()["skipped"]) >= handled + count)
        await asyncio.sleep(0.01)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


@asynccontextmanager
async def looking(detector: Any, media_dir: Path, rate_hz: float = 10.0) -> AsyncIterator[Rig]:
    rig, stop = Rig(detector, media_dir, rate_hz), asyncio.Event()
    running = asyncio.create_task(rig.camera.run(stop))
    try:
        yield rig
    finally:
        stop.set()
        if isinstance(detector, Gated):
            detector.gate.set()
        await running
        rig.workers.shutdown()


@pytest.fixture(scope="module")
def scene() -> SyntheticScene:
    return SyntheticScene(SceneSettings(width_px=160, height_px=96, fps=10, people=2))


@pytest.fixture(scope="module")
def clip(scene: SyntheticScene) -> tuple[StreamFormat, list[Packet]]:
    return encode_scene(scene, 120, start_ns=START_NS)


async def test_the_newest_picture_wins(clip: tuple[StreamFormat, list[Packet]], tmp_path: Path) -> None:
    stream, packets = clip
    detector = Gated()
    async with looking(detector, tmp_path) as rig:
        await rig.hand(stream, packets[0])
        await until(lambda: detector.asked_ns)
        for packet in packets[1:8]:
            await rig.hand(packet)
        assert detector.asked_ns == [packets[0].capture_ns], "one detection at a time"
        assert rig.camera.status()["missed"] > 0
        detector.gate.set()
        await until(rig.messages)
        await rig.hand(*packets[8:11])
        await until(lambda: len(detector.asked_ns) == 2)
        assert detector.asked_ns[1] == packets[10].capture_ns


async def test_a_look_begun_while_stopping_is_concluded_before_everything_ends(
    clip: tuple[StreamFormat, list[Packet]], tmp_path: Path
) -> None:
    class Slow(Gated):
        """The picture for the detector is still being made when the stop comes."""

        def __init__(self) -> None:
            super().__init__()
            self.making, self.made = threading.Event(), threading.Event()

        def image(self, frame: Any, region: Any = None) -> Any:
            self.making.set()
            self.made.wait()
            return super().image(frame, region)

    stream, packets = clip
    detector = Slow()
    rig, stop = Rig(detector, tmp_path, 10.0), asyncio.Event()
    running = asyncio.create_task(rig.camera.run(stop))
    rig.feed.queue.put_nowait(stream)
    rig.feed.queue.put_nowait(packets[0])
    await asyncio.to_thread(detector.making.wait)
    stop.set()
    await asyncio.sleep(0.05)
    detector.made.set()
    await until(lambda: detector.asked_ns)
    await asyncio.sleep(0.05)
    assert not running.done(), "the look is still under way"
    detector.gate.set()
    await running
    assert len(rig.messages()) == 1
    rig.workers.shutdown()


async def test_a_look_that_fails_is_counted_and_the_next_one_goes_on(
    clip: tuple[StreamFormat, list[Packet]], tmp_path: Path
) -> None:
    class Broken(ScriptedDetector):
        async def detect(self, image: Any, asked: Any) -> Detections:
            if not self.asked_ns:
                self.asked_ns.append(asked.capture_ns)
                raise ValueError("no such colour")
            return await super().detect(image, asked)

    stream, packets = clip
    async with looking(Broken(lambda _: []), tmp_path) as rig:
        await rig.hand(stream, packets[0])
        await until(lambda: rig.camera.status()["missed"] == 1)
        await rig.hand(*packets[1:6])
        await until(rig.messages)


async def test_the_rate_is_as_set(clip: tuple[StreamFormat, list[Packet]], tmp_path: Path) -> None:
    stream, packets = clip
    detector = ScriptedDetector(lambda _: [])
    async with looking(detector, tmp_path, rate_hz=2.0) as rig:
        await rig.hand(stream)
        for packet in packets[:40]:
            rig.feed.queue.put_nowait(packet)
            await asyncio.sleep(0.005)
        await until(lambda: rig.messages() and rig.messages()[-1].capture_ns >= packets[35].capture_ns)
        assert 6 <= len(detector.asked_ns) <= 9
        gaps = [b - a for a, b in zip(detector.asked_ns, detector.asked_ns[1:], strict=False)]
        assert min(gaps) >= 0.25 * NS_PER_S


async def test_a_camera_that_falls_behind_looks_at_key_frames_until_it_may_recover(
    clip: tuple[StreamFormat, list[Packet]], scene: SyntheticScene, tmp_path: Path
) -> None:
    stream, packets = clip
    keys = [place for place, packet in enumerate(packets) if packet.is_key]
    newest = max(place for place in keys if place < 60)
    detector = ScriptedDetector.of_scene(scene, START_NS)
    async with looking(detector, tmp_path) as rig:
        await rig.hand(stream, *packets[:60])
        assert rig.camera.status()["mode"] == "relief"
        assert rig.counts("frames_dropped") == newest
        assert rig.counts("frames_decoded") == 1
        await until(lambda: detector.asked_ns == [packets[newest].capture_ns])
        await rig.hand(*packets[60:75])
        assert rig.counts("frames_decoded") == 1 + sum(60 <= place < 75 for place in keys)
        await rig.clock.advance(SHORTEST_S + 1)
        again = next(place for place in keys if place >= 75)
        await rig.hand(*packets[75 : again + 1])
        await until(lambda: rig.camera.status()["mode"] == "active")
        after = next(place for place in keys if place > again)
        before = rig.counts("frames_decoded")
        await rig.hand(*packets[again + 1 : after + 3])
        assert rig.counts("frames_decoded") - before >= 3
        assert rig.camera.status()["corrupt"] == 0


async def test_without_a_model_the_camera_is_watched_and_says_why_nothing_is_found(
    clip: tuple[StreamFormat, list[Packet]], tmp_path: Path
) -> None:
    class Missing:
        def get(self, name: str, aspect: float, step: int) -> None:
            raise not_found(f"There is no model package {name}.", "Build it.")

    stream, packets = clip
    async with looking(Missing(), tmp_path) as rig:
        await rig.hand(stream, *packets[:3])
        await until(rig.messages)
        assert rig.messages()[-1].tracks == ()
        status = rig.camera.status()
        assert status["state"] == "watching"
        assert "no model package" in status["error"]


@pytest.mark.parametrize(("kind", "tells"), [(Kind.EXHAUSTED, False), (Kind.INTERNAL, True)])
async def test_a_detection_that_fails_costs_one_picture(
    clip: tuple[StreamFormat, list[Packet]], tmp_path: Path, kind: Kind, tells: bool
) -> None:
    class Failing(ScriptedDetector):
        async def detect(self, image: Any, asked: Any) -> Detections:
            found = await super().detect(image, asked)
            if len(self.asked_ns) == 1:
                raise EyespotError(kind, "The lane failed.")
            return found

    stream, packets = clip
    detector = Failing(lambda _: [])
    async with looking(detector, tmp_path) as rig:
        await rig.hand(stream, packets[0])
        await until(lambda: rig.camera.status()["missed"] == 1)
        assert bool(rig.camera.error) is tells
        await rig.hand(*packets[1:4])
        await until(rig.messages)
        assert rig.messages()[0].capture_ns == packets[3].capture_ns
        assert rig.camera.status()["inferences"] == 1
