"""One live path of the test camera: the clip's frames, looped and paced, to every reader."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Protocol

from eyespot.kernel.clock import NS_PER_S, Clock, SystemClock
from eyespot.testing.rtsp_clip import Clip, ClipTrack

MAX_BEHIND_BYTES = 8 << 20
REPORT_EVERY_S = 2.0
NTP_TO_UNIX_S = 2_208_988_800


class Reader(Protocol):
    """Somebody who plays a path."""

    def channel(self, track: int) -> int:
        """The interleaved channel for a track; -1 when the reader did not set it up."""
        ...

    def send(self, track: int, data: bytes) -> None:
        """Send interleaved packets."""
        ...

    def behind_bytes(self) -> int:
        """How many bytes wait to be sent."""
        ...


@dataclass
class Faults:
    """What goes wrong, at will."""

    stalled: bool = False
    lose_every: int = 0
    timestamp_shift: int = 0
    """Added to every RTP timestamp, to reach a wrap at will."""


class LivePath:
    """A clip played for ever while somebody reads; its timeline goes on while nobody does.

    ``phase`` (0 to 1) shifts sending by that part of a frame's time, so that cameras do not send in step.
    """

    def __init__(self, clip: Clip, *, phase: float = 0.0, audio: bool = True, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.faults = Faults()
        self.readers: dict[Reader, bool] = {}
        self._audio = audio
        self._phase = phase
        self._pumps: list[_Pump] = []
        self.clip = clip

    @property
    def tracks(self) -> tuple[ClipTrack, ...]:
        """The tracks that are served."""
        return self.clip.tracks if self._audio else self.clip.tracks[:1]

    def join(self, reader: Reader) -> None:
        """Play to ``reader`` from the next key frame on."""
        self.readers[reader] = False
        if not self._pumps:
            begun_s = asyncio.get_running_loop().time() + self._phase / 30
            self._pumps = [_Pump(self, index, track, begun_s) for index, track in enumerate(self.tracks)]

    def leave(self, reader: Reader) -> None:
        """Play to ``reader`` no more."""
        self.readers.pop(reader, None)
        if not self.readers:
            self.close()

    def close(self) -> None:
        """Stop playing."""
        for pump in self._pumps:
            pump.stop()
        self._pumps = []

    def switch(self, clip: Clip) -> None:
        """Go on with another clip at its first frame."""
        self.clip = clip
        for pump in self._pumps:
            pump.switch(self.tracks[min(pump.index, len(self.tracks) - 1)])

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        for reader in self.readers:
            reader.send(-1, data)

    def position(self, track: int) -> tuple[int, int]:
        """The next sequence number and the RTP timestamp now of a track."""
        if track < len(self._pumps):
            return self._pumps[track].sequence, self._pumps[track].timestamp
        return 0, 0


class _Pump:
    """Sends one track's frames at their times, and a sender report every few seconds."""

    def __init__(self, live: LivePath, index: int, track: ClipTrack, begun_s: float) -> None:
        self.index = index
        self.sequence = 1000
        self.timestamp = 0
        self._live = live
        self._track = track
        self._begun_s = begun_s
        self._base_ticks = 0
        self._next = 0
        self._lossy_count = 0
        self._next_report_s = begun_s
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_at(begun_s, self._tick)

    def stop(self) -> None:
        self._handle.cancel()

    def switch(self, track: ClipTrack) -> None:
        now_s = self._loop.time()
        self._base_ticks += round((now_s - self._begun_s) * self._track.clock_hz)
        self._begun_s = now_s
        self._track = track
        self._next = 0

    def _tick(self) -> None:
        track = self._track
        frame = track.frames[self._next]
        shift = self._live.faults.timestamp_shift
        self.timestamp = (self._base_ticks + frame.timestamp + shift) & 0xFFFFFFFF
        if not self._live.faults.stalled:
            self._send(frame.is_key)
        self.sequence = (self.sequence + len(frame.places)) & 0xFFFF
        self._next += 1
        if self._next >= len(track.frames):
            self._next = 0
            self._begun_s += track.duration_s
            self._base_ticks += round(track.duration_s * track.clock_hz)
        self._handle = self._loop.call_at(self._begun_s + track.frames[self._next].at_s, self._tick)

    def _send(self, is_key: bool) -> None:
        stamped: dict[int, bytes] = {}
        reporting = self._loop.time() >= self._next_report_s
        if reporting:
            self._next_report_s = self._loop.time() + REPORT_EVERY_S
        for reader, started in self._live.readers.items():
            channel = reader.channel(self.index)
            if channel < 0 or not (started or (is_key and self.index == 0)):
                continue
            if reader.behind_bytes() > MAX_BEHIND_BYTES:
                self._live.readers[reader] = False
                continue
            self._live.readers[reader] = True
            if channel not in stamped:
                stamped[channel] = self._stamp(channel)
            reader.send(self.index, stamped[channel])
            if reporting:
                reader.send(self.index, self._report(channel + 1))

    def _report(self, channel: int) -> bytes:
        """A sender report (RFC 3550, 6.4.1) and a source description, interleaved on ``channel``."""
        clock_ns = self._live.clock.wall_ns()
        whole, rest_ns = divmod(clock_ns, NS_PER_S)
        ssrc = b"EYE" + bytes((self._track.payload_type,))
        now = (whole + NTP_TO_UNIX_S & 0xFFFFFFFF, (rest_ns << 32) // NS_PER_S)
        report = b"\x80\xc8\x00\x06" + ssrc + struct.pack(">IIIII", *now, self.timestamp, 0, 0)
        source = b"\x81\xca\x00\x03" + ssrc + b"\x01\x03eye\x00\x00\x00"
        return b"$" + bytes((channel,)) + struct.pack(">H", len(report) + len(source)) + report + source

    def _stamp(self, channel: int) -> bytes:
        frame = self._track.frames[self._next]
        data = frame.stamped(channel, self.sequence, self.timestamp)
        every = self._live.faults.lose_every
        if not every:
            return data
        ends = [*frame.places[1:], len(data)]
        kept = []
        for start, end in zip(frame.places, ends, strict=True):
            self._lossy_count += 1
            if self._lossy_count % every:
                kept.append(data[start:end])
        return b"".join(kept)
