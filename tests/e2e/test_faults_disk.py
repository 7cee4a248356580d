"""A host with all it keeps on one full disk: recording goes on, the oldest footage goes, and it is told."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fault_rig import CameraThread, FaultHost, assert_whole, make_clip, played, until

pytestmark = pytest.mark.slow

FPS = 10
DISK_BYTES = 4 << 20


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A real file system of four mebibytes: a few segments."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "eyespot-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs more rights")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[CameraThread]:
    clip = make_clip(tmp_path / "rich.mp4", 40, width_px=640, height_px=360, fps=FPS, noise=24)
    made = CameraThread([clip])
    yield made
    made.close()


def test_a_full_disk_stops_nothing_but_the_oldest_footage(
    tmp_path: Path, small_disk: Path, camera: CameraThread
) -> None:
    config = (
        '[[storage.root]]\nmin_free_bytes = 0\n[[camera]]\nid = "front"\n'
        "record = { segment_s = 2 }\ndetect = { enabled = false }\n"
        f'[[camera.stream]]\nsource = "{camera.camera.url()}"\n'
    )
    host = FaultHost(small_disk, config)
    try:
        first = until(lambda: host.alive() and host.spans("front") and host.segments("front"), "recording begins")[0]
        (event,) = until(lambda: host.alive() and host.events("storage"), "the full disk is an event")
        assert event.label == "full"
        assert "oldest" in event.detail["text"]
        until(lambda: host.media("front")["counts"]["bytes_recorded"] > 1.5 * DISK_BYTES, "more is recorded than fits")
        host.wait_for_footage("front")
        told = [note for note in host.status()["doctor"] if "is full" in note["what"]]
        assert told
        assert told[0]["todo"]
        assert host.camera("front")["state"] == "live"
        report = host.stop()
        assert report["record_dropped"] == 0
        assert not host.events("process")
        kept = host.segments("front")
        assert kept[0].start_wall_ns > first.start_wall_ns
        assert {segment.file for segment in kept} == set(small_disk.rglob("*.mp4"))
        assert len(host.spans("front")) == 1, "no gap in what is kept"
        assert_whole(host, "front", FPS)
        assert sum(played(host, "front").values()) > FPS
    finally:
        host.end()
