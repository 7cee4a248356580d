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


def marks_s(state: Path) -> list[float]:
    """The jumps that the index knows of, in seconds."""
    return [segment.clock_jump_ns / NS_PER_S for segment in segments(state) if segment.clock_jump_ns]


async def until(ready: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S * 10)):
        if ready():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("never happened")


async def test_jumps_of_the_wall_clock_lose_nothing(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", 40, width_px=160, height_px=96, fps=FPS)
    clock = MovedClock()
    async with RtspCamera(clip) as camera, media_process(tmp_path, camera.url(), clock) as state:
        await until(lambda: bool(segments(state)))
        for moved_s, jumps in ((3600.0, 1), (-1800.0, 2)):
            clock.moved_s = moved_s
            await until(lambda jumps=jumps: len(clock_events(state)) == jumps == len(marks_s(state)))
        marked = segments(state)[-1].id
        await until(lambda: segments(state)[-1].id > marked)
    expected = [pytest.approx(3600, abs=1), pytest.approx(-5400, abs=1)]
    assert marks_s(state) == expected
    assert sorted(event.detail["jump_s"] for event in clock_events(state)) == expected[::-1]
    recorded = segments(state)
    for before, after in pairwise(recorded):
        gap_ns = after.start_wall_ns - after.clock_jump_ns - before.end_wall_ns
        assert abs(gap_ns) < NS_PER_S // FPS, "every picture is there, none twice"
    assert all(segment.state == "closed" and segment.file.stat().st_size for segment in recorded)
    assert recorded[-1].start_wall_ns == pytest.approx(clock.wall_ns(), abs=10 * NS_PER_S)
