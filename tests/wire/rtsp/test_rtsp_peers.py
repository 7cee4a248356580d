"""Real peers: our client against GStreamer's RTSP server, our test camera read by FFmpeg."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.rtsp import RtspSensor
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind

SYSTEM_PYTHON = "/usr/bin/python3"
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


@dataclass
class Settings:
    audio: bool = False
    stall_s: float = 10.0


def gstreamer_is_here() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False).returncode == 0


gstreamer = pytest.mark.skipif(
    not gstreamer_is_here(), reason="GStreamer's RTSP server is not installed (gir1.2-gst-rtsp-server-1.0, python3-gi)"
)
ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(scope="module", params=["h264", "h265"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of noise, one key frame a second."""
    path = tmp_path_factory.mktemp("clip") / f"{request.param}.mp4"
    name, key = ("libx264", "x264-params") if request.param == "h264" else ("libx265", "x265-params")
    noise = np.random.default_rng(2)
    with av.open(str(path), "w") as container:
        parameters = "keyint=25:bframes=0" + (":log-level=none" if name == "libx265" else "")
        stream = container.add_stream(name, rate=25, options={key: parameters, "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(150):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (96, 128, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@contextmanager
def process(command: list[str]) -> Iterator[str]:
    """A child; gives its first line and ends it."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert child.stdout is not None
    try:
        yield child.stdout.readline()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


def gstreamer_server(clip: Path, *credentials: str) -> list[str]:
    return [SYSTEM_PYTHON, str(Path(__file__).with_name("gstreamer_server.py")), str(clip), clip.stem, *credentials]


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
