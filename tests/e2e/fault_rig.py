"""What the fault tests stand on: small clips, a test camera in its own thread, a whole host, its archive read back."""

import asyncio
import contextlib
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import httpx

from eyespot.contracts.event import Event
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import EventStore
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.fmp4 import fragment, init_segment
from eyespot.record.index import SegmentIndex
from eyespot.record.playback import stream
from eyespot.record.segment import Segment
from eyespot.record.timeline import coverage
from eyespot.testing.rtsp_camera import RtspCamera
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

EVER_NS = 1 << 62
PATIENCE_S = 60.0
ACCOUNT = {"username": "owner", "password": "ripe plum under glass"}


def until(ready: Callable[[], Any], what: str, *, every_s: float = 0.1) -> Any:
    """What ``ready`` answers once it is true; fails with ``what`` when it never is."""
    for _ in range(int(PATIENCE_S / every_s)):
        found = ready()
        if found:
            return found
        time.sleep(every_s)
    raise AssertionError(f"never happened: {what}")


def make_clip(path: Path, frames: int, **scene: Any) -> Path:
    """The first ``frames`` frames of a rendered scene as an MP4 file."""
    settings = SceneSettings.model_validate(scene)
    stream_format, packets = encode_scene(SyntheticScene(settings), frames)
    path.write_bytes(init_segment(stream_format) + fragment(packets, 1, 0))
    return path


