"""A media container opened by PyAV, as formats and packets of this project.

Owns choosing tracks, reading their formats and converting packets; not pacing, looping or encoding. Everything here
blocks: call it from a thread when the source can be slow.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.stream import Discard

from eyespot.contracts.packet import AudioCodec, AudioFormat, VideoCodec
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable
from eyespot.kernel.log import mask_credentials

av.logging.set_level(None)  # libav writes addresses with their credentials into its log

_VIDEO_CODECS: dict[str, VideoCodec] = {"h264": "h264", "hevc": "h265"}
_AUDIO_CODECS: dict[str, AudioCodec] = {"aac": "aac", "opus": "opus"}
_AAC_LC = 2
_AAC_RATES_HZ = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_INDIRECT = ("hls", "concat", "dash", "image2", "imf", "lavfi")


@dataclass(frozen=True, slots=True)
class RawPacket:
    """A packet in the container's own time, in nanoseconds; ``data`` still framed as in the container."""

    is_video: bool
    present_ns: int
    decode_ns: int
    duration_ns: int
    is_key: bool
    is_corrupt: bool
    data: bytes


class Demuxer:
    """An open container: its first video track, and its first audio track when wished.

    Raises:
        EyespotError: ``INVALID`` when it is no footage, ``UNAVAILABLE`` when it cannot be read now.
    """

    def __init__(self, source: str, *, audio: bool, options: dict[str, str] | None = None, **arguments: Any) -> None:
        self._name = mask_credentials(source)
        try:
            self.container: Any = av.open(source, options=options or {}, **arguments)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise explain(error, self._name) from None  # libav's own words hold the address with its credentials
        try:
            self._choose(audio=audio)
        except BaseException:  # whatever happened, what was opened is closed; raised on
            self.container.close()
            raise

    def _choose(self, *, audio: bool) -> None:
        streams = self.container.streams
        if not streams.video:
            raise invalid(f"{self._name} has no video track.", "Name a source with video.")
        self.video: Any = streams.video[0]
        self.audio: Any = None
        self.audio_format: AudioFormat | None = None
        if audio and streams.audio and streams.audio[0].codec_context.name in _AUDIO_CODECS:
            self.audio_format = audio_format(streams.audio[0].codec_context)
            self.audio = streams.audio[0] if self.audio_format is not None else None
        for other in streams:
            if other is not self.video and other is not self.audio:
                other.discard = Discard.all

    @property
    def video_codec(self) -> VideoCodec | None:
        """The codec when it can be copied; None when it must be encoded."""
        return _VIDEO_CODECS.get(self.video.codec_context.codec.canonical_name)

    @property
    def tracks(self) -> list[Any]:
        """The chosen tracks, as the container knows them."""
        return [self.video] if self.audio is None else [self.video, self.audio]

    def packets(self) -> Iterator[RawPacket]:
        """Every packet of the chosen tracks; one without timestamps takes the one before it plus its duration."""
        last: dict[int, int] = {}
        try:
            for packet in self.container.demux(self.tracks):
                if packet.size:
                    yield _raw(packet, packet.stream is self.video, last)
        except (av.FFmpegError, OSError) as error:
            raise broke_off(error, self._name) from None

    def live_packets(self) -> Iterator[Any]:
        """The video track's packets as libav has them, for decoding."""
        try:
            for packet in self.container.demux(self.video):
                if packet.size:
                    yield packet
        except (av.FFmpegError, OSError) as error:
            raise broke_off(error, self._name) from None

    def close(self) -> None:
        self.container.close()


def open_file(path: Path, *, audio: bool) -> Demuxer:
    """The local file ``path``, and nothing else: libav may use no other protocol, and playlists are refused.

    Raises:
        EyespotError: as ``Demuxer`` does.
    """
    demuxer = Demuxer(str(path.absolute()), audio=audio, options={"protocol_whitelist": "file"})
    if demuxer.container.format.name in _INDIRECT:
        demuxer.close()
        raise invalid(f"{path.name} is a list of other files.", "Name a video file.")
    return demuxer


def _raw(packet: Any, is_video: bool, last: dict[int, int]) -> RawPacket:
    base = packet.time_base
    scale, divisor = base.numerator * NS_PER_S, base.denominator
    duration_ns = (packet.duration or 0) * scale // divisor
    index = packet.stream_index
    dts = packet.dts if packet.dts is not None else packet.pts
    decode_ns = dts * scale // divisor if dts is not None else last.get(index, 0)
    last[index] = decode_ns + duration_ns
    present_ns = packet.pts * scale // divisor if packet.pts is not None else decode_ns
    return RawPacket(
        is_video,
        present_ns,
        decode_ns,
        duration_ns,
        packet.is_keyframe or not is_video,
        packet.is_corrupt,
        bytes(packet) if is_video else without_adts(bytes(packet)),
    )


def audio_format(context: Any) -> AudioFormat | None:
    """The format of a copied audio track; None when it cannot be told."""
    configuration = bytes(context.extradata or b"")
    channels = context.layout.nb_channels
    if not configuration and context.name == "aac" and context.sample_rate in _AAC_RATES_HZ and 0 < channels < 8:
        rate = _AAC_RATES_HZ.index(context.sample_rate)
        configuration = (_AAC_LC << 11 | rate << 7 | channels << 3).to_bytes(2, "big")
    if not configuration:
        return None
    return AudioFormat(_AUDIO_CODECS[context.name], context.sample_rate, channels, configuration)


def without_adts(data: bytes) -> bytes:
    """An AAC frame without the ADTS header that MPEG-TS puts before it (ISO 14496-3, 1.A.2.2)."""
    if len(data) > 9 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return data[7 if data[1] & 1 else 9 :]
    return data


def broke_off(error: Exception, name: str) -> EyespotError:
    """An error of libav after the first packets: whatever it was, trying again can help."""
    reason = mask_credentials(getattr(error, "strerror", None) or type(error).__name__)
    return unavailable(f"{name} broke off: {reason}.", "It is opened again by itself.")


def explain(error: Exception, name: str) -> EyespotError:
    """An error of libav in a person's words, without credentials."""
    if isinstance(error, (av.error.HTTPUnauthorizedError, av.error.HTTPForbiddenError)):
        return EyespotError(Kind.UNAUTHENTICATED, f"{name} refused the credentials.", "Check user and password.")
    if isinstance(error, FileNotFoundError):
        return invalid(f"There is no {name}.", "Check the path.")
    if isinstance(error, PermissionError):
        return invalid(f"{name} may not be read.", "Give the camera's user the right to read it.")
    if isinstance(error, IsADirectoryError):
        return invalid(f"{name} is a folder.", "Name a file.")
    if isinstance(error, (av.error.InvalidDataError, av.error.DemuxerNotFoundError, av.error.ProtocolNotFoundError)):
        return invalid(f"{name} is not footage that can be read.", "Name a video file or stream.")
    reason = mask_credentials(getattr(error, "strerror", None) or type(error).__name__)
    return unavailable(f"{name} cannot be read: {reason}.", "Check that it is there; it is tried again by itself.")
