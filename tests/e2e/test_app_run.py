"""`eyespot app run`: a service is tried on any kind of camera, confined, and again whenever its files change."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eyespot.edge.apps_dev.scaffold import scaffold

from .fault_rig import CameraThread, make_clip

pytestmark = pytest.mark.skipif(
    shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"
)


@contextmanager
def source(kind: str, folder: Path) -> Iterator[list[str]]:
    """Arguments that name a source of ``kind``."""
    if kind == "synthetic":
        yield []
        return
    clip = make_clip(folder / "clip.mp4", 40, width_px=320, height_px=192, fps=10)
    if kind == "file":
        yield ["--source", str(clip)]
        return
    camera = CameraThread([clip])
    try:
        yield ["--source", camera.camera.url()]
    finally:
        camera.close()


@pytest.mark.parametrize("kind", ["synthetic", "file", "rtsp"])
def test_a_service_is_tried_and_tried_again_when_it_changes(kind: str, tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    manifest, good = folder / "service.toml", tmp_path / "good"
    manifest.write_text(manifest.read_text().replace("default = 40", "default = 254"))
    shutil.copy(manifest, good)
    told: list[str] = []
    with source(kind, tmp_path) as arguments:
        command = [sys.executable, "-m", "eyespot.cli.main", "app", "run", str(folder), *arguments]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert child.stdout is not None
        changed = False
        try:
            for line in child.stdout:
                told.append(line.strip())
                if line.startswith("event: fresh.dark camera-1"):
                    if changed:
                        break
                    changed = True
                    manifest.write_text("[service]")
                if line.startswith("not used:"):
                    shutil.copy(good, manifest)
        finally:
            child.terminate()
            child.communicate()
    assert len([line for line in told if line.startswith("installed fresh 0.1.0")]) == 2
    assert [line for line in told if line.startswith("not used: service.toml")]
    assert child.returncode == 0
