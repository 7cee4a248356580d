"""One camera inside the vision process: from the packet socket to tracks and events, at the rate the machine affords.

Packets gather while a worker thread decodes; one detection is under way at a time, so the newest frame always wins and
cameras take turns at the lanes by themselves. When decoding falls behind, packets up to the newest key frame are
dropped and counted, and for a while key frames alone are looked at: vision gives way, recording never notices.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.detections import Detections, no_detections
from eyespot.contracts.event import Event
from eyespot.contracts.packet import StreamFormat, Unit
from eyespot.edge.adaptive import LiveAdaptive
from eyespot.edge.cadence import Cadence
from eyespot.edge.config import CameraSettings
from eyespot.edge.detector import Asked, Detector, Detectors, account_of
from eyespot.edge.flat_views import FlatViews, flat_views
from eyespot.edge.latency import Latency
from eyespot.edge.rate_plan import Allowed, Need, Size
from eyespot.edge.regions import Regions
from eyespot.edge.relief import Relief
from eyespot.edge.scene import Moment, Scene, write_pictures
from eyespot.edge.scene_health import HealthWatch
from eyespot.edge.sight import Sight, span_s
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.codecs import Codecs
from eyespot.media.decode import Frame
from eyespot.media.packet_socket import PacketClient
from eyespot.vision.motion import MotionGate
from eyespot.vision.regions import Box
from eyespot.vision.track.tracks import Tracks

log = logging.getLogger(__name__)

ACTIVE_BATCH_MS, QUIET_BATCH_MS = 400, 500
"""Packets gather for so long at most; while something moves, until the packet of the next look has come."""
CALM_S = 3.0
"""After so long without motion the camera is quiet."""
RECHECK_S = 15.0
"""While quiet, known objects are looked for again this often."""
BEHIND_S, GATHER_BYTES = 2.0, 16 << 20
"""More waiting than this, and what lies before the newest key frame is dropped."""
RETRY_S = 1.0
BLIND_HZ = 1.0
"""Looks a second where there is no room for detections."""
PICTURE_WIDTH_PX, PICTURE_QUALITY = 960, 80
GREY_WIDTH_PX = 160


@dataclass(slots=True)
class Shared:
    """What all cameras of the process use."""

    client: PacketClient
    bus: Bus
    clock: Clock
    workers: Executor
    detectors: Detectors
    submit: Callable[[Event], None]
    codecs: Codecs | None = None
    """Chooses decoders; None: software."""


@dataclass(slots=True)
class _Look:
    """One picture to be concluded: with an image when it is worth detecting in, with ``expected`` when it shows motion
    but no more than was expected, ``blind`` when there is no room for detections.
    """

    frame: Frame
    detector: Detector | None = None
    image: Any = None
    motion: tuple[Box, ...] = ()
    expected: Tracks | None = None
    blind: bool = False
    health: list[Event] = field(default_factory=list)


class VisionCamera:
    """A service; see the module's text."""

    def __init__(self, settings: CameraSettings, shared: Shared, media_dir: Any) -> None:
        self.name = f"vision {settings.id}"
        self.settings = settings
        self._shared = shared
        self._sight = Sight(shared.codecs)
        self._motion = MotionGate()
        self._detector: Detector | None = None
        self._detector_for: StreamFormat | None = None
        self._views: FlatViews | None = None
        self._scene = Scene(settings, media_dir)
        self._health = HealthWatch(settings.id)
        adaptive = settings.detect.schedule == "adaptive"
        self._adaptive = LiveAdaptive(self._scene, settings.detect.rate_hz) if adaptive else None
        self._regions = Regions(settings.detect.regions, settings.detect.score)
        self._inbox: list[Unit] = []
        self._inbox_bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._cadence = Cadence(settings.detect.rate_hz)
        self._allowed = Allowed(settings.detect.rate_hz)
        self._sizes: tuple[Size, ...] = ()
        self._moved_ns = self._checked_ns = self._newest_ns = 0
        self._relief = Relief()
        self._state, self.error = "connecting", ""
        self._dropped = self._detections = self._inferences = self._missed = 0
        self.latency = Latency()
        self._moving = False
        self._wanted: Any = None
        self._wish = (QUIET_BATCH_MS, 0)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until ``stop``; the connection to the media process is made again when it breaks."""
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                reading = asyncio.create_task(self._read())
                await asyncio.wait((reading, stopping), return_when=asyncio.FIRST_COMPLETED)
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                if not stop.is_set():
                    await asyncio.wait((stopping,), timeout=RETRY_S)
        finally:
            stopping.cancel()
            await self._end()

    @property
    def busy(self) -> bool:
        """A picture is being decoded or looked at."""
        return any(task is not None and not task.done() for task in (self._work, self._looking))

    def need(self) -> Need | None:
        """What it wants of the lanes now; None while nothing moves or before its first detection."""
        detect = self.settings.detect
        if not self._moving or not self._sizes:
            return None
        return Need(self.settings.id, detect.package, detect.rate_hz, detect.priority, self._sizes)

    def allow(self, limit: Allowed) -> None:
        """Detect no more than that from the next look on; where it is nothing, motion and health are watched still."""
        if limit.step != self._allowed.step:
            self._detector_for = None
        self._allowed = limit
        self._cadence.change(limit.rate_hz or min(self.settings.detect.rate_hz, BLIND_HZ))

    def replace_rules(self, settings: CameraSettings) -> None:
        """New zones and lines apply from now on."""
        self.settings = settings
        for event in self._scene.replace_rules(settings, self._newest_ns, self._offset_ns):
            self._shared.submit(event)

    def status(self) -> dict[str, Any]:
        sight = self._sight
        return {
            "state": self._state,
            "error": self.error,
            "mode": "relief" if sight.keys_only else "quiet" if sight.quiet else "active",
            "rate_hz": self._allowed.rate_hz,
            "wanted_hz": self.settings.detect.rate_hz,
            "moving": self._moving,
            "tracks": self._scene.tracks_now,
            "latency_ms": self.latency.percentile(0.5),
            "latency_p95_ms": self.latency.percentile(0.95),
            "findings": self._health.findings,
            "corrupt": sight.corrupt,
            "skipped": sight.skipped,
            "missed": self._missed,
            "inferences": self._inferences,
            "regions": self._regions.looked,
            "counts": {
                "frames_decoded": sight.decoded,
                "frames_dropped": self._dropped,
                "detections": self._detections,
                "tracks": self._scene.tracks_seen,
                "events": self._scene.events,
            },
        }

    @property
    def _offset_ns(self) -> int:
        picture = self._sight.picture
        return picture.wall_offset_ns if picture else 0

    async def _read(self) -> None:
        camera, stream = self.settings.id, self.settings.seen
        try:
            units = self._shared.client.units(camera, stream, reader="vision", batch_ms=self._wish[0])
            async for unit in units:
                self._state = "watching"
                self._gather(unit)
        except EyespotError as error:
            if error.kind is not Kind.UNAVAILABLE:
                log.warning("%s: %s", self.name, error)
                self.error = error.what
        self._state = "connecting"

    def _gather(self, unit: Unit) -> None:
        self._inbox.append(unit)
        self._inbox_bytes += len(getattr(unit, "data", b""))
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._process(), name=self.name)

    async def _process(self) -> None:
        loop = asyncio.get_running_loop()
        while self._inbox:
            if self._inbox_bytes > GATHER_BYTES or span_s(self._inbox) > BEHIND_S + self._wish[0] / 1000:
                self._fall_behind()
            units, self._inbox, self._inbox_bytes = self._inbox, [], 0
            look = await loop.run_in_executor(self._shared.workers, self._see, units)
            if look is not None:
                self._looking = asyncio.create_task(self._conclude(look), name=self.name)
                if look.image is None:
                    await self._looking

    def _fall_behind(self) -> None:
        before = len(self._inbox)
        self._inbox = self._sight.skip_to_key(self._inbox)
        self._inbox_bytes = 0
        self._dropped += before - len(self._inbox)
        if before != len(self._inbox) and self._relief.begin(self._shared.clock.monotonic_ns()):
            self._sight.keys_only = True
            log.warning("%s: short of time, looking at key frames alone for a while", self.name)

    def _see(self, units: list[Unit]) -> _Look | None:
        """In a worker thread: decode, and look at the newest picture when it is time to."""
        was_quiet = self._sight.quiet
        cadence = self._cadence
        self._sight.due_ns, self._sight.key_slack_ns = cadence.due_ns, cadence.period_ns // 2
        frame = self._sight.take(units)
        if frame is None:
            return None
        self._newest_ns = frame.capture_ns
        early_ns = self._sight.key_slack_ns if frame.is_key else 0
        if frame.capture_ns < cadence.due_ns - early_ns and not was_quiet:
            return None
        if self._looking is not None and not self._looking.done():
            self._missed += 1
            return None
        cadence.looked(frame.capture_ns, self._sight.key_ns, self._sight.gop_ns)
        return self._look(frame)

    def _look(self, frame: Frame) -> _Look:
        grey = frame.grey(GREY_WIDTH_PX, max(16, round(GREY_WIDTH_PX * frame.height_px / frame.width_px)))
        motion = self._motion.update(grey, frame.capture_ns, is_key=frame.is_key)
        if motion.moving:
            self._moved_ns = frame.capture_ns
            self._sight.moved(frame)
        self._moving = motion.moving or frame.capture_ns - self._moved_ns < from_seconds(CALM_S)
        self._sight.quiet = not self._moving
        self._ask_for_packets()
        health = self._health.look(grey, frame.capture_ns, self._offset_ns, is_key=frame.is_key)
        look = _Look(frame, motion=motion.boxes, health=health)
        if not self._allowed.rate_hz:
            look.blind = True
        elif self._wants_detection(frame):
            look.expected = self._expected(frame)
            if look.expected is not None:
                return look
            self._checked_ns = frame.capture_ns
            look.detector = self._find_detector(frame)
            look.image = self._image(look.detector, frame) if look.detector else None
        return look

    def _image(self, detector: Detector, frame: Frame) -> Any:
        """The whole picture for the detector; of a fisheye lens, its flat views."""
        return self._views.images(detector, frame) if self._views is not None else detector.image(frame)

    def _expected(self, frame: Frame) -> Tracks | None:
        """Where everything should be, where the schedule is adaptive and says that this picture brings no news."""
        return self._adaptive.expected(frame.capture_ns, self._motion.changed()) if self._adaptive else None

    def _wants_detection(self, frame: Frame) -> bool:
        recheck = self._scene.tracks_now and frame.capture_ns - self._checked_ns > from_seconds(RECHECK_S)
        return self._moving or bool(recheck)

    def _find_detector(self, frame: Frame) -> Detector | None:
        """Looked for once for each format of the stream; without one the camera is shown and recorded all the same."""
        if self._sight.picture is self._detector_for:
            return self._detector
        self._detector_for = self._sight.picture
        self._detector, self.error = None, ""
        try:
            name, aspect = self.settings.detect.package, frame.width_px / frame.height_px
            self._detector = self._shared.detectors.get(name, aspect, self._allowed.step)
            self._sizes = self._shared.detectors.sizes(name, aspect)
            self._scene.labels = self._detector.labels
            self._wanted = self._detector.wanted(self.settings.detect.labels)
            lens = self._sight.picture.view.lens if self._sight.picture else None
            self._views = flat_views(lens, (frame.width_px, frame.height_px), self._detector.input_px)
        except EyespotError as error:
            log.error("%s: no objects will be found: %s", self.name, error)
            self.error = str(error)
        return self._detector

    def _ask_for_packets(self) -> None:
        """From a worker thread: the socket belongs to the event loop."""
        wish = (ACTIVE_BATCH_MS, self._cadence.due_ns) if self._moving else (QUIET_BATCH_MS, 0)
        if wish != self._wish:
            self._wish = wish
            names = self.settings.id, self.settings.seen, "vision"
            self._loop().call_soon_threadsafe(partial(self._shared.client.gather, *names, *wish))

    def _loop(self) -> asyncio.AbstractEventLoop:
        assert self._work is not None
        return self._work.get_loop()

    async def _conclude(self, look: _Look) -> None:
        for event in look.health:
            self._shared.submit(event)
        try:
            moment = await self._moment(look)
            if moment is None:
                return
            await self._tell(moment, look)
        except Exception:  # a defect in one look must not end the camera's seeing; it is logged and counted
            self._missed += 1
            log.exception("%s: a look failed", self.name)
        if self._relief.is_over(self._shared.clock.monotonic_ns()):
            self._sight.keys_only = False

    async def _moment(self, look: _Look) -> Moment | None:
        if look.expected is not None:
            return self._scene.carried(look.expected, self._offset_ns)
        if look.blind:
            nothing = no_detections(look.frame.capture_ns, look.frame.width_px / look.frame.height_px)
            return self._scene.detected(nothing, self._offset_ns)
        if look.image is None or look.detector is None:
            return self._scene.still(look.frame.capture_ns, self._offset_ns)
        try:
            detections = await self._detect(look, look.detector)
        except EyespotError as error:
            self._missed += 1
            if error.kind is not Kind.EXHAUSTED:
                log.error("%s: %s", self.name, error)
                self.error = str(error)
            return None
        self._inferences += 1
        self._detections += int((detections.scores >= self.settings.detect.score).sum())
        return self._scene.detected(detections, self._offset_ns)

    async def _detect(self, look: _Look, detector: Detector) -> Detections:
        """The objects in the whole picture, and far ones in parts of it when there is time to look closer."""
        frame, clock = look.frame, self._shared.clock
        if self._views is not None:
            return await self._views.detect(detector, look.image, self._asked(frame))
        begin_ns = clock.monotonic_ns()
        whole = await detector.detect(look.image, self._asked(frame))
        if not self._has_time(clock.monotonic_ns() - begin_ns, detector):
            return whole
        picture_px = frame.width_px, frame.height_px
        regions = self._regions.choose(whole, look.motion, self._scene.boxes, picture_px, detector.input_px)
        loop, parts = asyncio.get_running_loop(), []
        for region in regions:
            image = await loop.run_in_executor(self._shared.workers, detector.image, frame, region)
            parts.append(await detector.detect(image, self._asked(frame, region)))
        return self._regions.join(whole, regions, parts)

    def _asked(self, frame: Frame, region: Box | None = None) -> Asked:
        detect, aspect = self.settings.detect, frame.width_px / frame.height_px
        return Asked(frame.capture_ns, aspect, self._wanted, region, detect.priority, account_of(self.settings.id))

    def _has_time(self, took_ns: int, detector: Detector) -> bool:
        """Closer looks give way first: to the plan, to cameras that wait, to decoding, and to the next turn."""
        if not self._allowed.closer:
            return False
        ahead_ns = took_ns * (1 + self.settings.detect.regions)
        return not (self._sight.keys_only or detector.waiting) and ahead_ns < self._cadence.period_ns

    async def _tell(self, moment: Moment, look: _Look) -> None:
        if moment.pictures:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._shared.workers, _save, look.frame, moment)
        for event in moment.events:
            self._shared.submit(event)
        message = moment.message
        await self._shared.bus.publish(subjects.tracks(self.settings.id), message.model_dump_json().encode())
        if look.image is not None:
            self.latency.note(self._shared.clock.monotonic_ns() - look.frame.capture_ns)

    async def _end(self) -> None:
        if self._work is not None:
            await asyncio.gather(self._work, return_exceptions=True)
        if self._looking is not None:  # only now: the work may have begun one more look
            await asyncio.gather(self._looking, return_exceptions=True)
        for event in self._scene.finish(self._newest_ns, self._offset_ns):
            self._shared.submit(event)
        for event in self._health.finish(self._newest_ns, self._offset_ns):
            self._shared.submit(event)


def _save(frame: Frame, moment: Moment) -> None:
    """In a worker thread. A picture that cannot be written costs the picture, not the event."""
    try:
        write_pictures(moment.pictures, frame.jpeg(PICTURE_QUALITY, PICTURE_WIDTH_PX))
    except (OSError, EyespotError) as error:
        log.warning("a best frame could not be written: %s", error)
