"""What the tests against foreign RTSP servers and clients stand on: whether they are here, and how they are run."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
