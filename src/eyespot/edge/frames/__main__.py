"""The frames process: views of every camera to the services that are granted them. It may die at any moment."""

import asyncio
import sys

from eyespot.bus import subjects
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.frames.grants_file import follow_grants
from eyespot.edge.frames.host import FramesHost
from eyespot.edge.process import HostProcess, StatusReporter, follow_config, run_process, settle_memory
from eyespot.edge.running import Running
from eyespot.media.packet_socket import PacketClient


async def work(process: HostProcess, stop: asyncio.Event) -> None:
    """The whole life of the process."""

    config = process.config

    def seen(camera_id: str) -> str | None:
        camera = config.camera_named(camera_id)
        return camera.seen if camera is not None and camera.enabled else None

    async def take_config(changed: CameraHostConfig) -> None:
        nonlocal config
        config = changed
        host.look_again()

    host = FramesHost(PacketClient(process.layout.packets_socket), process.bus, process.clock, seen)
    await process.bus.serve(subjects.control("frames"), host.answer)
    reporter = StatusReporter(process, host.status, dict)
    services = [Running(host, process.clock), Running(reporter, process.clock)]
    following = [
        asyncio.create_task(follow_grants(process.layout.grants_file, process.clock, host.apply)),
        asyncio.create_task(follow_config(process, take_config)),
    ]
    settle_memory()
    await stop.wait()
    for task in following:
        task.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    for service in services:
        await service.stop()


if __name__ == "__main__":
    sys.exit(run_process("frames", work))
