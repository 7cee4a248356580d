"""What one RTSP connection delivers: access units and audio frames, timed and queued as units.

Owns the depacketizers of a connection, the queue to its reader (bounded: a full queue stops reading), stalls, receiver
reports. Time is ``timing``'s.
"""

import asyncio
import secrets
from collections import deque
from dataclasses import asdict

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, Unit, VideoFormat
from eyespot.hal.sensors.rtsp import rtp, sdp
from eyespot.hal.sensors.rtsp.access_units import AccessUnit, AccessUnits
from eyespot.hal.sensors.rtsp.connection import Connection
from eyespot.hal.sensors.rtsp.depacketize_aac import SAMPLES_PER_FRAME, AacFrames, audio_format
from eyespot.hal.sensors.rtsp.depacketize_h264 import H264AccessUnits
from eyespot.hal.sensors.rtsp.depacketize_h265 import H265AccessUnits
from eyespot.hal.sensors.rtsp.session import Channels, RtspSettings
from eyespot.hal.sensors.rtsp.timing import DecodeTimes, TrackClock
from eyespot.kernel.clock import NS_PER_S, Clock, from_seconds
from eyespot.kernel.errors import EyespotError, unavailable

MAX_QUEUED_BYTES = 16 << 20
MAX_QUEUED_UNITS = 1024
FIRST_KEY_S = 60.0


