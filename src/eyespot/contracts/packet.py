"""Compressed media on its way from a sensor to its readers: one format, then packets, until the format changes."""

from dataclasses import dataclass
from typing import Literal

from eyespot.contracts.lens import PLAIN, View

VideoCodec = Literal["h264", "h265"]
AudioCodec = Literal["aac", "opus"]


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How to decode a video track.

    ``configuration`` is the decoder configuration record of ISO/IEC 14496-15: the payload of ``avcC`` (H.264) or
    ``hvcC`` (H.265). ``width_px`` and ``height_px`` are the coded picture after cropping.
    """

    codec: VideoCodec
    width_px: int
    height_px: int
    configuration: bytes


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """How to decode an audio track. ``configuration``: AudioSpecificConfig (AAC, ISO 14496-3) or OpusHead payload."""

    codec: AudioCodec
    sample_rate_hz: int
    channels: int
    configuration: bytes


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What the packets that follow look like. A sensor yields one before its first packet and one at every change.

    ``wall_offset_ns`` maps capture time to wall time: ``wall = capture_ns + wall_offset_ns``, measured once by the
    sensor when the format began. ``view`` is the geometry of the pictures.
    """

    video: VideoFormat
    audio: AudioFormat | None
    wall_offset_ns: int
    view: View = PLAIN


@dataclass(frozen=True, slots=True)
class Packet:
    """One access unit (video) or one audio frame.

    Attributes:
        track: which track it belongs to.
        capture_ns: monotonic time at which the picture was taken (presentation time).
        decode_ns: monotonic time in decode order; never goes back within a format; equals ``capture_ns`` without
            reordering.
        duration_ns: time to the next packet of the track, as far as the sensor knows; 0 when it does not.
        is_key: a decoder can start here (always true for audio).
        data: H.264/H.265 NAL units each behind a 4-byte big-endian length, parameter sets left out; or a raw AAC/Opus
            frame.
    """

    track: Literal["video", "audio"]
    capture_ns: int
    decode_ns: int
    duration_ns: int
    is_key: bool
    data: bytes


Unit = StreamFormat | Packet
"""What flows from a sensor through the hub to every reader."""
