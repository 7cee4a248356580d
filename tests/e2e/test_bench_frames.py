"""`eyespot bench frames` as it is run, on a small clip: its figures are of services that were really confined."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .fault_rig import make_clip


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap")
def test_it_measures_handlers_of_confined_services(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 40, width_px=320, height_px=192, fps=10)
    command = [sys.executable, "-m", "eyespot.cli.main", "bench", "frames", "--quick", "--seconds", "1"]
    environment = os.environ | {"EYESPOT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([*command, "--video", str(clip), "--json"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])["figures"]
    assert 0 < figures["latency_process_p50_ms"] <= figures["latency_process_p95_ms"]
    assert figures["latency_process_p50_ms"] < figures["latency_process_capture_p50_ms"]
    assert figures["latency_p50_ms"] == figures.get("latency_container_p50_ms", figures["latency_process_p50_ms"])
    assert 0 < figures["throughput_to_memcpy"] < 2
    assert figures["frames_8"] > 0
