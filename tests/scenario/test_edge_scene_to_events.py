"""From a rendered scene over the packet socket to events: what truly happened, when it happened, and once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from eyespot.bus import subjects
from eyespot.contracts.event import Event
from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.edge.config import CameraSettings
from eyespot.edge.detector import Detectors
from eyespot.edge.events.store import EventStore
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.media.hub import Hub
from eyespot.media.packet_socket import PacketClient, PacketServer
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.scripted_detector import ScriptedDetector
from eyespot.testing.synthetic_camera import SceneMode, SceneSettings, SyntheticScene, encode_scene

START_NS = NS_PER_S
OFFSET_NS = 1_700_000_000 * NS_PER_S
SLACK_S = 1.5
MIDDLE = {"name": "middle", "points": [(0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)]}
WIRE = {"name": "wire", "a": (0.5, 0.0), "b": (0.5, 1.0)}


class PromptClient(PacketClient):
    """Never asks the server to gather packets, so that a test may run faster than time."""

    def units(self, *names: Any, **options: Any) -> Any:
        return super().units(*names, **{**options, "batch_ms": 0})

    def gather(self, *_: Any) -> None:
        return


class Rig:
    """A camera's packets on a socket, a camera that looks at them, and a store and a bus that take its events."""

    def __init__(self, scene: SyntheticScene, folder: Path) -> None:
        self.hub, self.bus, self.clock = Hub("cam/main"), MemoryBus(), SystemClock()
        self.socket = folder / "run" / "packets.sock"
        self.server = PacketServer(self.socket, {("cam", "main"): self.hub})
        self.store = EventStore(folder / "events.db")
        self.writer = EventWriter(self.store, self.bus, self.clock)
        self.workers = ThreadPoolExecutor(1)
        detectors = cast(Detectors, ScriptedDetector.of_scene(scene, START_NS))
        client = PromptClient(self.socket)
        shared = Shared(client, self.bus, self.clock, self.workers, detectors, self.writer.submit)
        document = {"id": "cam", "stream": [{"source": "synthetic:"}], "zone": [MIDDLE], "line": [WIRE]}
        self.camera = VisionCamera(CameraSettings.model_validate(document), shared, folder / "media")

    async def play(self, stream: StreamFormat, packets: list[Packet]) -> None:
        """Each packet is looked at before the next one comes."""
        self.hub.publish(stream)
        await until(lambda: self.camera.status()["state"] == "watching")
        for sent, packet in enumerate(packets, 1):
            self.hub.publish(packet)
            await self._until_handled(sent)
            await asyncio.sleep(0.002)

    async def _until_handled(self, sent: int) -> None:
        await until(lambda: self.handled >= sent)

    @property
    def handled(self) -> int:
        status = self.camera.status()
        return int(status["skipped"]) + int(status["counts"]["frames_decoded"])

    def stored(self, kind: str) -> list[Event]:
        found = self.store.between("cam", OFFSET_NS, OFFSET_NS + 3600 * NS_PER_S)
        return [event for event in found if event.kind == kind]

    def told(self, kind: str) -> list[Event]:
        """What the bus carried."""
        messages = [one for one in self.bus.published if one.subject == subjects.events("cam")]
        events = [Event.model_validate_json(one.data) for one in messages]
        return [event for event in events if event.kind == kind]


