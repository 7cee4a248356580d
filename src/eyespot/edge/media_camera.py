"""One camera inside the media process: its streams' ingests and hubs, and the recorder of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eyespot.contracts.event import Event
from eyespot.contracts.lens import PLAIN, View
from eyespot.edge.config import CameraSettings
from eyespot.edge.config_parts import StreamSettings
from eyespot.edge.imaging.camera_imaging import CameraImaging
from eyespot.edge.media_health import SignalWatch
from eyespot.edge.running import Running
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.kernel.clock import Clock, seconds
from eyespot.media.codecs import Codecs
from eyespot.media.hub import Hub
from eyespot.media.ingest import Ingest
from eyespot.media.viewed_sensor import viewed
from eyespot.record.settings import RecordSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import READER_BYTES, SegmentWriter

Hubs = dict[tuple[str, str], Hub]
_LIVE_SOURCES = ("rtsp://", "rtsps://", "http://", "https://", "synthetic:", "/dev/")


@dataclass(slots=True)
class _Stream:
    settings: StreamSettings
    view: View
    hub: Hub
    ingest: Ingest
    running: Running
    watch: SignalWatch
    frames: int = 0
    bytes: int = 0
    looked_ns: int = 0
    fps: float = 0.0
    bitrate_bps: int = 0


@dataclass(slots=True)
class _Recorder:
    stream: str
    settings: RecordSettings
    writer: SegmentWriter
    running: Running


class MediaCamera:
    """Brings what runs in line with the camera's settings; restarts only what changed.

    Args:
        hubs: the process's hubs by (camera, stream), which the packet server reads.
        submit: takes events.
        codecs: chooses encoders for devices that need one; None: software.
    """

    def __init__(
        self,
        camera: str,
        hubs: Hubs,
        storage: Storage,
        clock: Clock,
        submit: Callable[[Event], None],
        codecs: Codecs | None = None,
    ) -> None:
        self._camera = camera
        self._hubs = hubs
        self._storage = storage
        self._clock = clock
        self._submit = submit
        self._streams: dict[str, _Stream] = {}
        self._codecs = codecs
        self._imaging = CameraImaging(camera)
        self._recorder: _Recorder | None = None
        self._past: dict[str, int] = {}

    async def apply(self, settings: CameraSettings | None) -> None:
        """Run what ``settings`` say; None (or a camera switched off) ends everything."""
        wanted = {stream.name: stream for stream in settings.stream} if settings and settings.enabled else {}
        view = settings.view if settings else PLAIN
        changed = {
            name
            for name, running in self._streams.items()
            if (wanted.get(name), view) != (running.settings, running.view)
        }
        if settings is not None:
            self._imaging.apply(settings.imaging)
        recorder = self._recorder
        if recorder and (
            settings is None
            or recorder.stream in changed
            or not wanted
            or (recorder.stream, recorder.settings) != (settings.recorded, settings.record)
        ):
            await self._end_recorder(recorder)
        for name in changed:
            await self._end_stream(name)
        for name, stream in wanted.items():
            if name not in self._streams:
                self._streams[name] = self._begin_stream(stream, view)
        if wanted and settings and self._recorder is None and settings.record.mode != "off":
            self._recorder = self._begin_recorder(settings)

    def event(self, event_id: str, *, active: bool) -> None:
        """An event of this camera started or ended."""
        if self._recorder is not None:
            self._recorder.writer.set_event_active(event_id, active)

    def forget_events(self) -> None:
        """Who found events is gone; those that last will not be ended by it."""
        if self._recorder is not None:
            self._recorder.writer.clear_events()

    def look(self) -> None:
        """Watch signals and measure rates; called with each status report."""
        for stream in self._streams.values():
            report = stream.ingest.status()
            stream.watch.look(report["state"], report["error"], report["last_packet_ns"])
            now_ns = self._clock.monotonic_ns()
            past_s = seconds(now_ns - stream.looked_ns)
            if stream.looked_ns and past_s > 0:
                stream.fps = round((report["frames"] - stream.frames) / past_s, 1)
                stream.bitrate_bps = round((report["bytes"] - stream.bytes) * 8 / past_s)
            stream.looked_ns, stream.frames, stream.bytes = now_ns, report["frames"], report["bytes"]

    def status(self) -> dict[str, Any]:
        """Streams, recording and the counters that the run's summary adds up."""
        streams: dict[str, dict[str, Any]] = {
            name: {**stream.ingest.status(), "fps": stream.fps, "bitrate_bps": stream.bitrate_bps}
            for name, stream in self._streams.items()
        }
        recording = self._recorder.writer.status() if self._recorder else {"mode": "off", "state": "off"}
        main: dict[str, Any] = next(iter(streams.values()), {"state": "off", "error": None, "frames": 0})
        return {
            "state": main["state"],
            "error": main["error"],
            "streams": streams,
            "readers": {name: stream.hub.status()["readers"] for name, stream in self._streams.items()},
            "recording": recording,
            "imaging": self._imaging.status(),
            "counts": {
                "frames_in": self._past.get("frames_in", 0) + int(main["frames"]),
                "reconnects": self._past.get("reconnects", 0) + sum(one["reconnects"] for one in streams.values()),
                "segments": self._sum("segments", recording),
                "bytes_recorded": self._sum("bytes", recording),
                "record_dropped": self._sum("lost_packets", recording) + self._sum("lost_fragments", recording),
            },
        }

    def _sum(self, name: str, recording: dict[str, Any]) -> int:
        return self._past.get(name, 0) + int(recording.get(name, 0))

    def _begin_stream(self, settings: StreamSettings, view: View) -> _Stream:
        """Masks are between the sensor and the ingest: the hub never has a packet without them."""
        lossless = settings.pace == "fast"
        hub = Hub(f"{self._camera}/{settings.name}")
        is_file = not settings.source.lower().startswith(_LIVE_SOURCES)
        ingest = Ingest(
            self._camera,
            settings.name,
            lambda: viewed(open_sensor(settings.source, settings, self._clock, self._codecs), view, lossless=lossless),
            hub,
            self._clock,
            stall_s=settings.stall_s,
            once=is_file and not settings.loop,
            on_state=self._imaging.on_state(settings.source),
        )
        self._hubs[self._camera, settings.name] = hub
        watch = SignalWatch(self._camera, settings.name, self._clock, self._submit)
        return _Stream(settings, view, hub, ingest, Running(ingest, self._clock), watch)

    async def _end_stream(self, name: str) -> None:
        stream = self._streams.pop(name)
        await stream.running.stop()
        stream.watch.close()
        self._hubs.pop((self._camera, name), None)
        stream.hub.close()
        report = stream.ingest.status()
        self._keep("reconnects", report["reconnects"])
        if not self._streams:
            self._keep("frames_in", report["frames"])

    def _begin_recorder(self, settings: CameraSettings) -> _Recorder:
        stream = self._streams[settings.recorded]
        lossless = stream.settings.pace == "fast"
        reader = stream.hub.reader("record", max_bytes=READER_BYTES, lossless=lossless)
        writer = SegmentWriter(self._camera, settings.recorded, reader, settings.record, self._storage, self._clock)
        return _Recorder(settings.recorded, settings.record, writer, Running(writer, self._clock))

    async def _end_recorder(self, recorder: _Recorder) -> None:
        await recorder.running.stop()
        report = recorder.writer.status()
        for name in ("segments", "bytes", "lost_packets", "lost_fragments"):
            self._keep(name, report[name])
        self._recorder = None

    def _keep(self, name: str, value: int) -> None:
        self._past[name] = self._past.get(name, 0) + value
