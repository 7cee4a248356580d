"""Sound of an RTSP camera reaches an exported clip when the owner allows it, and nowhere when not."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraSettings
from eyespot.edge.media_camera import MediaCamera
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.record.export import export_clip
from eyespot.record.index import SegmentIndex
from eyespot.record.settings import RootSettings
from eyespot.record.storage import Storage
from eyespot.testing.rtsp_camera import RtspCamera

pytestmark = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffmpeg is not installed")
RATE_HZ, TONE_HZ = 16_000, 440


@pytest.fixture(scope="module")
def talking_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of noise to see, H.264, and of one tone to hear, AAC."""
    path = tmp_path_factory.mktemp("clip") / "talking.mp4"
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"g": "25", "bf": "0", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 128, 96, "yuv420p"
        sound = out.add_stream("aac", rate=RATE_HZ, layout="mono")
        for index in range(100):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (96, 128, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(video.encode(frame))
        for begin in range(0, 4 * RATE_HZ - 1024, 1024):
            wave = 0.5 * np.sin(2 * np.pi * TONE_HZ / RATE_HZ * np.arange(begin, begin + 1024))
            samples = av.AudioFrame.from_ndarray(wave[None].astype(np.float32), "fltp", "mono")
            samples.sample_rate, samples.pts, samples.time_base = RATE_HZ, begin, Fraction(1, RATE_HZ)
            out.mux(sound.encode(samples))
        out.mux(sound.encode(None))
        out.mux(video.encode(None))
    return path


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(1200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


def disregard(event: Event) -> None:
    """Events are not of interest here."""


async def exported(clip: Path, folder: Path, stream: dict[str, Any], record: dict[str, Any]) -> Path:
    """Record the clip, served as a camera, for three seconds or more under these settings, and export all of it."""
    clock = SystemClock()
    index = SegmentIndex(folder / "index.db")
    storage = Storage(index, (RootSettings(path=folder / "archive", min_free_bytes=0),), clock)
    async with RtspCamera(clip) as server:
        document = {"id": "cam", "stream": [{"source": server.url(0), **stream}], "record": record}
        camera = MediaCamera("cam", {}, storage, clock, disregard)
        await camera.apply(CameraSettings.model_validate(document))
        await until(lambda: camera.status()["counts"]["frames_in"] >= 120, "three seconds of pictures and sound")
        await camera.apply(None)
    await asyncio.to_thread(storage.close)
    now_ns = clock.wall_ns()
    target = folder / "clip.mp4"
    export_clip(index, "cam", "main", now_ns - 3600 * NS_PER_S, now_ns + NS_PER_S, target)
    index.close()
    return target


def tracks(path: Path) -> dict[str, dict[str, Any]]:
    """What ffprobe says of every track, packets counted, by kind."""
    command = ["ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stderr == ""
    return {track["codec_type"]: track for track in json.loads(answer.stdout)["streams"]}


def loudest_hz(path: Path) -> float:
    """The strongest frequency of the middle of the sound."""
    with av.open(str(path)) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    part = heard[RATE_HZ // 2 : RATE_HZ // 2 + RATE_HZ]
    return float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * RATE_HZ / len(part))


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_allowed_sound_is_in_the_exported_clip(talking_clip: Path, tmp_path: Path, transport: str) -> None:
    path = await exported(talking_clip, tmp_path, {"audio": True, "transport": transport}, {})
    found = tracks(path)
    assert set(found) == {"video", "audio"}
    sound = found["audio"]
    assert (sound["codec_name"], sound["sample_rate"], sound["channels"]) == ("aac", str(RATE_HZ), 1)
    lengths_s = [float(found[kind]["duration"]) for kind in ("video", "audio")]
    assert lengths_s[0] > 2.5
    assert abs(lengths_s[0] - lengths_s[1]) < 0.3
    assert abs(int(sound["nb_read_packets"]) - lengths_s[1] * RATE_HZ / 1024) <= 2
    assert abs(loudest_hz(path) - TONE_HZ) < 3


@pytest.mark.parametrize(
    ("stream", "record"),
    [({}, {}), ({"audio": False}, {"audio": True}), ({"audio": True}, {"audio": False})],
    ids=["nobody was asked", "the stream may not", "the recorder may not"],
)
async def test_sound_that_is_not_allowed_is_nowhere(
    talking_clip: Path, tmp_path: Path, stream: dict[str, Any], record: dict[str, Any]
) -> None:
    path = await exported(talking_clip, tmp_path, stream, record)
    assert set(tracks(path)) == {"video"}
    for file in (tmp_path / "archive").rglob("*.mp4"):
        assert set(tracks(file)) == {"video"}
