"""A frames host on a real packet socket, fed from an encoded scene, for tests of views."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from eyespot.contracts.frames_door import Grant, Grants
from eyespot.contracts.packet import Packet
from eyespot.contracts.view import NamedView
from eyespot.edge.frames.host import FramesHost
from eyespot.kernel.clock import SystemClock
from eyespot.media.hub import Hub
from eyespot.media.packet_socket import PacketClient, PacketServer
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

WIDTH_PX, HEIGHT_PX, FPS = 320, 192, 25


async def until(condition: Callable[[], object]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


def grant(socket: Path, *views: dict[str, Any], **more: Any) -> Grant:
    """A grant to the user of this very process."""
    document = {"uid": os.geteuid(), "socket": socket, "views": [{"camera": "yard", **view} for view in views], **more}
    return Grant.model_validate(document)


class Rig:
    """The camera ``yard`` with its stream ``main``, and the host that hands out its frames."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.bus = MemoryBus()
        self.hub = Hub("yard/main")
        self.host = FramesHost(PacketClient(folder / "packets.sock"), self.bus, self.clock, {"yard": "main"}.get)
        self._place = 0
        self.packets: list[Packet] = []

    def door(self, service: str = "app") -> Path:
        return self.folder / f"{service}.sock"

    def grant(self, *views: dict[str, Any], service: str = "app", **more: Any) -> None:
        """Grant ``views`` to one service alone."""
        self.host.apply(Grants(services={service: grant(self.door(service), *views, **more)}))

    def begin(self, frames: int = 100, **scene: Any) -> SyntheticScene:
        """Announce the stream; its pictures come by ``play``."""
        settings = SceneSettings.model_validate(
            {"width_px": WIDTH_PX, "height_px": HEIGHT_PX, "fps": FPS, "people": 2, "frames": frames, **scene}
        )
        shown = SyntheticScene(settings)
        stream, self.packets = encode_scene(
            shown, frames, start_ns=self.clock.monotonic_ns(), wall_offset_ns=1_000_000_000_000
        )
        self._place = 0
        self.hub.publish(stream)
        return shown

    async def play(self, frames: int) -> None:
        """Let the next ``frames`` pictures come, one after the other has been seen."""
        for packet in self.packets[self._place : self._place + frames]:
            self.hub.publish(packet)
            await asyncio.sleep(0.01)
        self._place += frames

    def named(self, name: str, **view: Any) -> NamedView:
        return NamedView.model_validate({"name": name, "camera": "yard", **view})


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Rig]:
    """A rig whose host and packet socket run."""
    rig = Rig(folder)
    stop = asyncio.Event()
    server = PacketServer(folder / "packets.sock", {("yard", "main"): rig.hub})
    tasks = [asyncio.create_task(server.run(stop)), asyncio.create_task(rig.host.run(stop))]
    await until((folder / "packets.sock").exists)
    try:
        yield rig
    finally:
        stop.set()
        await asyncio.gather(*tasks)
