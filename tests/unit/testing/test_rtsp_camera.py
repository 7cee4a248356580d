"""The test camera: what it cuts a file into, who may join, what it says on the command line."""

import asyncio
import json
import sys
from contextlib import aclosing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.hal.sensors.bitstream import split_annexb
from eyespot.hal.sensors.rtsp import RtspSensor
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.rtsp_camera import RtspCamera
from eyespot.testing.rtsp_clip import load, pack_nal


@dataclass
class Settings:
    audio: bool = False
    stall_s: float = 10.0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of noise, 25 pictures, one key frame."""
    path = tmp_path_factory.mktemp("camera") / "clip.mp4"
    noise = np.random.default_rng(3)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for index in range(25):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (64, 96, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


async def watch(url: str, count: int) -> list[Packet]:
    found: list[Packet] = []
    async with aclosing(RtspSensor(url, Settings(), SystemClock(), read_every_s=0.01).units()) as units:
        async for unit in units:
            if isinstance(unit, Packet):
                found.append(unit)
            if len(found) == count:
                break
    return found


def test_a_file_becomes_numbered_packets(clip: Path) -> None:
    loaded = load(clip)
    (track,) = loaded.tracks
    assert len(track.frames) == 25
    assert loaded.duration_s == pytest.approx(1.0)
    assert [frame.timestamp for frame in track.frames[:3]] == [0, 3600, 7200]
    assert [frame.is_key for frame in track.frames] == [True] + [False] * 24
    data = track.frames[1].stamped(4, 65_535, 0x01020304)
    for index, place in enumerate(track.frames[1].places.tolist()):
        assert data[place : place + 2] == b"$\x04"
        assert int.from_bytes(data[place + 6 : place + 8], "big") == (65_535 + index) & 0xFFFF
        assert data[place + 8 : place + 12] == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_fragments_hold_the_whole_unit(codec: str) -> None:
    nal = bytes(range(1, 255)) * 20
    parts = pack_nal(codec, nal, 100)
    skipped = 2 if codec == "h264" else 3
    assert all(len(part) <= 100 for part in parts)
    assert b"".join(part[skipped:] for part in parts) == nal[skipped - 1 :]


async def test_readers_share_a_path_and_see_the_same_pictures(clip: Path) -> None:
    async with RtspCamera(clip, paths=2) as camera:
        one, two, other = await asyncio.gather(*(watch(camera.url(path), 30) for path in (0, 0, 1)))
        assert camera.connections_made() == 3
    assert [packet.data for packet in one] == [packet.data for packet in two]
    assert one[0].data == other[0].data == one[25].data
    with av.open(str(clip)) as container:
        sizes = {len(split_annexb(bytes(packet))) for packet in container.demux(video=0) if packet.size}
    assert sizes


async def test_each_path_may_have_its_own_file(clip: Path, tmp_path: Path) -> None:
    elementary = tmp_path / "clip.h264"
    with av.open(str(clip)) as source, av.open(str(elementary), "w", format="h264") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    async with RtspCamera([clip, elementary], paths=2) as camera:
        for path in (0, 1):
            sensor = RtspSensor(camera.url(path), Settings(), SystemClock(), read_every_s=0.01)
            async with aclosing(sensor.units()) as units:
                first = await anext(units)
            assert isinstance(first, StreamFormat)
            assert first.video.width_px == 96


async def test_refusing_credentials_at_will(clip: Path) -> None:
    async with RtspCamera(clip, username="ann", password="pass") as camera:
        assert len(await watch(camera.url(), 2)) == 2
        camera.refuse()
        with pytest.raises(EyespotError) as caught:
            await watch(camera.url(), 2)
        assert caught.value.kind is Kind.UNAUTHENTICATED
        camera.refuse(on=False)
        assert len(await watch(camera.url(), 2)) == 2


async def test_a_stall_can_end(clip: Path) -> None:
    async with RtspCamera(clip) as camera:
        camera.stall()
        watching = asyncio.create_task(watch(camera.url(), 3))
        await asyncio.sleep(0.2)
        assert not watching.done()
        camera.stall(on=False)
        assert len(await watching) == 3


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no video")
    with pytest.raises(EyespotError) as caught:
        load(path)
    assert caught.value.kind is Kind.INVALID


async def test_as_a_process_it_prints_its_addresses(clip: Path) -> None:
    command = ["-m", "eyespot.testing.rtsp_camera", str(clip), "--paths", "3"]
    child = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    assert child.stdout is not None
    try:
        urls = json.loads(await child.stdout.readline())["urls"]
        assert len(urls) == 3
        assert len(await watch(urls[2], 5)) == 5
    finally:
        child.kill()
        await child.wait()
