"""What the tests against foreign RTSP servers and clients stand on: whether they are here, and how they are run."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

SYSTEM_PYTHON = "/usr/bin/python3"
_PROBE = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"


def gstreamer_is_here() -> bool:
    if not Path(SYSTEM_PYTHON).exists():
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", _PROBE], capture_output=True, check=False).returncode == 0


gstreamer = pytest.mark.skipif(
    not gstreamer_is_here(), reason="GStreamer's RTSP server is not installed (gir1.2-gst-rtsp-server-1.0, python3-gi)"
)
ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


def make_clip(path: Path, *, slices: int = 1) -> Path:
    """Six seconds of noise at 25 frames a second, one key frame a second, in the codec that ``path`` is named after."""
    name, key = ("libx264", "x264-params") if path.stem == "h264" else ("libx265", "x265-params")
    noise = np.random.default_rng(2)
    with av.open(str(path), "w") as container:
        parameters = f"keyint=25:bframes=0:slices={slices}"
        parameters += ":sliced-threads=0" if name == "libx264" else ":log-level=none"
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


def gstreamer_server(clip: Path, *credentials: str, port: int = 0) -> list[str]:
    """The command that serves ``clip`` and prints its port; the clip's name is its codec."""
    script = str(Path(__file__).with_name("gstreamer_server.py"))
    return [SYSTEM_PYTHON, script, str(port), str(clip), clip.stem, *credentials]