async def until(condition: Callable[[], object]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never happened")


@asynccontextmanager
async def looking(scene: SyntheticScene, folder: Path) -> AsyncIterator[Rig]:
    rig, stop, stop_shared = Rig(scene, folder), asyncio.Event(), asyncio.Event()
    serving = [asyncio.create_task(one.run(stop_shared)) for one in (rig.server, rig.writer)]
    await until(rig.socket.exists)
    camera = asyncio.create_task(rig.camera.run(stop))
    try:
        yield rig
    finally:
        stop.set()
        await camera
        stop_shared.set()
        await asyncio.gather(*serving)
        rig.workers.shutdown()
        rig.store.close()


def wall_ns(frame: int, fps: float) -> int:
    return START_NS + round(frame * NS_PER_S / fps) + OFFSET_NS


def near(event_ns: int | None, expected_ns: int) -> bool:
    return event_ns is not None and abs(event_ns - expected_ns) < SLACK_S * NS_PER_S


async def test_a_walk_through_the_picture_is_told_as_it_happened(tmp_path: Path) -> None:
    scene = SyntheticScene(SceneSettings(width_px=320, height_px=180, fps=10, people=1, seed=3))
    truth = [next((each for each in scene.truth(index) if each.visible >= 0.5), None) for index in range(400)]
    feet = [None if one is None else (one.box[0] + one.box[2]) / 2 for one in truth]
    begin = next(place for place, foot in enumerate(feet) if foot is not None)
    enters = next(place for place in range(begin, 400) if 0.3 <= (feet[place] or 0) <= 0.7)
    leaves = next(place for place in range(enters, 400) if not 0.3 <= (feet[place] or 0) <= 0.7)
    end = leaves + 12
    assert all(foot is not None for foot in feet[begin:end]), "one walk, seen all the way"
    scene.switch("blank", end)
    crossing = next(
        place for place in range(begin + 1, end) if ((feet[place - 1] or 0) < 0.5) != ((feet[place] or 0) < 0.5)
    )
    stream, packets = encode_scene(scene, end + 60, start_ns=START_NS, wall_offset_ns=OFFSET_NS)
    async with looking(scene, tmp_path) as rig:
        await rig.play(stream, packets)
        await until(lambda: any(event.end_wall_ns for event in rig.told("object")))

        walk = next(event for event in rig.stored("object") if near(event.start_wall_ns, wall_ns(begin, 10)))
        assert walk.label == "person"
        assert near(walk.end_wall_ns, wall_ns(end, 10))
        assert (tmp_path / "media" / walk.picture).read_bytes().startswith(b"\xff\xd8")
        visit = next(event for event in rig.stored("zone") if near(event.start_wall_ns, wall_ns(enters, 10)))
        assert visit.zone == "middle"
        assert near(visit.end_wall_ns, wall_ns(leaves, 10))
        cross = next(event for event in rig.stored("line") if near(event.start_wall_ns, wall_ns(crossing, 10)))
        assert cross.zone == "wire"
        assert cross.track == visit.track == walk.track
        for kind, event in (("object", walk), ("zone", visit)):
            states = [one.end_wall_ns for one in rig.told(kind) if one.id == event.id]
            assert states[0] is None, "told when it starts"
            assert states[-1] is not None
            assert all(state is None for state in states[:-1]), "and ends once"


@pytest.mark.parametrize(("mode", "kind"), [("blank", "blind"), ("covered", "blind"), ("blurred", "blurred")])
async def test_a_camera_that_does_not_see_as_it_should_is_an_event_with_start_and_end(
    mode: SceneMode, kind: str, tmp_path: Path
) -> None:
    fps, wrong, right, frames = 4, 100, 180, 240
    scene = SyntheticScene(SceneSettings(width_px=160, height_px=96, fps=fps, people=2, noise=3, seed=5))
    scene.switch(mode, wrong)
    scene.switch("day", right)
    stream, packets = encode_scene(scene, frames, start_ns=START_NS, wall_offset_ns=OFFSET_NS)
    async with looking(scene, tmp_path) as rig:
        await rig.play(stream, packets)
        await until(lambda: any(event.end_wall_ns for event in rig.told(kind)))
        (event,) = rig.stored(kind)
        assert abs(event.start_wall_ns - wall_ns(wrong, fps)) < 4 * NS_PER_S
        assert event.end_wall_ns is not None
        assert abs(event.end_wall_ns - wall_ns(right, fps)) < 4 * NS_PER_S
        assert rig.camera.status()["findings"] == []


async def test_a_picture_that_stands_still_is_found_once_the_encoder_has_settled(tmp_path: Path) -> None:
    fps, wrong, right = 4, 120, 260
    scene = SyntheticScene(SceneSettings(width_px=320, height_px=180, fps=fps, people=2, noise=3, seed=5))
    scene.switch("frozen", wrong)
    scene.switch("day", right)
    stream, packets = encode_scene(scene, right + 40, start_ns=START_NS, wall_offset_ns=OFFSET_NS)
    async with looking(scene, tmp_path) as rig:
        await rig.play(stream, packets)
        await until(lambda: any(event.end_wall_ns for event in rig.told("frozen")))
        (event,) = rig.stored("frozen")
        assert wall_ns(wrong, fps) <= event.start_wall_ns < wall_ns(right, fps)
        assert event.end_wall_ns is not None
        assert abs(event.end_wall_ns - wall_ns(right, fps)) < 4 * NS_PER_S
