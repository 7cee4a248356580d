"""The services process: everything between installed services and the rest of the camera. It may die at any moment."""

import asyncio

from eyespot.bus import subjects
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.events.store import EventStore
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.process import HostProcess, StatusReporter, follow_config, settle_memory
from eyespot.edge.running import Running
from eyespot.edge.services.admission import Admission
from eyespot.edge.services.desk import Desk, GrantsFile
from eyespot.edge.services.egress.desk import EgressDesk
from eyespot.edge.services.engines.chooser import known
from eyespot.edge.services.inference.model_desk import ModelDesk
from eyespot.edge.services.inference.planned import PlanFollower
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.keeper import Keeper
from eyespot.edge.services.renewal import renew
from eyespot.edge.services.requests import Requests
from eyespot.edge.services.sealing import seal_old
from eyespot.edge.services.service_events import ServiceEvents
from eyespot.edge.services.service_outputs import ServiceOutputs
from eyespot.edge.services.store import ServiceStore
from eyespot.edge.services.zone_news import ZoneNews
from eyespot.kernel.service import Service


async def work(process: HostProcess, stop: asyncio.Event) -> None:
    """The whole life of the process."""
    layout, clock, bus = process.layout, process.clock, process.bus
    events = EventStore(layout.events_db)
    writer = EventWriter(events, bus, clock)
    for event in await asyncio.to_thread(events.close_interrupted, ("service",)):
        writer.submit(event)
    store = ServiceStore(layout.services_db)
    installed = Installed(layout, store)
    await asyncio.to_thread(renew, installed)
    await asyncio.to_thread(seal_old, installed)
    engines = {engine.name: engine for engine in known(clock, layout.state)}
    models = ModelDesk(layout, process.config, clock, writer.submit)
    egress = await EgressDesk.begin(layout, clock, lambda: process.config.services)
    desk = Desk(
        layout, installed, engines, Admission(bus), GrantsFile(layout.grants_file), models, egress.proxies,
        bus, clock, lambda: process.config.services.forbid, lambda: process.config.camera,
        lambda: process.config.services.disk_mb_per_s,
    )  # fmt: skip
    keeper = Keeper(desk, writer.submit)
    found = ServiceEvents(bus, keeper.allowed, writer.submit, clock)
    zones = ZoneNews(bus, clock, lambda: process.config.camera, keeper.zone_cameras)
    switched = ServiceOutputs(bus, keeper.outputs, clock, writer.submit)

    def services() -> dict[str, object]:
        return {name: {**status, **found.of(name), **switched.of(name)} for name, status in keeper.status().items()}

    def totals() -> dict[str, object]:
        return {
            "services": services(),
            "events": writer.status(),
            "inference": models.totals(),
            "egress": egress.journal.status(),
        }

    await bus.serve(subjects.control("services"), Requests(keeper.logs, services).answer)
    await switched.open()
    plan = PlanFollower(bus, clock, models.plan)
    parts: list[Service] = [writer, egress.journal, found, keeper, plan, zones]
    parts.append(StatusReporter(process, totals, dict))
    running = [Running(part, clock) for part in parts]
    following = asyncio.create_task(follow_config(process, _nothing_more))
    settle_memory()
    await stop.wait()
    following.cancel()
    for each in reversed(running):
        await each.stop()
    egress.close()
    events.close()
    store.close()


async def _nothing_more(_: CameraHostConfig) -> None:
    """The keeper reads the settings when it looks."""
