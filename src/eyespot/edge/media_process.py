"""The media process: sensors to hubs to disk and to the packet socket. It waits for nobody.

It decodes nothing, save the streams of cameras with masks or an orientation: those are made again before the hub.
"""

import asyncio
import logging
import sys
from typing import Any

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.contracts.event import Event
from eyespot.contracts.status import StatusMessage
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.events.retention import EventRetention
from eyespot.edge.events.store import EventStore
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.media_camera import Hubs, MediaCamera
from eyespot.edge.media_finder import FinderWatch
from eyespot.edge.media_health import ClockWatch, StorageWatch
from eyespot.edge.outputs.switchboard import Switchboard
from eyespot.edge.outputs.triggers import Triggers
from eyespot.edge.process import STATUS_EVERY_S, HostProcess, StatusReporter, follow_config, run_process, settle_memory
from eyespot.edge.running import Running
from eyespot.media.codecs import Codecs
from eyespot.media.packet_socket import PacketServer
from eyespot.record.recovery import open_index, recover
from eyespot.record.retention import Retention
from eyespot.record.settings import RootSettings
from eyespot.record.storage import Storage

log = logging.getLogger(__name__)

OWN_KINDS = ("signal-lost", "storage", "clock")
MARKING_KINDS = frozenset(("object", "zone", "loiter", "line", "occupancy", "blind", "covered", "moved"))
"""Events that make footage worth keeping longer."""


class MediaHost:
    """Everything of the media process; ``apply`` brings it in line with a config."""

    def __init__(self, process: HostProcess) -> None:
        self._loop = asyncio.get_running_loop()
        layout, clock = process.layout, process.clock
        self._process = process
        self._cameras: dict[str, MediaCamera] = {}
        self.hubs: Hubs = {}
        self.store = EventStore(layout.events_db)
        self.events = EventWriter(self.store, process.bus, clock)
        self.storage_watch = StorageWatch(clock, self.events.submit)
        self.clock_watch = ClockWatch(clock, self.events.submit)
        self.finder_watch = FinderWatch(clock, self.forget_events)
        self.codecs = Codecs()
        self.switchboard = Switchboard(clock)
        self.triggers = Triggers()
        self.index = open_index(layout.index_db)
        self.storage = Storage(
            self.index,
            storage_roots(process.config, process),
            clock,
            retention={camera.id: process.config.retention for camera in process.config.camera},
            on_trouble=self._on_trouble,
        )

    async def apply(self, config: CameraHostConfig) -> None:
        """Start, restart and end cameras until they are as ``config`` says."""
        self.triggers.replace(config)
        await self.switchboard.apply(config.output)
        self.storage.retention = {camera.id: config.retention for camera in config.camera}
        for camera_id in [*self._cameras, *(camera.id for camera in config.camera)]:
            if camera_id not in self._cameras:
                self._cameras[camera_id] = MediaCamera(
                    camera_id, self.hubs, self.storage, self._process.clock, self.events.submit, self.codecs
                )
            settings = config.camera_named(camera_id)
            await self._cameras[camera_id].apply(settings)
            if settings is None:
                del self._cameras[camera_id]

    async def end(self) -> None:
        """End every camera; what was received is written."""
        await asyncio.gather(*(camera.apply(None) for camera in self._cameras.values()))

    async def follow_events(self) -> None:
        """Let recorders know of events while they last."""
        async for message in self._process.bus.subscribe(subjects.events(subjects.EVERY)):
            try:
                event = Event.model_validate_json(message.data)
            except ValidationError:
                log.warning("an event on %s does not parse", message.subject)
                continue
            if event.kind == "process" and event.label == "vision" and event.end_wall_ns is None:
                self.finder_watch.died()
            camera = self._cameras.get(event.camera)
            if camera is not None and (event.kind in MARKING_KINDS or event.records):
                mark(camera, event)
            for ask in self.triggers.asked(event, self._process.clock.wall_ns()):
                self.switchboard.ask(ask)

    async def follow_finder(self) -> None:
        """Let recorders know when events will not be ended any more."""
        async for message in self._process.bus.subscribe(subjects.status("vision")):
            try:
                self.finder_watch.heard(StatusMessage.model_validate_json(message.data).pid)
            except ValidationError:
                log.warning("a report on %s does not parse", message.subject)

    async def look(self) -> None:
        """Watch signals, clock and the finder of events, for ever."""
        while True:
            self.clock_watch.look()
            self.finder_watch.look()
            for camera in self._cameras.values():
                camera.look()
            await asyncio.sleep(STATUS_EVERY_S)

    def totals(self) -> dict[str, Any]:
        """The process's own report."""
        return {
            "storage": {**self.storage.status(), "trouble": self.storage_watch.trouble},
            "events": self.events.status(),
            "codecs": self.codecs.status(),
            "outputs": [report.model_dump() for report in self.switchboard.reports()],
            "errors": self.switchboard.errors(),
        }

    def cameras(self) -> dict[str, dict[str, Any]]:
        """Report by camera."""
        return {camera_id: camera.status() for camera_id, camera in self._cameras.items()}

    def forget_events(self) -> None:
        """No event that lasts will be ended any more by who found it."""
        for camera in self._cameras.values():
            camera.forget_events()

    def _on_trouble(self, kind: str, text: str) -> None:
        """Of the storage, from any thread."""
        self._loop.call_soon_threadsafe(self.storage_watch.told, kind, text)


