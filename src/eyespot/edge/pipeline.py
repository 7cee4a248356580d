"""The whole pipeline over one file, as fast as the machine goes: every frame decoded, detected in, followed, judged by
the rules, events stored, and the footage recorded. Nothing is dropped; results come in the order of the frames. With
``adaptive``, frames are detected in when that may bring news, and what is known is carried on by prediction between.

One worker thread decodes and concludes, lanes infer beside it, the event loop reads and records. For benches and for
going through footage after the fact; the live counterpart is ``vision_camera``.

Usage: python -m eyespot.edge.pipeline CLIP PACKAGE LANES STATE [--adaptive] [--tracks FILE]. Prints one line of JSON.
"""

import argparse
import asyncio
import json
import resource
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from eyespot.contracts.detections import Detections
from eyespot.contracts.event import Event
from eyespot.contracts.packet import StreamFormat, Unit
from eyespot.edge.adaptive import Adaptive
from eyespot.edge.config import CameraSettings, VisionSettings
from eyespot.edge.config_parts import StreamSettings
from eyespot.edge.detector import Asked, Detector, make_detector
from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import StateLayout
from eyespot.edge.process import settle_memory
from eyespot.edge.scene import Scene, write_pictures
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.infer.package import ModelPackage
from eyespot.kernel.clock import Clock, SystemClock, seconds
from eyespot.media.decode import Decoder, Frame
from eyespot.media.hub import Hub, Reader
from eyespot.media.ingest import Ingest
from eyespot.record.index import SegmentIndex
from eyespot.record.settings import RecordSettings
from eyespot.record.storage import Storage, default_roots
from eyespot.record.writer import READER_BYTES, SegmentWriter
from eyespot.vision.heads.nanodet import Candidates
from eyespot.vision.track import TrackerSettings
from eyespot.vision.track.tracks import Tracks

BATCH_BYTES = 256 << 10
VISION_BYTES = 4 << 20
FRAMES_AHEAD = 4
"""Frames left waiting for a lane, so that no lane waits for a frame while others are being concluded."""
CONCLUDED_TOGETHER = 16
"""Frames are concluded so many at a time: what follows objects then stays in the processor's caches between frames."""
PICTURE_WIDTH_PX, PICTURE_QUALITY = 960, 80
SHOWN_S = TrackerSettings().hold_s + 1e-6
"""A track that was not seen for longer counts as hidden."""
PICTURES_AT_ONCE = 12
"""Best frames are held until so many events have one: most are bettered before they would have been written."""
EVENTS_AT_ONCE = 16
"""Events are stored when so many have changed, for the same reason."""


@dataclass(slots=True)
class FastReport:
    """What one run did. ``seconds`` run from the first frames concluded to the last, without set-up and clean-up, and
    ``timed`` frames were taken up in that time; ``cpu_s`` is of the whole run.
    """

    frames: int = 0
    timed: int = 0
    inferences: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    detections: int = 0
    tracks: int = 0
    events: int = 0
    segments: int = 0
    bytes_recorded: int = 0


@dataclass(frozen=True, slots=True)
class _Job:
    """What a worker is made for."""

    camera: CameraSettings
    package: ModelPackage
    settings: VisionSettings
    media_dir: Path
    adaptive: bool
    show: Callable[[Tracks], None]


