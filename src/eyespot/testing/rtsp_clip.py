"""A video file cut into RTP packets once, so that a test camera can send it to many at hardly any cost.

Owns reading the file and packing it (RFC 6184, RFC 7798, RFC 3640); not when or to whom it is sent.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray

from eyespot.hal.sensors.bitstream import ParameterSets, h264, h265, split_annexb
from eyespot.kernel.errors import invalid

PAYLOAD_BYTES = 1400
VIDEO_CLOCK_HZ = 90_000
VIDEO_TYPE, AUDIO_TYPE = 96, 97
_DOLLAR = 0x24


@dataclass(frozen=True, slots=True)
class ClipFrame:
    """One frame as interleaved RTP packets on channel 0 with empty header fields.

    Attributes:
        at_s: when to send it, from the clip's start.
        timestamp: its RTP timestamp, from the clip's start.
        is_key: whether a reader can start here.
        packets: interleaved packets, one after the other.
        places: ``(N,)`` where in ``packets`` each one begins.
    """

    at_s: float
    timestamp: int
    is_key: bool
    packets: NDArray[np.uint8]
    places: NDArray[np.int64]

    def stamped(self, channel: int, sequence: int, timestamp: int) -> bytes:
        """The packets on ``channel``, numbered from ``sequence`` (16 bits), with ``timestamp`` (32 bits)."""
        out, places = self.packets.copy(), self.places
        numbers = (np.arange(sequence, sequence + len(places))) & 0xFFFF
        if channel:
            out[places + 1] = channel
        out[places + 6] = numbers >> 8
        out[places + 7] = numbers & 0xFF
        for index in range(4):
            out[places + 8 + index] = timestamp >> (24 - 8 * index) & 0xFF
        return out.tobytes()


@dataclass(frozen=True, slots=True)
class ClipTrack:
    """One track: its frames in sending order and the lines of its media section."""

    kind: Literal["video", "audio"]
    clock_hz: int
    payload_type: int
    duration_s: float
    frames: tuple[ClipFrame, ...]
    description: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A file ready to be sent: the video track, then the audio track when there is one."""

    tracks: tuple[ClipTrack, ...]
    duration_s: float


def load(path: Path, *, max_frames: int = 20_000) -> Clip:
    """Read an H.264 or H.265 file (any container FFmpeg knows); raises ``INVALID`` for other codecs."""
    try:
        with av.open(str(path)) as container:
            return _load(container, path, max_frames)
    except (av.error.FFmpegError, OSError) as error:
        raise invalid(f"{path} cannot be read as a video: {error}.") from error


def _load(container: Any, path: Path, max_frames: int) -> Clip:
    if not container.streams.video:
        raise invalid(f"{path} has no video.")
    video = container.streams.video[0]
    codec = {"h264": "h264", "hevc": "h265"}.get(video.codec_context.name)
    if codec is None:
        raise invalid(f"{path} is {video.codec_context.name}; the test camera sends H.264 and H.265 only.")
    audio = next((stream for stream in container.streams.audio if stream.codec_context.name == "aac"), None)
    to_annexb = BitStreamFilterContext("h264_mp4toannexb" if codec == "h264" else "hevc_mp4toannexb", video)
    pictures: list[tuple[int, int, bool, bytes]] = []
    sounds: list[bytes] = []
    for packet in container.demux([stream for stream in (video, audio) if stream is not None]):
        if packet.size == 0:
            continue
        if audio is not None and packet.stream is audio:
            sounds.append(bytes(packet))
            continue
        pictures += [_picture(out, len(pictures), video) for out in to_annexb.filter(packet)]
        if len(pictures) >= max_frames:
            break
    if not pictures:
        raise invalid(f"{path} has no pictures.")
    track = _video_track(codec, pictures)
    tracks = (track,) if audio is None or not sounds else (track, _audio_track(audio, sounds, track.duration_s))
    return Clip(tracks, track.duration_s)


def _picture(packet: Any, index: int, stream: Any) -> tuple[int, int, bool, bytes]:
    rate = stream.average_rate or stream.guessed_rate or 25
    step = float(VIDEO_CLOCK_HZ / rate)
    base = packet.time_base or stream.time_base
    if packet.dts is None or packet.pts is None:
        return round(index * step), round(index * step), bool(packet.is_keyframe), bytes(packet)
    ticks = float(base * VIDEO_CLOCK_HZ)
    return round(packet.dts * ticks), round(packet.pts * ticks), bool(packet.is_keyframe), bytes(packet)


