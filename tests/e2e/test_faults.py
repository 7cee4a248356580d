"""One whole host, real processes, real RTSP, and one camera for each thing that goes wrong with a camera or a viewer.

The deaths of processes are in `test_camera_run.py`; each room's own faults are in its unit tests.
"""

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.sync.client import ClientConnection, connect

from eyespot.kernel.clock import NS_PER_S

from .fault_rig import CameraThread, FaultHost, RawViewer, assert_whole, make_clip, played, until

pytestmark = pytest.mark.slow

FPS = 10
CANARY = "kanarienvogel-4711"
CAMERAS = ("stalling", "resized", "lossy", "garbled", "watched")
BROKEN = {"resized": "cut-short", "lossy": "swapped", "watched": "no-model"}
"""Cameras that look, with a model package that is broken."""
HELLO = b'{"type": "mse", "value": "avc1.640029,avc1.42c01e,avc1.4d401f"}'


@dataclass
class Scene:
    """The host and what it looks at."""

    host: FaultHost
    cameras: CameraThread
    folder: Path

    def path(self, name: str) -> int:
        return CAMERAS.index(name)


def write_package(folder: Path, content: bytes, declared: bytes) -> None:
    """A model package that declares ``declared`` and holds ``content``."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    digest = hashlib.sha256(declared).hexdigest()
    (folder / "model.toml").write_text(
        f'format = 1\nname = "{folder.name}"\ntask = "detection"\nhead = "nanodet"\nlabels = ["person"]\n'
        'licence = "Apache-2.0"\n[input]\nwidth_px = 64\nheight_px = 64\n[[variants]]\nname = "onnx-fp32"\n'
        f'file = "model.onnx"\nsha256 = "{digest}"\nsize_bytes = {len(declared)}\n'
    )


def stream_config(camera: str, source: str, *, stall_s: float = 10) -> str:
    package = f'package = "{BROKEN[camera]}"' if camera in BROKEN else "enabled = false"
    return (
        f'[[camera]]\nid = "{camera}"\n[camera.record]\nsegment_s = 4\n[camera.detect]\n{package}\n'
        f'[[camera.stream]]\nsource = "{source}"\nstall_s = {stall_s}\n'
    )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("faults")
    clip = make_clip(folder / "small.mp4", 40, width_px=160, height_px=96, fps=FPS)
    rich = make_clip(folder / "rich.mp4", 40, width_px=640, height_px=360, fps=FPS, noise=24)
    good = bytes(range(256)) * 8
    write_package(folder / "models" / "cut-short", good[:1000], good)
    write_package(folder / "models" / "swapped", good[::-1], good)
    write_package(folder / "models" / "no-model", good, good)
    cameras = CameraThread([rich if name == "watched" else clip for name in CAMERAS])
    locked = CameraThread([clip], username="viewer", password="another")
    address = locked.camera.url(credentials=False).replace("://", f"://viewer:{CANARY}@")
    config = f'[vision]\nmodels = "{folder / "models"}"\n[[storage.root]]\nmin_free_bytes = 0\n'
    for index, name in enumerate(CAMERAS):
        config += stream_config(name, cameras.camera.url(index), stall_s=3 if name == "stalling" else 10)
    host = FaultHost(folder, config + stream_config("locked", address))
    try:
        until(lambda: host.alive() and all(host.spans(name) for name in CAMERAS), "every camera is recorded")
        yield Scene(host, cameras, folder)
    finally:
        host.end()
        cameras.close()
        locked.close()


def test_a_stalled_stream_is_told_and_comes_back_by_itself(scene: Scene) -> None:
    host, cameras = scene.host, scene.cameras
    before_s = host.wait_for_footage("stalling", more_s=0)
    cameras.do(cameras.camera.stall, scene.path("stalling"))
    until(lambda: host.camera("stalling")["state"] in ("stalled", "connecting", "backoff"), "the stall is shown")
    (lost,) = until(lambda: host.events("signal-lost", "stalling"), "the lost signal is an event")
    assert lost.end_wall_ns is None
    assert "Check the camera's power and network." in until(
        lambda: host.camera("stalling")["error"], "the status says what to do"
    )
    cameras.do(cameras.camera.stall, scene.path("stalling"), on=False)
    host.wait_for_footage("stalling")
    (lost,) = until(
        lambda: [event for event in host.events("signal-lost", "stalling") if event.end_wall_ns], "the event ends"
    )
    assert host.camera("stalling")["state"] == "live"
    spans = host.spans("stalling")
    assert len(spans) == 2, "one gap, no more"
    gap_begin_s, gap_end_s = spans[0][1], spans[1][0]
    assert gap_begin_s >= before_s
    assert lost.start_wall_ns / NS_PER_S >= gap_begin_s - 2
    assert gap_begin_s < (lost.end_wall_ns or 0) / NS_PER_S
    assert gap_end_s <= (lost.end_wall_ns or 0) / NS_PER_S + 1, "the event lasts no shorter than the gap"


def test_a_change_of_resolution_loses_nothing(scene: Scene) -> None:
    host, cameras = scene.host, scene.cameras
    larger = make_clip(scene.folder / "larger.mp4", 40, width_px=320, height_px=192, fps=FPS, seed=2)
    host.wait_for_footage("resized")
    cameras.do(cameras.camera.switch, larger, scene.path("resized"))
    host.wait_for_footage("resized", more_s=2)
    assert host.camera("resized")["streams"][0]["width_px"] == 320
    assert len({segment.configuration_key for segment in host.segments("resized")}) == 2
    assert len(host.spans("resized")) == 1, "no gap"
    assert host.media("resized")["counts"]["reconnects"] == 0


def test_lost_packets_are_counted_and_recording_goes_on_at_the_next_key_frame(scene: Scene) -> None:
    host, cameras = scene.host, scene.cameras
    cameras.do(cameras.camera.lose_every, 7, scene.path("lossy"))
    sensor = until(
        lambda: (
            host.media("lossy")["streams"]["main"]["sensor"].get("lost_packets", 0) >= 3
            and host.media("lossy")["streams"]["main"]["sensor"]
        ),
        "lost packets are counted",
    )
    assert sensor["lost_packets"] >= 3
    cameras.do(cameras.camera.lose_every, 0, scene.path("lossy"))
    host.wait_for_footage("lossy")
    assert host.camera("lossy")["state"] == "live"


def test_garbage_is_survived(scene: Scene) -> None:
    host, cameras = scene.host, scene.cameras
    for garbage in (b"$\x00\x00\x04\xff\xff\xff\xff" * 9, os.urandom(5000), b"$\x00\xff\xff" + bytes(70_000)):
        cameras.do(cameras.camera.send_garbage, garbage, scene.path("garbled"))
        host.wait_for_footage("garbled", more_s=1)
    until(lambda: host.camera("garbled")["state"] == "live", "the camera is live again")
    media = host.media("garbled")
    counted = sum(value for name, value in media["streams"]["main"]["sensor"].items() if "malformed" in name)
    assert counted + media["counts"]["reconnects"] > 0, media


def test_a_wrong_password_is_said_plainly_and_never_shown(scene: Scene) -> None:
    host = scene.host
    camera = until(lambda: host.camera("locked")["error"] and host.camera("locked"), "the status says what is wrong")
    assert camera["state"] == "failed"
    assert "password" in camera["error"].lower(), camera["error"]
    notes = [note for note in host.status()["doctor"] if "locked" in note["what"]]
    assert notes
    assert all("password" in note["what"].lower() for note in notes)
    secrets = [CANARY.encode(), base64.b64encode(f"viewer:{CANARY}".encode())]
    shown = [host.api.get(path).raise_for_status().content for path in ("/status", "/config", "/cameras", "/events")]
    files = [file.read_bytes() for file in host.state.rglob("*") if file.is_file()]
    for content in (*shown, *files, host.log.read_bytes()):
        assert not any(secret in content for secret in secrets)


def test_broken_models_cost_the_seeing_and_nothing_else(scene: Scene) -> None:
    host = scene.host

    def errors() -> dict[str, str]:
        reports = [one for one in host.status()["processes"] if one["role"] == "vision"]
        return reports[0]["totals"]["errors"] if reports else {}

    until(lambda: set(errors()) == set(BROKEN), "vision names every broken package")
    for camera, package in BROKEN.items():
        assert package in errors()[camera]
        host.wait_for_footage(camera, more_s=0)
    assert "1000 bytes, 2048 are declared" in errors()["resized"]
    assert "digest" in errors()["lossy"]
    notes = " ".join(note["what"] for note in host.status()["doctor"])
    assert all(package in notes for package in BROKEN.values())
    command = [sys.executable, "-m", "eyespot.cli.main", "doctor", "--json"]
    done = subprocess.run([*command, "--config", host.config, "--state", host.state], capture_output=True, check=False)
    assert done.returncode == 1
    found = [one for one in json.loads(done.stdout)["checks"] if one["name"] == "models"]
    assert len(found) == len(BROKEN)
    assert all(one["level"] == "error" and one["todo"] for one in found)
    assert not [event for event in host.events("process") if event.label == "vision"]


def test_slow_and_hostile_viewers_cost_no_footage(scene: Scene) -> None:
    host = scene.host
    host.status()
    path = "/api/v1/cameras/watched/live"
    with contextlib.ExitStack() as stack:

        def viewer(*messages: bytes) -> RawViewer:
            return stack.enter_context(RawViewer(host.url, path, host.token, *messages))

        for _ in range(12):
            viewer(HELLO)  # never reads
        for _ in range(4):
            viewer()  # never says what it wants
        garbled = [viewer(message) for message in (b"{" * 5000, b'{"type": "mse", "value": 7}', b"[" * 60_000)]
        chatty = viewer(HELLO, *[b"x" * 1000] * 200)
        viewer(HELLO).close()
        broken = viewer(HELLO)
        broken.send_bytes(os.urandom(4000))
        address = host.url.replace("http://", "ws://") + path
        headers = {"Authorization": f"Bearer {host.token}"}
        honest = stack.enter_context(connect(address, additional_headers=headers, close_timeout=0.5))
        honest.send(HELLO.decode())
        host.wait_for_footage("watched", more_s=3)
        read_pictures(honest, 3 * FPS)
        for one in (*garbled, chatty):
            until(lambda one=one: one.closed_with(1008), "what talks nonsense or too much is hung up on")
        assert host.camera("watched")["state"] == "live"
        host.wait_for_footage("watched", more_s=0)
    assert len(host.spans("watched")) == 1, "no gap"
    assert host.media("watched")["counts"]["record_dropped"] == 0
    assert not host.events("process")


def read_pictures(viewer: ClientConnection, count: int) -> None:
    found = 0
    while found < count:
        found += isinstance(viewer.recv(timeout=30), bytes)


def test_cut_connections_are_made_again(scene: Scene) -> None:
    host, cameras = scene.host, scene.cameras
    before = {name: host.media(name)["counts"]["reconnects"] for name in CAMERAS}
    cameras.do(cameras.camera.drop_connections)
    for name in CAMERAS:
        until(lambda name=name: host.media(name)["counts"]["reconnects"] > before[name], f"{name} is connected again")
        host.wait_for_footage(name, more_s=0)
        until(lambda name=name: host.camera(name)["state"] == "live", f"{name} is live again")


def test_at_the_end_all_that_was_recorded_plays_back(scene: Scene) -> None:
    host = scene.host
    report = host.stop()
    assert report["record_dropped"] == 0
    assert not any(CANARY in error for error in report["errors"])
    for name in ("resized", "watched", "stalling"):
        assert_whole(host, name, FPS)
    for name in CAMERAS:
        pictures = played(host, name)
        covered_s = sum(end - begin for begin, end in host.spans(name, merge_gap_s=0.02))
        assert sum(pictures.values()) > 0
        if name not in ("lossy", "garbled"):
            assert sum(pictures.values()) == pytest.approx(covered_s * FPS, abs=3)
    assert set(played(host, "resized")) == {(160, 96), (320, 192)}
    assert not host.events("process")