def mark(camera: MediaCamera, event: Event) -> None:
    """Let a camera's recorder know of an event that makes footage worth keeping; a moment begins and ends at once."""
    if event.end_wall_ns == event.start_wall_ns:
        camera.event(event.id, active=True)
    camera.event(event.id, active=event.end_wall_ns is None)


def storage_roots(config: CameraHostConfig, process: HostProcess) -> tuple[RootSettings, ...]:
    """The configured roots with absolute paths."""
    paths = process.layout.roots(config)
    return tuple(
        RootSettings(path=path, tier=root.tier, max_bytes=root.max_bytes, min_free_bytes=root.min_free_bytes)
        for path, root in zip(paths, config.storage.root, strict=True)
    )


async def work(process: HostProcess, stop: asyncio.Event) -> None:
    """The whole life of the process."""
    host = MediaHost(process)
    clock = process.clock
    await host.switchboard.apply(process.config.output)  # first of all: after a crash the wires go to rest at once
    await process.bus.serve(subjects.control("media"), host.switchboard.answer)
    for event in host.store.close_interrupted(OWN_KINDS):
        host.events.submit(event)
    await asyncio.to_thread(recover, host.storage.roots, host.index)
    reporter = StatusReporter(process, host.totals, host.cameras)
    services = [
        Running(host.events, clock),
        Running(PacketServer(process.layout.packets_socket, host.hubs, allow_lossless=True), clock),
        Running(EventRetention(host.store, process, lambda: process.config.retention.event_days), clock),
        Running(Retention(host.storage, clock, cold_after_hours=process.config.storage.cold_after_hours), clock),
        Running(reporter, clock),
    ]
    await host.apply(process.config)
    tasks = [
        asyncio.create_task(host.follow_events()),
        asyncio.create_task(host.follow_finder()),
        asyncio.create_task(host.look()),
        asyncio.create_task(host.switchboard.mend()),
        asyncio.create_task(follow_config(process, host.apply)),
    ]
    settle_memory()
    await stop.wait()
    for task in tasks:
        task.cancel()
    await host.switchboard.close()
    await host.end()
    await asyncio.to_thread(host.storage.close)
    await asyncio.gather(*tasks, return_exceptions=True)
    await reporter.report()
    for service in reversed(services):
        await service.stop()
    host.index.close()
    host.store.close()


if __name__ == "__main__":
    sys.exit(run_process("media", work))
