"""A camera with masks, run for real: what is recorded, shown and looked at is black inside them and true outside."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.edge.config import CameraSettings
from eyespot.edge.media_camera import Hubs, MediaCamera
from eyespot.edge.sight import Sight
from eyespot.kernel.clock import SystemClock
from eyespot.media.decode import Decoder, Frame
from eyespot.media.hub import Hub
from eyespot.media.packet_socket import PacketClient, PacketServer
from eyespot.record.index import SegmentIndex
from eyespot.record.segment_reader import open_segment
from eyespot.record.settings import RootSettings
from eyespot.record.storage import Storage
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene

WIDTH, HEIGHT, FPS = 160, 96, 10
SOURCE = f"synthetic:?people=0&width={WIDTH}&height={HEIGHT}&fps={FPS}"
TRUTH = SyntheticScene(SceneSettings(width_px=WIDTH, height_px=HEIGHT, fps=FPS, people=0)).render(0)[0]
MASK = {"name": "window", "points": [(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)]}
CLOSE = 5.0


def settings(**more: Any) -> CameraSettings:
    document = {"id": "cam", "stream": [{"source": SOURCE}, {"name": "small", "source": SOURCE}]}
    return CameraSettings.model_validate({**document, **more})


class Rig:
    def __init__(self, folder: Path) -> None:
        self.clock, self.hubs = SystemClock(), Hubs()
        self.index = SegmentIndex(folder / "index.db")
        self.storage = Storage(self.index, (RootSettings(path=folder / "archive"),), self.clock)
        self.camera = MediaCamera("cam", self.hubs, self.storage, self.clock, lambda _: None)
        self.socket = folder / "run" / "packets.sock"

    async def frames(self, stream: str, count: int) -> list[Frame]:
        """``count`` pictures as live view gets them, over the packet socket."""
        decoder, frames = None, list[Frame]()
        async for unit in PacketClient(self.socket).units("cam", stream, reader="live"):
            if isinstance(unit, StreamFormat):
                decoder = Decoder(unit.video)
            elif decoder is not None:
                frames += decoder.decode(unit)
            if len(frames) >= count:
                return frames
        raise AssertionError("the stream ended")

    async def seen(self, count: int) -> list[Frame]:
        """``count`` pictures as vision decodes them."""
        sight, frames = Sight(), list[Frame]()
        async for unit in PacketClient(self.socket).units("cam", "small", reader="vision"):
            frame = sight.take([unit])
            if frame is not None:
                frames.append(frame)
            if len(frames) >= count:
                return frames
        raise AssertionError("the stream ended")

    async def recorded(self) -> list[list[Frame]]:
        """The pictures of each segment on disk, once the disk has everything."""
        await until(lambda: not self.index.open_segments())
        segments = []
        for segment in self.index.all():
            with open_segment(self.index, segment) as reader:
                decoder = Decoder(reader.stream.video)
                packets = [packet for each in reader.fragments for packet in reader.packets(each)]
                segments.append([frame for packet in packets for frame in decoder.decode(packet)])
        return segments


@asynccontextmanager
async def camera_at(folder: Path) -> AsyncIterator[Rig]:
    rig, stop = Rig(folder), asyncio.Event()
    serving = asyncio.create_task(PacketServer(rig.socket, rig.hubs).run(stop))
    await until(rig.socket.exists)
    try:
        yield rig
    finally:
        await rig.camera.apply(None)
        stop.set()
        await serving
        await asyncio.to_thread(rig.storage.close)
        rig.index.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


def grey(frame: Frame) -> Any:
    return frame.grey(frame.width_px, frame.height_px).astype(int)


def true_grey() -> Any:
    """The scene's brightness, 16 to 235, as ``Frame.grey`` gives it: 0 to 255."""
    return np.clip((TRUTH.astype(int) - 16) * 255 // 219, 0, 255)


def is_masked(frame: Frame) -> bool:
    seen, truth = grey(frame), true_grey()
    outside = np.abs(seen[:20] - truth[:20]).mean(), np.abs(seen[:, 125:] - truth[:, 125:]).mean()
    assert max(outside) < CLOSE, outside
    return bool(seen[24:72, 40:120].max() <= 4)


def is_open(frame: Frame) -> bool:
    return bool(np.abs(grey(frame) - true_grey()).mean() < CLOSE)


async def test_recording_live_view_and_vision_get_masked_pictures_alone(tmp_path: Path) -> None:
    async with camera_at(tmp_path) as rig:
        await rig.camera.apply(settings(mask=[MASK]))
        live, seen = await asyncio.gather(rig.frames("main", 15), rig.seen(5))
        status = rig.camera.status()
        await rig.camera.apply(None)
        recorded = [frame for segment in await rig.recorded() for frame in segment]
    assert status["streams"]["main"]["sensor"]["packets_withheld"] == 0
    assert len(recorded) >= 10
    for frame in (*live, *seen, *recorded):
        assert is_masked(frame)


async def test_a_mask_that_is_added_and_taken_away_while_the_camera_runs(tmp_path: Path) -> None:
    async with camera_at(tmp_path) as rig:
        await rig.camera.apply(settings())
        assert all(is_open(frame) for frame in await rig.frames("main", 12))
        await rig.camera.apply(settings(mask=[MASK]))
        assert {hub.format for hub in rig.hubs.values()} == {None}, "readers that join get nothing from before"
        assert all(is_masked(frame) for frame in await rig.frames("main", 12))
        await rig.camera.apply(settings())
        assert all(is_open(frame) for frame in await rig.frames("main", 12))
        await rig.camera.apply(None)
        kinds = [{is_open(frame) for frame in segment} for segment in await rig.recorded()]
    assert kinds == [{True}, {False}, {True}], "each segment is wholly open or wholly masked, and none is lost"


async def test_zones_that_change_leave_a_masked_stream_alone(tmp_path: Path) -> None:
    async with camera_at(tmp_path) as rig:
        await rig.camera.apply(settings(mask=[MASK]))
        hubs = dict(rig.hubs)
        zone = {"name": "z", "points": [(0, 0), (1, 0), (1, 1)]}
        await rig.camera.apply(settings(mask=[MASK], zone=[zone]))
        assert rig.hubs == hubs
        await rig.camera.apply(settings(mask=[{**MASK, "name": "renamed"}]))
        assert rig.hubs == hubs


@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (180, 2), (270, 1)])
async def test_a_turned_camera_is_upright_everywhere(tmp_path: Path, degrees: int, turns: int) -> None:
    async with camera_at(tmp_path) as rig:
        await rig.camera.apply(settings(orientation={"degrees": degrees}))
        live, seen = await asyncio.gather(rig.frames("main", 12), rig.seen(2))
        assert rig.hubs["cam", "main"].format.view.orientation.degrees == degrees  # type: ignore[union-attr] # it flows
        await rig.camera.apply(None)
        recorded = [frame for segment in await rig.recorded() for frame in segment]
    wanted = np.rot90(true_grey(), turns)
    for frame in (*live, *seen, *recorded):
        assert grey(frame).shape == wanted.shape
        assert np.abs(grey(frame) - wanted).mean() < CLOSE


async def test_without_masks_packets_are_the_sensors_own(tmp_path: Path) -> None:
    async with camera_at(tmp_path) as rig:
        await rig.camera.apply(settings(lens={"model": "equidistant", "focal_x": 0.3, "focal_y": 0.5}))
        units = await taken(rig.hubs["cam", "main"], 6)
        status = rig.camera.status()
    stream, *packets = units
    assert isinstance(stream, StreamFormat)
    assert stream.view.lens is not None
    assert stream.view.lens.model == "equidistant"
    assert all(isinstance(packet, Packet) for packet in packets)
    assert "pictures_made" not in status["streams"]["main"]["sensor"]


async def taken(hub: Hub, count: int) -> list[Unit]:
    reader, units = hub.reader("test", max_bytes=1 << 20), list[Unit]()
    async for unit in reader:
        units.append(unit)
        if len(units) == count:
            break
    reader.close()
    return units
