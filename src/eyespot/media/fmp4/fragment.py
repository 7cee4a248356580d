"""Media fragments: one ``moof`` and one ``mdat`` with the samples of each track (ISO/IEC 14496-12, 8.8.4 to 8.8.12).

Times are given in nanoseconds and rounded to ticks as absolute positions, so that rounding never adds up: a sample's
duration is the difference of two rounded positions.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.fmp4.init import AUDIO_TRACK, VIDEO_TIMESCALE, VIDEO_TRACK, audio_timescale

SYNC_FLAGS = 0x02000000  # sample_depends_on = 2: a decoder can start here
OTHER_FLAGS = 0x01010000  # sample_depends_on = 1 and sample_is_non_sync_sample

_TRUN_VIDEO = 0x000F01  # data offset, duration, size, flags, composition offset
_TRUN_AUDIO = 0x000301  # data offset, duration, size
_BASE_IS_MOOF = 0x020000
_TRAF_HEAD = struct.Struct(">I4s I4sII I4sIQ I4sIIi")
_TRAF_AUDIO_HEAD = struct.Struct(">I4s I4sIII I4sIQ I4sIIi")
_MOOF_HEAD = struct.Struct(">I4s I4sII")
_MDAT_HEAD = struct.Struct(">I4s")
_TRAF_BYTES = _TRAF_HEAD.size
_TRAF_AUDIO_BYTES = _TRAF_AUDIO_HEAD.size
_MOOF_BYTES = _MOOF_HEAD.size
_DEFAULT_DURATION_TICKS = 3000


class FragmentBuilder:
    """Makes fragments for one format: keeps the timescales and the position of media time zero.

    Args:
        stream: the format of the packets to come.
        base_ns: capture time that becomes media time 0. Packets that decode before it are placed at 0.
        timescale: ticks per second of the video track.
    """

    def __init__(self, stream: StreamFormat, base_ns: int, *, timescale: int = VIDEO_TIMESCALE) -> None:
        self._base_ns = base_ns
        self._video_rate = timescale
        self._audio_rate = audio_timescale(stream.audio) if stream.audio else 0

    def parts(self, packets: Sequence[Packet], sequence: int, *, next_video_ns: int | None = None) -> list[bytes]:
        """The fragment as buffers to be written one behind the other; see ``fragment``."""
        if self._audio_rate:
            video = [p for p in packets if p.track == "video"]
            audio = [p for p in packets if p.track == "audio"]
        else:
            video, audio = [p for p in packets if p.track == "video"], []
        return fragment_parts(
            video, audio, sequence, self._base_ns, self._video_rate, self._audio_rate, next_video_ns=next_video_ns
        )

    def build(self, packets: Sequence[Packet], sequence: int, *, next_video_ns: int | None = None) -> bytes:
        """The fragment as one byte string; see ``fragment``."""
        return b"".join(self.parts(packets, sequence, next_video_ns=next_video_ns))


def fragment(
    packets: Sequence[Packet],
    sequence: int,
    base_ns: int,
    *,
    timescale: int = VIDEO_TIMESCALE,
    audio_timescale_hz: int = 0,
    next_video_ns: int | None = None,
) -> bytes:
    """``moof`` + ``mdat`` with ``packets``, in decode order per track.

    Args:
        packets: at least one; audio is left out when ``audio_timescale_hz`` is 0.
        sequence: number of the fragment, counted from 1.
        base_ns: capture time that is media time 0.
        timescale: ticks per second of the video track.
        audio_timescale_hz: ticks per second of the audio track, see ``audio_timescale``.
        next_video_ns: decode time of the video packet after these, when known: the last sample lasts until then.
            Otherwise it lasts as long as its packet says, or as the one before it.
    """
    video = [p for p in packets if p.track == "video"]
    audio = [p for p in packets if p.track == "audio"] if audio_timescale_hz else []
    parts = fragment_parts(video, audio, sequence, base_ns, timescale, audio_timescale_hz, next_video_ns=next_video_ns)
    return b"".join(parts)


def fragment_parts(
    video: Sequence[Packet],
    audio: Sequence[Packet],
    sequence: int,
    base_ns: int,
    video_rate: int,
    audio_rate: int,
    *,
    next_video_ns: int | None = None,
) -> list[bytes]:
    """The header (``moof`` and the ``mdat`` header) and then the samples' data, uncopied."""
    video_bytes = sum([len(p.data) for p in video])
    moof_bytes = _MOOF_BYTES
    if video:
        moof_bytes += _TRAF_BYTES + 16 * len(video)
    if audio:
        moof_bytes += _TRAF_AUDIO_BYTES + 8 * len(audio)
    head = [_MOOF_HEAD.pack(moof_bytes, b"moof", 16, b"mfhd", 0, sequence & 0xFFFFFFFF)]
    if video:
        head.append(_video_traf(video, base_ns, video_rate, moof_bytes + 8, next_video_ns))
    if audio:
        head.append(_audio_traf(audio, base_ns, audio_rate, moof_bytes + 8 + video_bytes))
    mdat_bytes = 8 + video_bytes + sum([len(p.data) for p in audio])
    head.append(_MDAT_HEAD.pack(mdat_bytes, b"mdat"))
    return [b"".join(head), *[p.data for p in video], *[p.data for p in audio]]