class _Worker:
    """Decodes and concludes, in one thread; detection is some frames ahead of the conclusion, unless it is adaptive:
    then the conclusion decides about the next frame.
    """

    def __init__(self, job: _Job, clock: Clock) -> None:
        self.report = FastReport()
        self.scene = Scene(job.camera, job.media_dir, job.show)
        self._adaptive = Adaptive(self.scene) if job.adaptive else None
        self.events: dict[str, Event] = {}
        self._camera, self._package, self._settings = job.camera, job.package, job.settings
        self._decoder: Decoder | None = None
        self._detector: Detector | None = None
        self._offset_ns = 0
        self._ahead: deque[tuple[Future[Candidates], Frame]] = deque()
        self._best: dict[Path, Frame] = {}
        self._clock = clock
        self.begin_ns = self.end_ns = 0
        self._before = 0

    def work(self, units: Sequence[Unit]) -> list[Event]:
        """Take packets; the newest state of each event that changed, once there are enough."""
        for unit in units:
            if isinstance(unit, StreamFormat):
                self._begin(unit)
            elif self._decoder is not None:
                for frame in self._decoder.decode(unit):
                    self._frame(frame)
        if len(self._best) >= PICTURES_AT_ONCE:
            self._draw()
        return self._changed() if len(self.events) >= EVENTS_AT_ONCE else []

    def finish(self) -> list[Event]:
        """Conclude what is under way; everything that lasts ends."""
        for frame in self._decoder.flush() if self._decoder else ():
            self._frame(frame)
        last_ns = self._ahead[-1][1].capture_ns if self._ahead else 0
        self._conclude(len(self._ahead))
        self._draw()
        self._note(self.scene.finish(last_ns, self._offset_ns))
        self.report.tracks, self.report.events = self.scene.tracks_seen, self.scene.events
        if self._detector is not None:
            self._detector.close()
        return self._changed()

    def _begin(self, stream: StreamFormat) -> None:
        video = stream.video
        self._offset_ns = stream.wall_offset_ns
        self._decoder = Decoder(video, fast=True)
        if self._detector is None:
            self._detector = make_detector(self._package, video.width_px / video.height_px, self._settings)
            self.scene.labels = self._detector.labels
            self._wanted = self._detector.wanted(self._camera.detect.labels)

    def _frame(self, frame: Frame) -> None:
        self.report.frames += 1
        if self._adaptive is not None:
            if self._adaptive.is_worth(frame):
                self._submit(frame)
                self._conclude(1)
            else:
                self._clock_in()
            return
        ahead = self._settings.lanes + FRAMES_AHEAD
        if len(self._ahead) >= ahead + CONCLUDED_TOGETHER:
            self._conclude(len(self._ahead) - ahead)
        self._submit(frame)

    def _submit(self, frame: Frame) -> None:
        detector = self._detector
        assert detector is not None
        asked = Asked(frame.capture_ns, frame.width_px / frame.height_px, self._wanted)
        self._ahead.append((detector.submit(detector.image(frame), asked), frame))
        self.report.inferences += 1

    def _conclude(self, count: int) -> None:
        """Take the results of the ``count`` oldest frames."""
        if not count or self._detector is None:
            return
        taken = [self._ahead.popleft() for _ in range(count)]
        found = self._detector.settle([future.result() for future, _ in taken])
        for detections, (_, frame) in zip(found, taken, strict=True):
            self._judge(detections, frame)

    def _judge(self, detections: Detections, frame: Frame) -> None:
        self.report.detections += int((detections.scores >= self._camera.detect.score).sum())
        events, pictures = self.scene.judged(detections, self._offset_ns)
        for path in pictures:
            self._best[path] = frame
        self._note(events)
        self._clock_in()

    def _clock_in(self) -> None:
        self.end_ns = self._clock.monotonic_ns()
        if not self.begin_ns:
            self.begin_ns, self._before = self.end_ns, self.report.frames
        self.report.timed = self.report.frames - self._before

    def _draw(self) -> None:
        """Write the best frames since the last time; of several pictures of one event the newest, which is the best."""
        wanted: dict[int, tuple[Frame, list[Path]]] = {}
        for path, frame in self._best.items():
            wanted.setdefault(frame.capture_ns, (frame, []))[1].append(path)
        self._best = {}
        for frame, paths in wanted.values():
            write_pictures(paths, frame.jpeg(PICTURE_QUALITY, PICTURE_WIDTH_PX))

    def _note(self, events: Sequence[Event]) -> None:
        for event in events:
            self.events[event.id] = event

    def _changed(self) -> list[Event]:
        changed, self.events = list(self.events.values()), {}
        return changed


