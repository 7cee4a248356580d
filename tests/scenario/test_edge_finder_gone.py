"""Recording by events ends when the process that finds events goes away, however it goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eyespot.bus import subjects
from eyespot.contracts.event import Event, EventKind
from eyespot.contracts.status import StatusMessage
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.layout import HOST, StateLayout
from eyespot.edge.media_finder import SILENT_S, FinderWatch
from eyespot.edge.media_process import MediaHost
from eyespot.edge.process import HostProcess
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.kernel.ids import new_id
from eyespot.testing.memory_bus import MemoryBus

DOCUMENT = {
    "camera": [
        {
            "id": "cam",
            "stream": [{"source": "synthetic:?width=160&height=96"}],
            "record": {"mode": "events", "postroll_s": 0.0},
        }
    ]
}


class LateClock(SystemClock):
    """The system's clock, and a test can say that more time has passed."""

    late_ns = 0

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() + self.late_ns


class Rig:
    """A media process's insides, without the process."""

    def __init__(self, state: Path) -> None:
        self.bus, self.clock = MemoryBus(), LateClock()
        clock = SystemClock()
        config = CameraHostConfig.model_validate(DOCUMENT)
        self.host = MediaHost(
            HostProcess("media", state / "eyespot.toml", StateLayout.of(state), config, self.bus, clock)
        )
        self.host.finder_watch = FinderWatch(self.clock, self.host.forget_events)
        self.config = config

    async def report(self, pid: int) -> None:
        message = StatusMessage(role="vision", pid=pid, wall_ns=1, uptime_s=1)
        await self.bus.publish(subjects.status("vision"), message.model_dump_json().encode())

    async def event(self, event: Event) -> None:
        await self.bus.publish(subjects.events(event.camera), event.model_dump_json().encode())

    @property
    def state(self) -> str:
        return str(self.host.cameras()["cam"]["recording"]["state"])

    async def until_state(self, wanted: Callable[[str], bool]) -> None:
        for _ in range(1000):
            if wanted(self.state):
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"the recorder stays {self.state}")


@asynccontextmanager
async def running(state: Path) -> AsyncIterator[Rig]:
    rig = Rig(state)
    host = rig.host
    await host.apply(rig.config)
    tasks = [asyncio.create_task(work()) for work in (host.follow_events, host.follow_finder)]
    await asyncio.sleep(0)
    try:
        yield rig
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await host.end()
        await asyncio.to_thread(host.storage.close)
        host.index.close()
        host.store.close()


def lasting(camera: str, kind: EventKind, label: str = "") -> Event:
    return Event(id=new_id(NS_PER_S), camera=camera, kind=kind, label=label, start_wall_ns=NS_PER_S)


@pytest.mark.parametrize("way", ["another pid", "died", "silent"])
async def test_an_event_that_nobody_will_end_holds_no_recording(tmp_path: Path, way: str) -> None:
    async with running(tmp_path) as rig:
        await rig.report(pid=41)
        await rig.until_state(lambda state: state not in ("", "recording"))
        await rig.event(lasting("cam", "object", "person"))
        await rig.until_state(lambda state: state == "recording")
        await rig.report(pid=41)
        rig.host.finder_watch.look()
        await asyncio.sleep(0.3)
        assert rig.state == "recording"
        if way == "another pid":
            await rig.report(pid=42)
        elif way == "died":
            await rig.event(lasting(HOST, "process", "vision"))
        else:
            rig.clock.late_ns = round((SILENT_S + 5) * NS_PER_S)
            rig.host.finder_watch.look()
        await rig.until_state(lambda state: state != "recording")


async def test_another_process_that_dies_ends_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as rig:
        await rig.report(pid=41)
        await rig.event(lasting("cam", "object", "person"))
        await rig.until_state(lambda state: state == "recording")
        await rig.event(lasting(HOST, "process", "api"))
        await rig.bus.publish(subjects.status("vision"), b"{}")
        await asyncio.sleep(0.3)
        assert rig.state == "recording"