def _video_traf(video: Sequence[Packet], base_ns: int, rate: int, data_offset: int, next_ns: int | None) -> bytes:
    count = len(video)
    half = NS_PER_S // 2
    times = [max(0, ((p.decode_ns - base_ns) * rate + half) // NS_PER_S) for p in video]
    entries: list[int] = []
    last = count - 1
    for index, packet in enumerate(video):
        ticks = times[index]
        if index < last:
            duration = max(0, times[index + 1] - ticks)
        elif next_ns is not None:
            duration = max(1, ((next_ns - base_ns) * rate + half) // NS_PER_S - ticks)
        elif packet.duration_ns > 0:
            duration = max(1, (packet.duration_ns * rate + half) // NS_PER_S)
        else:
            duration = entries[-4] if entries else _DEFAULT_DURATION_TICKS
        offset = 0
        if packet.capture_ns != packet.decode_ns:
            offset = (((packet.capture_ns - base_ns) * rate + half) // NS_PER_S - ticks) & 0xFFFFFFFF
        entries += (duration, len(packet.data), SYNC_FLAGS if packet.is_key else OTHER_FLAGS, offset)
    size = _TRAF_BYTES + 16 * count
    head = _TRAF_HEAD.pack(
        size, b"traf",
        16, b"tfhd", _BASE_IS_MOOF, VIDEO_TRACK,
        20, b"tfdt", 0x01000000, times[0],
        20 + 16 * count, b"trun", 0x01000000 | _TRUN_VIDEO, count, data_offset,
    )  # fmt: skip
    return head + _words(4 * count).pack(*entries)


def _audio_traf(audio: Sequence[Packet], base_ns: int, rate: int, data_offset: int) -> bytes:
    count = len(audio)
    half = NS_PER_S // 2
    times = [max(0, ((p.decode_ns - base_ns) * rate + half) // NS_PER_S) for p in audio]
    duration = (audio[-1].duration_ns * rate + half) // NS_PER_S
    if duration <= 0:
        duration = times[-1] - times[-2] if count > 1 else 1024
    steps = [max(0, after - before) for before, after in pairwise(times)]
    entries = [
        word for step, packet in zip([*steps, duration], audio, strict=True) for word in (step, len(packet.data))
    ]
    size = _TRAF_AUDIO_BYTES + 8 * count
    head = _TRAF_AUDIO_HEAD.pack(
        size, b"traf",
        20, b"tfhd", _BASE_IS_MOOF | 0x20, AUDIO_TRACK, SYNC_FLAGS,
        20, b"tfdt", 0x01000000, times[0],
        20 + 8 * count, b"trun", 0x01000000 | _TRUN_AUDIO, count, data_offset,
    )  # fmt: skip
    return head + _words(2 * count).pack(*entries)


@lru_cache(maxsize=512)
def _words(count: int) -> struct.Struct:
    """``count`` big-endian 32-bit words."""
    return struct.Struct(f">{count}I")
