"""Real peers: our client against GStreamer's RTSP server, our test camera read by FFmpeg."""

import json
import subprocess
import sys
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pytest
from foreign import ffmpeg, gstreamer, gstreamer_server, process

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.rtsp import RtspSensor
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


@dataclass
class Settings:
    audio: bool = False
    stall_s: float = 10.0


async def collect(url: str, count: int) -> list[Unit]:
    found: list[Unit] = []
    async with aclosing(RtspSensor(url, Settings(), SystemClock()).units()) as units:
        async for unit in units:
            found.append(unit)
            if len(found) == count:
                break
    return found


@gstreamer
async def test_gstreamer_is_read_and_every_picture_is_the_files(clip: Path) -> None:
    with process(gstreamer_server(clip)) as port:
        units = await collect(f"rtsp://127.0.0.1:{int(port)}/live", 60)
    first = units[0]
    assert isinstance(first, StreamFormat)
    assert (first.video.codec, first.video.width_px, first.video.height_px) == (clip.stem, 128, 96)
    context = av.CodecContext.create("h264" if clip.stem == "h264" else "hevc", "r")
    context.extradata = first.video.configuration
    packets = [unit for unit in units if isinstance(unit, Packet)]
    pictures = [frame.to_ndarray() for packet in packets for frame in context.decode(av.Packet(packet.data))]
    with av.open(str(clip)) as container:
        expected = [frame.to_ndarray() for frame, _ in zip(container.decode(video=0), range(70), strict=False)]
    begin = next(index for index, picture in enumerate(expected) if np.array_equal(picture, pictures[0]))
    assert len(pictures) >= 50
    for index, picture in enumerate(pictures[: len(expected) - begin]):
        assert np.array_equal(picture, expected[begin + index])
    captures = [packet.capture_ns for packet in packets]
    assert captures == sorted(captures)
    assert abs((captures[-1] - captures[0]) / (len(captures) - 1) - 40_000_000) < 4_000_000


@gstreamer
async def test_gstreamer_wants_credentials(clip: Path) -> None:
    with process(gstreamer_server(clip, "ann", "s3cret")) as port:
        place = f"127.0.0.1:{int(port)}/live"
        assert len(await collect(f"rtsp://ann:s3cret@{place}", 10)) == 10
        with pytest.raises(EyespotError) as caught:
            await collect(f"rtsp://ann:wrong@{place}", 1)
    assert caught.value.kind is Kind.UNAUTHENTICATED


@ffmpeg
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_ffmpeg_reads_the_test_camera(clip: Path, transport: str) -> None:
    command = [sys.executable, "-m", "eyespot.testing.rtsp_camera", str(clip), "--paths", "2"]
    with process(command) as line:
        url = json.loads(line)["urls"][1]
        options = ["-v", "error", "-nostdin", "-rtsp_transport", transport, "-i", url]
        reader = subprocess.run(
            ["ffmpeg", *options, "-frames:v", "40", "-f", "framemd5", "-"], capture_output=True, text=True, check=False
        )
    assert reader.returncode == 0
    assert reader.stderr == ""
    rows = [row for row in reader.stdout.splitlines() if not row.startswith("#")]
    assert len(rows) == 40
    sums = {row.split(",")[-1].strip() for row in rows}
    assert len(sums) == 40


def test_pyav_reads_the_test_camera(clip: Path) -> None:
    command = [sys.executable, "-m", "eyespot.testing.rtsp_camera", str(clip)]
    with process(command) as line:
        url = json.loads(line)["urls"][0]
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10) as container:
            frames = [frame for frame, _ in zip(container.decode(video=0), range(10), strict=False)]
    assert [(frame.width, frame.height) for frame in frames] == [(128, 96)] * 10
