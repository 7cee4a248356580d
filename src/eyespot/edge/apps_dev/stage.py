"""What a service needs of a host, in one process: a bus of its own, its keeper with the real engines, its views.

The parts are the host's own; what is left out is what a service does not meet: recording, the web app, supervision.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from eyespot.bus import nats, server, subjects
from eyespot.contracts.event import Event
from eyespot.contracts.service_access import ServiceUsers
from eyespot.contracts.status import Role
from eyespot.edge.apps_dev.tape import Tape
from eyespot.edge.child import Child, ChildSpec
from eyespot.edge.config import CameraHostConfig, CameraSettings
from eyespot.edge.config_parts import ServicesSettings
from eyespot.edge.frames.grants_file import follow_grants
from eyespot.edge.frames.host import FramesHost
from eyespot.edge.layout import StateLayout
from eyespot.edge.running import Running
from eyespot.edge.services.admission import Admission
from eyespot.edge.services.desk import Desk, GrantsFile
from eyespot.edge.services.egress.desk import EgressDesk
from eyespot.edge.services.engines.chooser import known
from eyespot.edge.services.inference.model_desk import ModelDesk
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.keeper import Keeper
from eyespot.edge.services.service_events import ServiceEvents
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.clock import Clock
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import unavailable
from eyespot.kernel.service import Service


@dataclass(frozen=True, slots=True)
class Stage:
    """The parts that a trial handles."""

    layout: StateLayout
    installed: Installed
    keeper: Keeper
    found: ServiceEvents
    frames: FramesHost
    bus: nats.NatsBus
    """With what vision may say."""


@asynccontextmanager
async def staged(
    layout: StateLayout, tape: Tape, camera: CameraSettings, clock: Clock, submit: Callable[[Event], None]
) -> AsyncIterator[Stage]:
    """A stage below ``layout``, for one camera whose packets come from ``tape``; ended at the end.

    Args:
        submit: takes each event of a service, checked against what it may emit.

    Raises ``UNAVAILABLE`` where there is no bus server.
    """
    async with AsyncExitStack() as stack:
        child = await _bus_server(stack, layout, clock)

        async def joined(role: Role) -> nats.NatsBus:
            bus = await nats.connect(layout.run_dir, role, clock=clock)
            stack.push_async_callback(bus.close)
            return bus

        async def let_in(request: bytes) -> bytes:
            users = ServiceUsers.model_validate_json(request).users
            await asyncio.to_thread(server.let_in, layout.run_dir, users)
            child.reload()
            return b"{}"

        await (await joined("supervisor")).serve(subjects.control("supervisor"), let_in)
        host_bus = await joined("services")
        store = ServiceStore(layout.services_db)
        stack.callback(store.close)
        engines = {engine.name: engine for engine in known(clock, layout.state)}
        installed = Installed(layout, store)
        grants = GrantsFile(layout.grants_file)
        models = ModelDesk(layout, CameraHostConfig(camera=(camera,)), clock, submit)
        egress = await EgressDesk.begin(layout, clock, ServicesSettings)
        desk = Desk(
            layout, installed, engines, Admission(host_bus), grants, models, egress.proxies, host_bus, clock,
            cameras=lambda: (camera,),
        )  # fmt: skip
        keeper = Keeper(desk, submit)
        stack.callback(egress.close)
        found = ServiceEvents(host_bus, keeper.allowed, submit, clock)
        frames = FramesHost(tape, await joined("frames"), clock, {camera.id: camera.seen}.get)
        vision_bus = await joined("vision")
        parts: list[Service] = [frames, egress.journal, found, keeper]
        for part in parts:
            stack.push_async_callback(Running(part, clock).stop)
        following = asyncio.create_task(follow_grants(layout.grants_file, clock, frames.apply))
        stack.callback(following.cancel)
        yield Stage(layout, installed, keeper, found, frames, vision_bus)


async def _bus_server(stack: AsyncExitStack, layout: StateLayout, clock: Clock) -> Child:
    """The bus server, running until the stack ends."""
    plan = server.prepare(layout.run_dir, layout.state)

    def died(role: str, code: int) -> None:
        raise unavailable(f"The {role} server ended with status {code}.", "Try again; its port may have been taken.")

    child = Child(ChildSpec("bus", plan.command, inherited_env(), stop_s=5.0), clock, died)
    running = asyncio.create_task(child.run())

    async def end() -> None:
        await child.stop()
        await asyncio.gather(running, return_exceptions=True)

    stack.push_async_callback(end)
    return child
