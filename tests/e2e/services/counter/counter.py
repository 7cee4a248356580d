"""A well-behaved service: beats, says once what it found, and shows its settings."""

import asyncio
import json
import os
import time
from pathlib import Path

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.bus.discovery import About
from eyespot.bus.nats import join
from eyespot.contracts.service_bus import Beat, ServiceEvent, ServiceState
from eyespot.kernel.errors import EyespotError
from eyespot.kernel.ids import new_id

RUN = Path(os.environ["EYESPOT_RUN"])
TOLD = json.loads((RUN / "service.json").read_text())
NAME = TOLD["name"]


async def joined() -> Bus:
    while True:
        try:
            return await join(RUN / "bus.sock", About(NAME, TOLD["version"], TOLD["instance"]), wait_s=2)
        except EyespotError:
            await asyncio.sleep(0.05)


async def show(bus: Bus, settings: object) -> None:
    state = ServiceState(wall_ns=time.time_ns(), values={"settings": settings})
    await bus.publish(subjects.service_state(NAME), state.model_dump_json().encode())


async def follow(bus: Bus) -> None:
    async for message in bus.subscribe(subjects.service_config(NAME)):
        print("settings", message.data.decode(), flush=True)
        await show(bus, json.loads(message.data))


async def main() -> None:
    bus = await joined()
    following = asyncio.create_task(follow(bus))
    print("hello", TOLD["settings"], flush=True)
    for kind, camera in (("count", "front"), ("party", "front"), ("count", "elsewhere")):
        now_ns = time.time_ns()
        found = ServiceEvent(id=new_id(now_ns), kind=kind, camera=camera, start_wall_ns=now_ns, detail={"n": 1})
        await bus.publish(subjects.service_event(NAME), found.model_dump_json().encode())
    begin_s = time.monotonic()
    while not following.done():
        beat = Beat(version=TOLD["version"], uptime_s=time.monotonic() - begin_s)
        await bus.publish(subjects.service_beat(NAME), beat.model_dump_json().encode())
        await asyncio.sleep(0.5)


asyncio.run(main())
