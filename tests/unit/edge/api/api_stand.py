"""A whole API process in one event loop: real files and sockets, a memory bus, a camera that plays a small clip."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from api_clip import FPS, packets, stream_format
from websockets.asyncio.client import ClientConnection, connect

from eyespot.bus import subjects
from eyespot.contracts.status import StatusMessage
from eyespot.contracts.track import Track, TracksMessage
from eyespot.edge.api.process import ApiProcess
from eyespot.edge.config_file import load_config
from eyespot.edge.layout import StateLayout
from eyespot.edge.process import HostProcess
from eyespot.kernel.clock import SystemClock
from eyespot.media.hub import Hub
from eyespot.media.packet_socket import PacketServer
from eyespot.testing.memory_bus import MemoryBus

PASSWORD = "ripe plum under glass"
CONFIG = """# one camera host
[host]
name = "stand"
[web]
bind = "127.0.0.1"
port = 0
[[camera]]
id = "front"   # the door
name = "Front door"
[[camera.stream]]
name = "main"
source = "rtsp://user:secret@192.0.2.10/one"
[[camera]]
id = "yard"
[[camera.stream]]
source = "rtsp://192.0.2.11/one"
[[camera]]
id = "attic"
enabled = false
[[camera.stream]]
source = "rtsp://192.0.2.12/one"
"""


class Stand:
    """See the module."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.config = folder / "eyespot.toml"
        self.config.write_text(CONFIG)
        self.bus = MemoryBus()
        self.clock = SystemClock()
        self.hubs = {("front", "main"): Hub("front/main"), ("yard", "main"): Hub("yard/main")}
        layout = StateLayout.of(self.state)
        process = HostProcess("api", self.config, layout, load_config(self.config), self.bus, self.clock)
        self.api = ApiProcess(process)
        self.stop = asyncio.Event()

    @property
    def url(self) -> str:
        return self.api.url

    @property
    def setup_token(self) -> str:
        return (self.state / "run" / "setup-token").read_text().strip()

    @asynccontextmanager
    async def running(self, *, media: bool = True) -> AsyncIterator["Stand"]:
        """The process answers inside; with ``media`` the cameras play."""
        tasks = [asyncio.create_task(self.api.run(self.stop))]
        if media:
            tasks.append(
                asyncio.create_task(PacketServer(self.state / "run" / "packets.sock", self.hubs).run(self.stop))
            )
            tasks += [asyncio.create_task(self._play(camera)) for camera in ("front", "yard")]
        try:
            while not (self.state / "run" / "api-url").exists():
                if tasks[0].done():
                    tasks[0].result()
                await asyncio.sleep(0.01)
            yield self
        finally:
            self.stop.set()
            for task in tasks[2:]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.bus.close()

    @asynccontextmanager
    async def client(self, *, sign_in: bool = True) -> AsyncIterator[httpx.AsyncClient]:
        """An HTTP client; signed in as the admin ``owner``, whose account is made when there is none."""
        async with httpx.AsyncClient(base_url=f"{self.url}/api/v1", timeout=30) as client:
            if sign_in:
                credentials = {"username": "owner", "password": PASSWORD}
                if self.api.deps.setup.value is None:
                    answer = await client.post("/session", json=credentials)
                else:
                    answer = await client.post("/setup", json={"token": self.setup_token, **credentials})
                answer.raise_for_status()
                client.headers["X-CSRF-Token"] = answer.json()["csrf"]
            yield client

    @asynccontextmanager
    async def socket(self, path: str, client: httpx.AsyncClient, **options: Any) -> AsyncIterator[ClientConnection]:
        """A WebSocket with the client's cookie and the host's own origin."""
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        options.setdefault("additional_headers", {"Cookie": cookies})
        options.setdefault("origin", self.url)
        async with connect(f"{self.url.replace('http', 'ws', 1)}/api/v1{path}", **options) as socket:
            yield socket

    async def until(self, condition: Callable[[], object]) -> None:
        """Return once ``condition`` holds; raises ``TimeoutError`` after ten seconds."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is waited for is state of another task
                await asyncio.sleep(0.02)

    async def say_status(self, role: str = "media", **cameras: dict[str, Any]) -> None:
        """Publish a status report."""
        report = StatusMessage(role=role, pid=1, wall_ns=self.clock.wall_ns(), uptime_s=1.0, cameras=cameras)
        await self.bus.publish(subjects.status(role), report.model_dump_json().encode())

    async def _play(self, camera: str) -> None:
        """Publish the clip at its own pace for ever, with a track on every frame."""
        hub, number = self.hubs[(camera, "main")], 0
        hub.publish(stream_format(self.clock.wall_ns() - self.clock.monotonic_ns()))
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                now_ns = self.clock.monotonic_ns()
                for packet in packets(now_ns, 1, number):
                    hub.publish(packet)
                x = 3 * (number % 40) / 160
                track = Track(id=1, label="person", score=0.9, box=(x, 0.25, x + 0.19, 0.5))
                message = TracksMessage(camera=camera, capture_ns=now_ns, wall_ns=self.clock.wall_ns(), tracks=(track,))
                await self.bus.publish(subjects.tracks(camera), message.model_dump_json().encode())
                if number % FPS == 0:
                    await self.say_status("media", front={"state": "live"}, yard={"state": "live"})
                number += 1
                await asyncio.sleep(1 / FPS)