async def run_fast(
    clip: Path,
    package: ModelPackage,
    state: Path,
    *,
    lanes: int = 2,
    adaptive: bool = False,
    show: Callable[[Tracks], None] = lambda _: None,
) -> FastReport:
    """Run the whole pipeline over ``clip``, keeping footage, events and pictures below ``state``.

    Args:
        adaptive: detect when it may bring news only.
        show: gets the tracks of every frame, in the worker's thread.
    """
    layout = StateLayout.of(state)
    clock = SystemClock()
    stream = StreamSettings(source=str(clip), pace="fast", loop=False)
    camera = CameraSettings(id="clip", stream=(stream,))
    job = _Job(camera, package, VisionSettings(lanes=lanes), layout.media_dir, adaptive, show)
    hub = Hub("clip")
    ingest = Ingest(camera.id, stream.name, lambda: open_sensor(str(clip), stream, clock), hub, clock, once=True)
    index = SegmentIndex(layout.index_db)
    storage = Storage(index, default_roots(layout.state), clock)
    recorded = hub.reader("record", max_bytes=READER_BYTES, lossless=True)
    writer = SegmentWriter(camera.id, stream.name, recorded, RecordSettings(), storage, clock)
    seen = hub.reader("vision", max_bytes=VISION_BYTES, lossless=True)
    worker = _Worker(job, clock)
    store = EventStore(layout.events_db)
    begin_cpu_s, stop = _cpu_s(), asyncio.Event()
    settle_memory()
    async with asyncio.TaskGroup() as group:
        group.create_task(ingest.run(stop))
        group.create_task(writer.run(stop))
        group.create_task(_see(seen, worker, store))
    await asyncio.to_thread(storage.close)
    report = worker.report
    report.seconds = round(seconds(worker.end_ns - worker.begin_ns), 3)
    report.cpu_s = round(_cpu_s() - begin_cpu_s, 3)
    recording = writer.status()
    report.segments, report.bytes_recorded = recording["segments"], recording["bytes"]
    index.close()
    store.close()
    return report


async def _see(reader: Reader, worker: _Worker, store: EventStore) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "pipeline") as thread:
        storing = asyncio.create_task(asyncio.sleep(0))
        while not reader.ended:
            await reader.wait()
            events = await loop.run_in_executor(thread, worker.work, reader.take(BATCH_BYTES))
            if not events:
                continue
            await storing  # the batch before: the disk and the next frames go on side by side
            storing = asyncio.create_task(asyncio.to_thread(store.put_many, events))
        await storing
        await asyncio.to_thread(store.put_many, await loop.run_in_executor(thread, worker.finish))


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _rows(tracks: Tracks, frame: int) -> list[list[float]]:
    """``[frame, id, label, x1, y1, x2, y2]``, label as a number and box in fractions, of the tracks there now."""
    here = tracks.unseen_s <= SHOWN_S
    columns = tracks.ids[here].tolist(), tracks.labels[here].tolist(), tracks.boxes[here].tolist()
    return [[frame, number, label, *box] for number, label, box in zip(*columns, strict=True)]


def main() -> None:
    """See the module's text."""
    parser = argparse.ArgumentParser(prog="pipeline")
    for name, kind in (("clip", Path), ("package", Path), ("lanes", int), ("state", Path)):
        parser.add_argument(name, type=kind)
    parser.add_argument("--adaptive", action="store_true")
    parser.add_argument("--tracks", type=Path, help="where to write the tracks of every frame as JSON")
    given = parser.parse_args()
    kept: list[list[list[float]]] = []
    report = asyncio.run(
        run_fast(
            given.clip,
            ModelPackage.load(given.package),
            given.state,
            lanes=given.lanes,
            adaptive=given.adaptive,
            show=(lambda tracks: kept.append(_rows(tracks, len(kept)))) if given.tracks else lambda _: None,
        )
    )
    if given.tracks:
        given.tracks.write_text(json.dumps([row for rows in kept for row in rows]), encoding="utf-8")
    print(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()
