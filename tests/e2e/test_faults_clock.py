"""The wall clock jumps under a running media process: everything is recorded, and the jump is an event and a mark.

The whole media process as it is, in the test's own event loop, because only so its clock can be moved alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from eyespot.contracts.event import Event
from eyespot.edge.config_file import load_config
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import StateLayout
from eyespot.edge.media_process import work
from eyespot.edge.process import HostProcess
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.record.index import SegmentIndex
from eyespot.record.segment import Segment
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.rtsp_camera import RtspCamera

from .fault_rig import EVER_NS, PATIENCE_S, make_clip

pytestmark = pytest.mark.slow

FPS = 10


class MovedClock(SystemClock):
    """The machine's clocks, the wall clock moved at will."""

    moved_s = 0.0

    def wall_ns(self) -> int:
        return super().wall_ns() + round(self.moved_s * NS_PER_S)


@asynccontextmanager
async def media_process(folder: Path, url: str, clock: MovedClock) -> AsyncIterator[Path]:
    config = folder / "config.toml"
    config.write_text(
        '[[storage.root]]\nmin_free_bytes = 0\n[[camera]]\nid = "front"\nrecord = { segment_s = 2 }\n'
        f'detect = {{ enabled = false }}\n[[camera.stream]]\nsource = "{url}"\n'
    )
    layout = StateLayout.of(folder / "state")
    layout.run_dir.mkdir(mode=0o700)
    stop = asyncio.Event()
    running = asyncio.create_task(
        work(HostProcess("media", config, layout, load_config(config), MemoryBus(), clock), stop)
    )
    try:
        yield layout.state
    finally:
        stop.set()
        await running


def segments(state: Path) -> list[Segment]:
    index = SegmentIndex(state / "index.db")
    try:
        return sorted(index.between("front", "main", 0, EVER_NS), key=lambda segment: segment.id)
    finally:
        index.close()


def clock_events(state: Path) -> list[Event]:
    store = EventStore(state / "events.db")
    try:
        return store.find(EventQuery(kind="clock"))[0]
    finally:
        store.close()


async def until(ready: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S * 10)):
        if ready():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("never happened")


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
async def test_a_jump_of_the_wall_clock_loses_nothing(tmp_path: Path, jump_s: float) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 40, width_px=160, height_px=96, fps=FPS)
    clock = MovedClock()
    async with RtspCamera(clip) as camera, media_process(tmp_path, camera.url(), clock) as state:
        await until(lambda: bool(segments(state)))
        clock.moved_s = jump_s
        await until(lambda: bool(clock_events(state)) and segments(state)[-1].clock_jump_ns != 0)
        marked = segments(state)[-1].id
        await until(lambda: segments(state)[-1].id > marked)
    (event,) = clock_events(state)
    assert event.detail["jump_s"] == pytest.approx(jump_s, abs=1)
    recorded = segments(state)
    jumps_s = [segment.clock_jump_ns / NS_PER_S for segment in recorded]
    assert [jump for jump in jumps_s if jump] == [pytest.approx(jump_s, abs=1)]
    for before, after in pairwise(recorded):
        gap_ns = after.start_wall_ns - after.clock_jump_ns - before.end_wall_ns
        assert abs(gap_ns) < NS_PER_S // FPS, "every picture is there, none twice"
    assert all(segment.state == "closed" and segment.file.stat().st_size for segment in recorded)
    assert recorded[-1].start_wall_ns == pytest.approx(clock.wall_ns(), abs=10 * NS_PER_S)