class CameraThread:
    """An ``RtspCamera`` with an event loop of its own, so that a test can make faults while it waits."""

    def __init__(self, clips: list[Path], **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test camera", daemon=True)
        self._thread.start()
        self.camera = RtspCamera(clips, paths=len(clips), **options)
        asyncio.run_coroutine_threadsafe(self.camera.start(), self._loop).result()

    def do(self, fault: Callable[..., None], *values: Any, **named: Any) -> None:
        """Call a method of the camera in its own thread."""

        async def call() -> None:
            fault(*values, **named)

        asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.camera.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class FaultHost:
    """A running `eyespot camera run`, everything it says, and an admin's view of its API."""

    def __init__(self, folder: Path, config: str) -> None:
        self.state = folder / "state"
        self.log = folder / "log.txt"
        self.config = folder / "config.toml"
        self.config.write_text('[web]\nport = 0\ntls = "off"\n' + config)
        command = [sys.executable, "-m", "eyespot.cli.main", "camera", "run", "--json"]
        where = ["--config", str(self.config), "--state", str(self.state)]
        with self.log.open("wb") as sink:
            self.process = subprocess.Popen(
                [*command, *where], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=sink
            )
        self._api: httpx.Client | None = None
        self.token = ""

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def url(self) -> str:
        return (self.state / "run" / "api-url").read_text().strip()

    @property
    def api(self) -> httpx.Client:
        """Signed in as the first account, which is made on first use."""
        if self._api is None:
            run = self.state / "run"
            until(lambda: self.alive() and (run / "api-url").exists() and (run / "setup-token").exists(), "API is up")
            self._api = httpx.Client(base_url=f"{self.url}/api/v1", timeout=PATIENCE_S)
            token = (run / "setup-token").read_text().strip()
            csrf = self._api.post("/setup", json={"token": token, **ACCOUNT}).raise_for_status().json()["csrf"]
            answer = self._api.post("/tokens", json={"name": "fault tests"}, headers={"X-CSRF-Token": csrf})
            self.token = answer.raise_for_status().json()["token"]
        return self._api

    def alive(self) -> bool:
        assert self.process.poll() is None, self.said[-3000:]
        return True

    def status(self) -> dict[str, Any]:
        return self.api.get("/status").raise_for_status().json()

    def camera(self, name: str) -> dict[str, Any]:
        return self.status()["cameras"][name]

    def media(self, name: str) -> dict[str, Any]:
        """What the media process says of a camera; empty before its first report."""
        reports = [one for one in self.status()["processes"] if one["role"] == "media"]
        return reports[0]["cameras"].get(name, {}) if reports else {}

    def events(self, kind: str, camera: str | None = None) -> list[Event]:
        store = EventStore(self.state / "events.db")
        try:
            return store.find(EventQuery(kind=kind, camera=camera, limit=500))[0]
        finally:
            store.close()

    def segments(self, camera: str) -> list[Segment]:
        index = SegmentIndex(self.state / "index.db")
        try:
            return index.between(camera, "main", 0, EVER_NS)
        finally:
            index.close()

    def spans(self, camera: str, merge_gap_s: float = 0.5) -> list[tuple[float, float]]:
        """What the archive covers, in seconds of wall time."""
        if not (self.state / "index.db").exists():
            return []
        index = SegmentIndex(self.state / "index.db")
        try:
            found = coverage(index, camera, "main", 0, EVER_NS, merge_gap_s)
        finally:
            index.close()
        return [(start / NS_PER_S, end / NS_PER_S) for start, end in found]

    def recorded_until_s(self, camera: str) -> float:
        """Wall time of the end of the footage; 0 when there is none."""
        return self.spans(camera)[-1][1] if self.spans(camera) else 0.0

    def wait_for_footage(self, camera: str, more_s: float = 1.5) -> float:
        """Until the camera's footage reaches ``more_s`` beyond now; where it then ends."""
        goal_s = time.time() + more_s
        until(lambda: self.alive() and self.recorded_until_s(camera) >= goal_s, f"footage of {camera} goes on")
        return self.recorded_until_s(camera)

    def end(self) -> None:
        """End the host if it still runs, whatever it says."""
        if self.process.returncode is None:
            self.process.terminate()
            self.process.communicate()
        if self._api is not None:
            self._api.close()

    def stop(self) -> dict[str, Any]:
        """End the host in order; its report."""
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate()
        assert self.process.returncode == 0, self.said[-3000:]
        report: dict[str, Any] = json.loads(output.splitlines()[-1])
        return report


class RawViewer:
    """A WebSocket client that does no more than it must: it reads only when asked to, and sends what it is given."""

    def __init__(self, url: str, path: str, token: str, *messages: bytes) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._heard = b""
        self.send_bytes(
            f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._heard:
            self._heard += self._socket.recv(1)
        assert b" 101 " in self._heard, self._heard
        for message in messages:
            self.send_bytes(b"\x81\xfe" + len(message).to_bytes(2, "big") + bytes(4) + message)

    def __enter__(self) -> "RawViewer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send_bytes(self, data: bytes) -> None:
        """As they are; the peer may have hung up already."""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def closed_with(self, code: int) -> bool:
        """Whether the peer has sent a close frame of that code by now."""
        self._socket.settimeout(0.05)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while data := self._socket.recv(65536):
                self._heard += data
        return re.search(rb"\x88." + re.escape(code.to_bytes(2, "big")), self._heard, re.DOTALL) is not None

    def close(self) -> None:
        self._socket.close()


def played(host: FaultHost, camera: str) -> Counter[tuple[int, int]]:
    """The whole archive of a camera played back and decoded: pictures by size. Damaged pictures fail."""
    segments = host.segments(camera)
    index = SegmentIndex(host.state / "index.db")
    try:
        chunks = list(stream(index, camera, "main", segments[0].start_wall_ns, segments[-1].end_wall_ns + NS_PER_S))
    finally:
        index.close()
    parts = re.split(rb"(?=....ftyp)", b"".join(chunks), flags=re.DOTALL)
    return sum((_decoded(part) for part in parts if part), Counter())


def _decoded(data: bytes) -> Counter[tuple[int, int]]:
    with av.open(io.BytesIO(data), options={"err_detect": "explode"}) as container:
        return Counter((frame.width, frame.height) for frame in container.decode(video=0))


def assert_whole(host: FaultHost, camera: str, fps: int) -> None:
    """Every segment is closed, as long as its row says, and has all its pictures."""
    for segment in host.segments(camera):
        assert segment.state == "closed"
        assert segment.size_bytes == segment.file.stat().st_size
        pictures = sum(_decoded(segment.file.read_bytes()).values())
        assert abs(pictures - segment.duration_ns * fps / NS_PER_S) < 1.5, (pictures, segment)