def _video_track(codec: str, pictures: list[tuple[int, int, bool, bytes]]) -> ClipTrack:
    first = pictures[0][0]
    sets = ParameterSets("h264" if codec == "h264" else "h265")
    found: list[bytes] = []
    frames = []
    for dts, pts, is_key, data in pictures:
        nals = split_annexb(data)
        for nal in nals:
            if sets.is_parameter_set(nal) and sets.add(nal):
                found.append(nal)
        payloads = [payload for nal in nals for payload in pack_nal(codec, nal)]
        at_s = (dts - first) / VIDEO_CLOCK_HZ
        frames.append(_frame(at_s, pts - first, is_key, payloads, VIDEO_TYPE))
    step = (pictures[-1][0] - first) / max(1, len(pictures) - 1) if len(pictures) > 1 else VIDEO_CLOCK_HZ / 25
    duration_s = (pictures[-1][0] - first + step) / VIDEO_CLOCK_HZ
    return ClipTrack("video", VIDEO_CLOCK_HZ, VIDEO_TYPE, duration_s, tuple(frames), _video_lines(codec, found))


def _video_lines(codec: str, sets: list[bytes]) -> tuple[str, ...]:
    def encoded(kind: int, shift: int, mask: int) -> list[str]:
        return [base64.b64encode(nal).decode() for nal in sets if nal[0] >> shift & mask == kind]

    if codec == "h264":
        sps, pps = encoded(h264.SPS, 0, 31), encoded(h264.PPS, 0, 31)
        profile = next((nal[1:4].hex().upper() for nal in sets if nal[0] & 31 == h264.SPS), "42001E")
        parameters = f"packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={','.join(sps + pps)}"
    else:
        names = {"sprop-vps": h265.VPS, "sprop-sps": h265.SPS, "sprop-pps": h265.PPS}
        parameters = ";".join(f"{name}={','.join(encoded(kind, 1, 63))}" for name, kind in names.items())
    return (
        f"m=video 0 RTP/AVP {VIDEO_TYPE}",
        f"a=rtpmap:{VIDEO_TYPE} {codec.upper()}/{VIDEO_CLOCK_HZ}",
        f"a=fmtp:{VIDEO_TYPE} {parameters}",
    )


def _audio_track(stream: Any, sounds: list[bytes], duration_s: float) -> ClipTrack:
    rate_hz, channels = int(stream.codec_context.sample_rate), int(stream.codec_context.channels)
    configuration = bytes(stream.codec_context.extradata or b"").hex()
    count = min(len(sounds), int(duration_s * rate_hz / 1024))
    frames = []
    for index, sound in enumerate(sounds[:count]):
        payload = b"\x00\x10" + (len(sound) << 3).to_bytes(2, "big") + sound
        frames.append(_frame(index * 1024 / rate_hz, index * 1024, True, [payload], AUDIO_TYPE))
    lines = (
        f"m=audio 0 RTP/AVP {AUDIO_TYPE}",
        f"a=rtpmap:{AUDIO_TYPE} MPEG4-GENERIC/{rate_hz}/{channels}",
        f"a=fmtp:{AUDIO_TYPE} streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;"
        f"indexdeltalength=3;config={configuration}",
    )
    return ClipTrack("audio", rate_hz, AUDIO_TYPE, duration_s, tuple(frames), lines)


def pack_nal(codec: str, nal: bytes, payload_bytes: int = PAYLOAD_BYTES) -> list[bytes]:
    """One NAL unit as RTP payloads: alone when it fits, else in fragments (FU-A of RFC 6184, FU of RFC 7798)."""
    if len(nal) <= payload_bytes:
        return [nal]
    if codec == "h264":
        indicator, kind, skipped = bytes((nal[0] & 0xE0 | 28,)), nal[0] & 31, 1
    else:
        indicator, kind, skipped = bytes((nal[0] & 0x81 | 49 << 1, nal[1])), nal[0] >> 1 & 63, 2
    room = payload_bytes - len(indicator) - 1
    parts = [nal[at : at + room] for at in range(skipped, len(nal), room)]
    last = len(parts) - 1
    return [
        indicator + bytes((kind | (0x80 if index == 0 else 0) | (0x40 if index == last else 0),)) + part
        for index, part in enumerate(parts)
    ]


def _frame(at_s: float, timestamp: int, is_key: bool, payloads: list[bytes], kind: int) -> ClipFrame:
    out, places = bytearray(), []
    last = len(payloads) - 1
    for index, payload in enumerate(payloads):
        places.append(len(out))
        out += bytes((_DOLLAR, 0)) + (12 + len(payload)).to_bytes(2, "big")
        out += bytes((0x80, kind | (0x80 if index == last else 0))) + b"\x00" * 6 + b"EYE" + bytes((kind,))
        out += payload
    return ClipFrame(at_s, timestamp, is_key, np.frombuffer(bytes(out), np.uint8), np.array(places, np.int64))
