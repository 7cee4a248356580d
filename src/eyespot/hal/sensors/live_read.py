"""An open demuxer that delivers as time goes by, read in a thread: copied when it can be, else encoded, as units.

Shared by the sensors that read through libav; those own addresses, options and error words.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import av

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, Unit, VideoCodec, VideoFormat
from eyespot.hal.sensors.demux import Demuxer, RawPacket
from eyespot.hal.sensors.framing import Framing, continues_picture
from eyespot.hal.sensors.live_encode import Encoders, LiveEncoder
from eyespot.hal.sensors.reader_thread import ReaderThread
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.errors import EyespotError

Item = VideoFormat | RawPacket

_WITHOUT_TIMES = ("mpjpeg", "mjpeg")
"""Demuxers that make their timestamps up: arrival time is better."""
_MAX_PARTS = 256
"""Slices of a key picture that may come one by one."""


class LiveRead:
    """Turns what ``open_demuxer`` opens into units. Used once.

    Args:
        open_demuxer: called in the thread.
        clock: stamps the first packet; the source's own times count on from there.
        fps: expected rate for encoding; None: what the source says.
        encoder, encoders: which encoder is wanted, and who chooses it; None: software.
    """

    def __init__(
        self,
        open_demuxer: Callable[[], Demuxer],
        clock: Clock,
        *,
        fps: float | None = None,
        encoder: str = "auto",
        encoders: Encoders | None = None,
    ) -> None:
        self._open_demuxer = open_demuxer
        self._clock = clock
        self._fps = fps
        self._wanted, self._encoders = encoder, encoders
        self._audio: AudioFormat | None = None
        self.corrupt = 0
        self.encoded = False

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``contract.Sensor``."""
        items = ReaderThread(self._read, "live-read").items()
        offset_ns: int | None = None
        wall_offset_ns = self._clock.wall_ns() - self._clock.monotonic_ns()
        try:
            async for item in items:
                if isinstance(item, VideoFormat):
                    yield StreamFormat(item, self._audio, wall_offset_ns)
                    continue
                if offset_ns is None:
                    offset_ns = self._clock.monotonic_ns() - item.decode_ns
                yield _to_packet(item, offset_ns)
        finally:
            await items.aclose()

    def _read(self, stopping: Callable[[], bool]) -> Iterator[Item]:
        demuxer = self._open_demuxer()
        try:
            codec = demuxer.video_codec
            self._audio = demuxer.audio_format if codec else None
            for item in self._copied(demuxer, codec) if codec else self._encoded(demuxer):
                if stopping():
                    return
                yield item
        finally:
            demuxer.close()

    def _copied(self, demuxer: Demuxer, codec: VideoCodec) -> Iterator[Item]:
        """Packets as they are, each format before its first packet; nothing before the first format."""
        framing = Framing(codec, demuxer.video.codec_context)
        pictures = _Pictures(codec, in_parts=demuxer.container.format.name == "rtsp")
        told: VideoFormat | None = None
        for raw in demuxer.packets():
            item = self._repack(raw, framing)
            if framing.format is not None and framing.format is not told:
                yield from pictures.rest()
                told = framing.format
                yield told
            if told is not None and item is not None:
                yield from pictures.take(item)
        yield from pictures.rest()

    def _repack(self, raw: RawPacket, framing: Framing) -> RawPacket | None:
        if not raw.is_video:
            return raw
        try:
            data = framing.convert(raw.data)
        except EyespotError:
            self.corrupt += 1
            return None
        if raw.is_corrupt:
            self.corrupt += 1
            return None
        if not data:
            return None
        return RawPacket(True, raw.present_ns, raw.decode_ns, raw.duration_ns, raw.is_key, False, data)

    def _encoded(self, demuxer: Demuxer) -> Iterator[Item]:
        """Foreign codecs: every picture decoded and encoded; audio is left out of such streams."""
        self.encoded = True
        by_arrival = demuxer.container.format.name in _WITHOUT_TIMES
        fps = self._fps or float(demuxer.video.average_rate or 25)
        encoder = LiveEncoder(fps, self._wanted, self._encoders)
        last_ns = -1
        for frame in self._pictures(demuxer):
            own_ns = int((frame.pts or 0) * (frame.time_base or Fraction(1, 25)) * NS_PER_S)
            last_ns = max(self._clock.monotonic_ns() if by_arrival else own_ns, last_ns + 1_000_000)
            for made in encoder.encode(frame, last_ns):
                if isinstance(made, VideoFormat):
                    yield made
                else:
                    yield RawPacket(True, made.capture_ns, made.capture_ns, 0, made.is_key, False, made.data)

    def _pictures(self, demuxer: Demuxer) -> Iterator[Any]:
        for packet in demuxer.live_packets():
            try:
                yield from packet.decode()
            except av.FFmpegError:
                self.corrupt += 1


class _Pictures:
    """Puts key pictures together again: libav cuts one into several packets where a server (GStreamer's among them)
    repeats the parameter sets before each of its slices. So a key picture waits for the packet after it.
    """

    def __init__(self, codec: VideoCodec, *, in_parts: bool) -> None:
        self._codec = codec
        self._in_parts = in_parts
        self._held: list[RawPacket] = []

    def take(self, packet: RawPacket) -> Iterator[RawPacket]:
        """What is whole now that ``packet`` has come."""
        if not self._in_parts or not packet.is_video:
            yield packet
        elif self._held and len(self._held) < _MAX_PARTS and continues_picture(self._codec, packet.data):
            self._held.append(packet)
        else:
            yield from self.rest()
            if packet.is_key:
                self._held.append(packet)
            else:
                yield packet

    def rest(self) -> Iterator[RawPacket]:
        """The picture that waits, if one does."""
        if self._held:
            yield replace(self._held[0], data=b"".join(part.data for part in self._held))
        self._held.clear()


def _to_packet(raw: RawPacket, offset_ns: int) -> Packet:
    """``raw`` in monotonic time."""
    return Packet(
        "video" if raw.is_video else "audio",
        raw.present_ns + offset_ns,
        raw.decode_ns + offset_ns,
        raw.duration_ns,
        raw.is_key,
        raw.data,
    )