class Receiver:
    """What arrives on one connection: depacketizers by channel, and the queue of finished units."""

    def __init__(self, settings: RtspSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._connection: Connection | None = None
        self._video: AccessUnits | None = None
        self._audio: AacFrames | None = None
        self._video_clock = TrackClock(90_000)
        self._audio_clock = TrackClock(48_000)
        self._video_rtcp = 0
        self._audio_format: AudioFormat | None = None
        self._decode = DecodeTimes(None)
        self._queue: deque[Unit] = deque()
        self._queued_bytes = 0
        self._ready = asyncio.Event()
        self._own_ssrc = secrets.randbits(32)
        self._report: tuple[rtp.SenderReport, int] | None = None
        self._started_ns = self._progress_ns = 0
        self._stopped = False
        self._units = 0

    # -- wiring

    def connect(self, read_every_s: float) -> Connection:
        """A fresh connection that feeds this receiver."""
        self._connection = Connection(self._clock, read_every_s, self._collect, self._is_full)
        return self._connection

    def add(self, track: sdp.Track, channels: Channels) -> None:
        """Take a track on its channels."""
        assert self._connection is not None
        sinks = self._connection.sinks
        if track.codec == "aac":
            self._audio = AacFrames(track.payload_type)
            self._audio_format = audio_format(track)
            self._audio_clock = TrackClock(track.clock_hz)
            sinks[channels.rtp] = self._audio.feed
            sinks[channels.rtcp] = self._take_audio_report
            return
        kind = H264AccessUnits if track.codec == "h264" else H265AccessUnits
        self._video = kind(track.payload_type, sdp.parameter_sets(track))
        self._video_clock = TrackClock(track.clock_hz)
        self._video_rtcp = channels.rtcp
        sinks[channels.rtp] = self._video.feed
        sinks[channels.rtcp] = self._take_video_report

    def start(self) -> None:
        """Count from now: read by the grid, notice stalls."""
        assert self._connection is not None
        self._started_ns = self._progress_ns = self._clock.monotonic_ns()
        self._connection.start_streaming()

    # -- the reader's side

    def take(self) -> list[Unit]:
        """All units that are ready; raises the connection's error once there are none."""
        if not self._queue:
            if self._connection is not None and self._connection.error is not None:
                raise self._connection.error
            return []
        units = list(self._queue)
        self._queue.clear()
        self._queued_bytes = 0
        return units

    async def wait(self) -> None:
        """Until ``take`` has something to say."""
        if not self._queue and not (self._connection and self._connection.error):
            self._ready.clear()
            await self._ready.wait()

    def stop(self) -> None:
        """Take nothing more: what still arrives is thrown away, so that the last response can be read."""
        self._stopped = True
        self._queue.clear()
        self._queued_bytes = 0

    def fail(self, error: EyespotError) -> None:
        """End the connection with ``error``."""
        if self._connection is not None:
            self._connection.fail(error)

    def counters(self) -> dict[str, int]:
        """Packets lost and malformed, access units damaged, skipped (before a key frame) and too large, parameter sets
        that did not parse, timestamp jumps, garbage bytes."""
        found = {"packets": self._units, "timestamp_jumps": self._video_clock.jumps + self._audio_clock.jumps}
        if self._connection is not None:
            found["garbage_bytes"] = self._connection.garbage_bytes
        if self._video is not None:
            found |= asdict(self._video.counters)
            found["lost_packets"] = self._video.sequence.lost
        if self._audio is not None:
            found["malformed_audio_packets"] = self._audio.malformed_packets
            found["lost_audio_packets"] = self._audio.sequence.lost
        return found

    def check_stall(self, now_ns: int) -> None:
        """Raise ``UNAVAILABLE`` when no picture came for ``stall_s``, or no first key frame for a minute."""
        if now_ns - self._progress_ns > from_seconds(self._settings.stall_s) and not self._is_full():
            raise unavailable(f"no picture for {self._settings.stall_s:g} s.", "Check the camera and the network.")
        if self._units == 0 and now_ns - self._started_ns > from_seconds(max(FIRST_KEY_S, self._settings.stall_s)):
            raise unavailable(
                f"no key frame within {FIRST_KEY_S:g} s.", "Set a shorter key frame interval in the camera."
            )

    def report(self, now_ns: int) -> None:
        """Send a receiver report for the video track."""
        if self._video is None or self._connection is None or self._video.sequence.ssrc < 0:
            return
        sequence, since = self._video.sequence, (0, 0)
        if self._report is not None:
            sender, at_ns = self._report
            since = (sender.ntp_middle, min((now_ns - at_ns) * 65536 // NS_PER_S, 0xFFFFFFFF))
        data = rtp.receiver_report(self._own_ssrc, sequence.ssrc, sequence.highest, sequence.lost, since)
        self._connection.send_interleaved(self._video_rtcp, data)

    # -- the connection's side

    def _is_full(self) -> bool:
        return self._queued_bytes > MAX_QUEUED_BYTES or len(self._queue) > MAX_QUEUED_UNITS

    def _collect(self) -> None:
        """After a read: turn finished access units and audio frames into units of the queue."""
        connection = self._connection
        assert connection is not None
        if self._video is not None and self._video.ready:
            self._progress_ns = connection.arrival_ns
            for unit in self._video.ready:
                self._take_video(unit, connection.arrival_ns)
            self._video.ready.clear()
        if self._audio is not None and self._audio.ready:
            for timestamp, frame in self._audio.ready:
                self._take_audio(timestamp, frame, connection.arrival_ns)
            self._audio.ready.clear()
        if self._queue or connection.error is not None:
            self._ready.set()

    def _take_video(self, unit: AccessUnit, arrival_ns: int) -> None:
        if unit.format is not None:
            self._begin_format(unit.format)
        capture_ns = self._video_clock.capture_ns(unit.timestamp, arrival_ns)
        decode_ns = self._decode.decode_ns(capture_ns)
        self._put(Packet("video", capture_ns, decode_ns, 0, unit.is_key, unit.data))

    def _begin_format(self, video: VideoFormat) -> None:
        assert self._video is not None
        self._decode.set_depth(self._video.reorder_frames)
        offset_ns = self._clock.wall_ns() - self._clock.monotonic_ns()
        self._queue.append(StreamFormat(video, self._audio_format, offset_ns))

    def _take_audio(self, timestamp: int, frame: bytes, arrival_ns: int) -> None:
        if self._units == 0 or self._audio_format is None:
            return
        capture_ns = self._audio_clock.capture_ns(timestamp, arrival_ns, self._video_clock)
        duration_ns = SAMPLES_PER_FRAME * NS_PER_S // self._audio_format.sample_rate_hz
        self._put(Packet("audio", capture_ns, capture_ns, duration_ns, True, frame))

    def _put(self, packet: Packet) -> None:
        if self._stopped:
            return
        self._units += 1
        self._queue.append(packet)
        self._queued_bytes += len(packet.data)

    def _take_video_report(self, view: memoryview, start: int, stop: int, end: int) -> int:
        report = rtp.read_sender_report(view, start, stop)
        if report is not None:
            self._video_clock.sender_report(report.timestamp, report.ntp_ns)
            self._report = (report, self._clock.monotonic_ns())
        if rtp.is_bye(view, start, stop):
            raise unavailable("the camera ended the stream.")
        return stop

    def _take_audio_report(self, view: memoryview, start: int, stop: int, end: int) -> int:
        report = rtp.read_sender_report(view, start, stop)
        if report is not None:
            self._audio_clock.sender_report(report.timestamp, report.ntp_ns)
        return stop
