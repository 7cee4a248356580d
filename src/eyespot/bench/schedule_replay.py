"""Shows a clip to one live camera's eyes as fast as they look at it, and prints what they did and saw as one JSON line.

Every packet is looked at before the next one comes, so nothing is missed for want of time and two runs compare look by
look. Usage: python -m eyespot.bench.schedule_replay CLIP MODELS PACKAGE SCHEDULE STATE
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from eyespot.bus.contract import Bus
from eyespot.contracts.event import Event
from eyespot.contracts.packet import Packet, Unit
from eyespot.contracts.track import TracksMessage
from eyespot.edge.config import CameraSettings, VisionSettings
from eyespot.edge.detector import Detectors
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.media.packet_socket import PacketClient

POLL_S = 0.0005


@dataclass(slots=True)
class Feed:
    """In the place of the packet socket: hands over one unit at a time."""

    waiting: "asyncio.Queue[Unit]" = field(default_factory=lambda: asyncio.Queue(1))

    async def units(self, *_: Any, **__: Any) -> AsyncGenerator[Unit, None]:
        """The units in order, for ever."""
        while True:
            yield await self.waiting.get()

    def gather(self, *_: Any) -> None:
        """Nothing gathers here."""


@dataclass(slots=True)
class Kept:
    """In the place of the bus: keeps the tracks of each look."""

    messages: list[TracksMessage] = field(default_factory=list)

    async def publish(self, _: str, data: bytes) -> None:
        """Keep one message."""
        self.messages.append(TracksMessage.model_validate_json(data))


POLL_S = 0.0005


async def _looked(eyes: VisionCamera, sent: int) -> None:
    """Until ``sent`` packets are decoded or passed over, and what was worth it is looked at."""
    while True:
        status = eyes.status()
        if status["counts"]["frames_decoded"] + status["skipped"] >= sent and not eyes.busy:
            return
        await asyncio.sleep(POLL_S)


async def replay(
    units: AsyncIterator[Unit], camera: CameraSettings, detectors: Detectors, state: Path
) -> tuple[VisionCamera, list[TracksMessage], list[Event]]:
    """Show ``units`` to ``camera``; what it saw in each look, and its events as they ended."""
    feed, kept, events, sent = Feed(), Kept(), dict[str, Event](), 0
    with ThreadPoolExecutor(1) as workers:
        shared = Shared(
            cast(PacketClient, feed), cast(Bus, kept), SystemClock(), workers, detectors,
            lambda event: events.__setitem__(event.id, event),
        )  # fmt: skip
        eyes, stop = VisionCamera(camera, shared, state), asyncio.Event()
        running = asyncio.create_task(eyes.run(stop))
        async for unit in units:
            sent += isinstance(unit, Packet) and unit.track == "video"
            await feed.waiting.put(unit)
            await _looked(eyes, sent)
        stop.set()
        await running
    return eyes, kept.messages, list(events.values())


def main() -> None:
    """See the module's text."""
    clip, models, package, schedule, state = sys.argv[1:6]
    source = {"source": clip, "pace": "fast", "loop": False}
    detect = {"schedule": schedule, "package": package}
    camera = CameraSettings.model_validate({"id": "clip", "stream": [source], "detect": detect})
    detectors = Detectors(Path(models), VisionSettings())
    sensor = open_sensor(clip, SensorSettings(pace="fast", loop=False), SystemClock())
    eyes, messages, events = asyncio.run(replay(sensor.units(), camera, detectors, Path(state)))
    detectors.close()
    status, first_ns = eyes.status(), messages[0].capture_ns
    report = {
        "cpu_s": time.process_time(),
        "inferences": status["inferences"],
        "looks": [(message.capture_ns - first_ns) / NS_PER_S for message in messages],
        "tracks": status["counts"]["tracks"],
        "events": len(events),
        "rows": [
            [look, track.id, track.label, *track.box]
            for look, message in enumerate(messages)
            for track in message.tracks
            if track.state != "occluded"
        ],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
