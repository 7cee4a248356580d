"""RTSP over UDP from a foreign server, all the way to the disk: every picture arrives, and the server may restart."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
from foreign import gstreamer, gstreamer_server, make_clip, process

from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import SystemClock
from eyespot.media.hub import Hub
from eyespot.media.ingest import Ingest
from eyespot.record.index import SegmentIndex
from eyespot.record.settings import RecordSettings, RootSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import READER_BYTES, SegmentWriter

pytestmark = gstreamer


@dataclass
class Recording:
    """A stream being recorded."""

    ingest: Ingest
    writer: SegmentWriter

    @property
    def packets(self) -> int:
        return int(self.ingest.status()["packets"])


@asynccontextmanager
async def recorded(url: str, folder: Path) -> AsyncIterator[Recording]:
    """Record ``url`` over UDP below ``folder``; at the end everything received is on the disk."""
    clock, stop, hub = SystemClock(), asyncio.Event(), Hub("cam/main")
    index = SegmentIndex(folder / "index.db")
    storage = Storage(index, (RootSettings(path=folder / "archive", min_free_bytes=0),), clock)
    reader = hub.reader("record", max_bytes=READER_BYTES)
    writer = SegmentWriter("cam", "main", reader, RecordSettings(), storage, clock)
    settings = SensorSettings(transport="udp", stall_s=2)
    sensor = partial(open_sensor, url, settings, clock)
    ingest = Ingest("cam", "main", sensor, hub, clock, stall_s=settings.stall_s, uniform=lambda: 0.0)
    tasks = [asyncio.create_task(service.run(stop)) for service in (ingest, writer)]
    try:
        yield Recording(ingest, writer)
    finally:
        stop.set()
        await asyncio.gather(*tasks)
        await asyncio.to_thread(storage.close)
        index.close()


async def until(condition: Callable[[], object], what: str) -> None:
    for _ in range(1200):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


def pictures(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


async def test_every_picture_is_recorded_and_a_restarted_server_is_found_again(clip: Path, tmp_path: Path) -> None:
    with ExitStack() as server:
        port = int(server.enter_context(process(gstreamer_server(clip))))
        async with recorded(f"rtsp://127.0.0.1:{port}/live", tmp_path) as running:
            await until(lambda: running.packets >= 75, "three seconds over UDP")
            server.close()
            await until(lambda: running.ingest.state == "backoff", "the loss is noticed")
            before = running.packets
            assert int(server.enter_context(process(gstreamer_server(clip, port=port)))) == port
            await until(lambda: running.packets >= before + 50, "two more seconds after the restart")
    status = running.ingest.status()
    assert status["reconnects"] >= 1
    assert status["sensor"]["corrupt"] == 0
    assert running.writer.status()["lost_packets"] == 0

    numbers = {picture: number for number, picture in enumerate(pictures(clip))}
    files = sorted((tmp_path / "archive").rglob("*.mp4"))
    found = [numbers[picture] for file in files for picture in pictures(file)]
    assert len(found) == running.packets
    assert [len(part) for part in runs(found)] == [before, running.packets - before]


async def test_a_key_picture_of_several_slices_stays_one_picture(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "h264.mp4", slices=3)
    with process(gstreamer_server(clip)) as port:
        async with recorded(f"rtsp://127.0.0.1:{int(port)}/live", tmp_path) as running:
            await until(lambda: running.packets >= 60, "three key pictures over UDP")
    (file,) = (tmp_path / "archive").rglob("*.mp4")
    numbers = {picture: number for number, picture in enumerate(pictures(clip))}
    found = [numbers.get(picture, -1) for picture in pictures(file)]
    assert len(found) == running.packets
    assert found == list(range(found[0], found[0] + len(found)))


def runs(numbers: list[int]) -> list[list[int]]:
    """``numbers`` cut wherever one is not the successor of the one before it."""
    cuts = [0, *(at for at in range(1, len(numbers)) if numbers[at] != numbers[at - 1] + 1), len(numbers)]
    return [numbers[begin:end] for begin, end in pairwise(cuts)]
