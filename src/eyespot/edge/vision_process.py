"""The vision process: packets of every camera to tracks and events. It may die at any moment; recording goes on."""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraHostConfig, CameraSettings
from eyespot.edge.detector import Detectors
from eyespot.edge.events.store import EventStore
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.latency import percentile
from eyespot.edge.process import HostProcess, StatusReporter, follow_config, run_process, settle_memory
from eyespot.edge.rate_plan import lanes_of
from eyespot.edge.rate_planner import RatePlanner
from eyespot.edge.running import Running
from eyespot.edge.service_needs import ServiceNeeds
from eyespot.edge.service_plan import ServicesPlace
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.kernel.clock import seconds
from eyespot.media.codecs import Codecs
from eyespot.media.packet_socket import PacketClient

if TYPE_CHECKING:
    from eyespot.edge.infer_vision import Inference

OWN_KINDS = ("object", "zone", "loiter", "line", "occupancy", "blind", "covered", "moved", "frozen", "blurred")
MAX_WORKERS = 4


class VisionHost:
    """Everything of the vision process; ``apply`` brings it in line with a config."""

    def __init__(self, process: HostProcess) -> None:
        self._process = process
        self.store = EventStore(process.layout.events_db)
        self.events = EventWriter(self.store, process.bus, process.clock)
        self._workers = ThreadPoolExecutor(min(MAX_WORKERS, os.cpu_count() or 1), "decode")
        self._codecs = Codecs(process.config.vision.decoder)
        self._client = PacketClient(process.layout.packets_socket)
        self._inference = make_inference(process, self.events.submit)
        elsewhere = self._inference.open_one if self._inference else None
        self._detectors = Detectors(process.layout.models(process.config), process.config.vision, elsewhere)
        self._shared = Shared(
            self._client, process.bus, process.clock, self._workers, self._detectors, self.events.submit, self._codecs
        )
        self._cameras: dict[str, tuple[VisionCamera, Running]] = {}
        self.service_needs = ServiceNeeds(process.bus, process.clock)
        self.planner = RatePlanner(
            lambda: [camera for camera, _ in self._cameras.values()],
            lambda: {**self._detectors.costs(), **self.service_needs.costs()},
            self._detectors.told,
            lanes_of(process.config),
            self._inference.share if self._inference and elsewhere else None,
            self.service_needs.needs,
            ServicesPlace.of(process.config),
        )
        self._begin_ns = process.clock.monotonic_ns()

    async def apply(self, config: CameraHostConfig) -> None:
        """Start, restart and end cameras; only zones and lines changing restarts nothing."""
        wanted = {camera.id: camera for camera in config.enabled_cameras if camera.detect.enabled}
        for camera_id in list(self._cameras):
            camera, running = self._cameras[camera_id]
            settings = wanted.get(camera_id)
            if settings is not None and _same_but_rules(settings, camera.settings):
                if settings != camera.settings:
                    camera.replace_rules(settings)
                continue
            await running.stop()
            del self._cameras[camera_id]
        for camera_id, settings in wanted.items():
            if camera_id not in self._cameras:
                camera = VisionCamera(settings, self._shared, self._process.layout.media_dir)
                self._cameras[camera_id] = (camera, Running(camera, self._process.clock))

    async def end(self) -> None:
        """End every camera and what they share."""
        await asyncio.gather(*(running.stop() for _, running in self._cameras.values()))
        await asyncio.to_thread(self._detectors.close)
        if self._inference is not None:
            await self._inference.stop()
        self._workers.shutdown()

    def totals(self) -> dict[str, Any]:
        """The process's own report."""
        delays = [value for camera, _ in self._cameras.values() for value in camera.latency.values()]
        uptime_s = max(1.0, seconds(self._process.clock.monotonic_ns() - self._begin_ns))
        inferences = sum(int(camera.status()["inferences"]) for camera, _ in self._cameras.values())
        return {
            "detections_per_s": round(inferences / uptime_s, 2),
            "latency_p50_ms": percentile(delays, 0.5),
            "latency_p95_ms": percentile(delays, 0.95),
            "lanes": self._detectors.status(),
            "plan": self.planner.status(),
            "errors": {name: camera.error for name, (camera, _) in self._cameras.items() if camera.error},
            "events": self.events.status(),
            "codecs": self._codecs.status(),
            **({"inference": self._inference.status()} if self._inference else {}),
        }

    def cameras(self) -> dict[str, dict[str, Any]]:
        """Report by camera."""
        return {camera_id: camera.status() for camera_id, (camera, _) in self._cameras.items()}


def make_inference(process: HostProcess, submit: Callable[[Event], None]) -> "Inference | None":
    """The inference process, where the config wants one: otherwise not a line of it is loaded."""
    config = process.config
    if config.vision.inference != "process" and not config.inference.rest_port and not config.inference.grpc_port:
        return None
    from eyespot.edge.infer_vision import Inference

    return Inference(process, submit)


def _same_but_rules(one: CameraSettings, other: CameraSettings) -> bool:
    ignored: dict[str, Any] = {
        "zone": (), "line": (), "name": "", "record": other.record, "record_stream": "", "imaging": other.imaging
    }  # fmt: skip
    return one.model_copy(update=ignored) == other.model_copy(update=ignored)


async def work(process: HostProcess, stop: asyncio.Event) -> None:
    """The whole life of the process."""
    host = VisionHost(process)
    clock = process.clock
    for event in host.store.close_interrupted(OWN_KINDS):
        host.events.submit(event)
    reporter = StatusReporter(process, host.totals, host.cameras)
    services = [Running(part, clock) for part in (host.events, reporter, host.service_needs, host.planner)]
    await host.apply(process.config)
    following = asyncio.create_task(follow_config(process, host.apply))
    settle_memory()
    await stop.wait()
    following.cancel()
    await host.end()
    await asyncio.gather(following, return_exceptions=True)
    await reporter.report()
    for service in reversed(services):
        await service.stop()
    host.store.close()


if __name__ == "__main__":
    sys.exit(run_process("vision", work))
