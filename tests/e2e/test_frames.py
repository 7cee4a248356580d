"""The frames process on a real host: started when there are grants, killed without harm, followed by its readers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eyespot.contracts.frames_door import Grant, Grants
from eyespot.contracts.view import NamedView
from eyespot.edge.process import STATUS_EVERY_S
from eyespot.kernel.errors import EyespotError
from eyespot.sdk.view_client import ViewClient

pytestmark = pytest.mark.slow

CONFIG = """
[web]
port = 0
tls = "off"
[[camera]]
id = "front"
[camera.detect]
enabled = false
[[camera.stream]]
name = "main"
source = "synthetic:?width=640&height=360&fps=25"
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG, encoding="utf-8")
    where = ["--config", str(config), "--state", str(tmp_path / "state")]
    process = subprocess.Popen([sys.executable, "-m", "eyespot.cli.main", "camera", "run", *where])
    yield process
    process.send_signal(signal.SIGINT)
    assert process.wait() == 0


def frames_process(host: subprocess.Popen[bytes]) -> psutil.Process | None:
    for child in psutil.Process(host.pid).children():
        if "eyespot.edge.frames" in child.cmdline():
            return child
    return None


def connect(host: subprocess.Popen[bytes], door: Path) -> ViewClient:
    """Connected as soon as that is possible."""
    while True:
        assert host.poll() is None
        try:
            return ViewClient(door, "door")
        except EyespotError:
            time.sleep(0.05)


def read(reader: ViewClient, count: int) -> None:
    """Take ``count`` frames of the picture that the camera shows."""
    while count:
        reader.wait(60)
        frame = reader.take()
        if frame is not None:
            count -= 1
            assert frame.pixels.shape == (180, 320, 3)
            assert frame.pixels.std() > 5


def test_views_are_handed_out_while_somebody_is_granted_them(host: subprocess.Popen[bytes], tmp_path: Path) -> None:
    run_dir, door = tmp_path / "state" / "run", tmp_path / "frames.sock"
    while not (run_dir / "packets.sock").exists():
        assert host.poll() is None
        time.sleep(0.05)
    assert frames_process(host) is None, "nobody needs it"
    view = NamedView(name="door", camera="front", width_px=320, height_px=180, rate_hz=60)
    grants = Grants(services={"app": Grant(uid=os.geteuid(), socket=door, views=(view,))})
    draft = run_dir / "grants.new"
    draft.write_text(grants.model_dump_json(), encoding="utf-8")
    draft.replace(run_dir / "grants.json")
    reader = connect(host, door)
    read(reader, 10)
    child = frames_process(host)
    assert child is not None
    read(reader, round(STATUS_EVERY_S * 2 * 25))  # the supervisor looks twice whether anybody still needs it
    assert frames_process(host) == child
    child.kill()
    with pytest.raises(EyespotError, match="hung up"):
        read(reader, 1_000_000)
    reader.close()
    again = connect(host, door)
    read(again, 10)
    again.close()
