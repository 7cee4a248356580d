"""How a container wraps its video packets, turned into the one wrapping this project uses: 4-byte lengths, no sets."""

from typing import Any

from eyespot.contracts.packet import VideoCodec, VideoFormat
from eyespot.hal.sensors.bitstream import ParameterSets, split_annexb
from eyespot.hal.sensors.bitstream import h264 as h264_nals
from eyespot.hal.sensors.bitstream import h265 as h265_nals
from eyespot.hal.sensors.bitstream.nal import join_lengths
from eyespot.kernel.errors import corrupt, invalid

MAX_DIMENSION_PX = 16_384


class Framing:
    """Converts the packets of one video track.

    Containers such as MP4 and Matroska carry a decoder configuration record and length-prefixed NAL units: those are
    passed on untouched when the lengths have 4 bytes. MPEG-TS, raw and RTP sources carry Annex B with the parameter
    sets in the packets: those are rewritten, and a change of the sets is a change of format.
    """

    def __init__(self, codec: VideoCodec, context: Any) -> None:
        extradata = bytes(context.extradata or b"")
        self._codec = codec
        self._sets: ParameterSets | None = None
        self._format: VideoFormat | None = None
        self._length_bytes = 4
        if extradata[:1] == b"\x01":
            self._length_bytes, record = _normalised(codec, extradata)
            self._format = _format(codec, context.width, context.height, record)
        else:
            self._sets = ParameterSets(codec)
            self._annexb(extradata)

    @property
    def format(self) -> VideoFormat | None:
        """The format as it is now; None until the parameter sets were seen."""
        return self._format

    def convert(self, data: bytes) -> bytes:
        """``data`` as 4-byte length-prefixed NAL units, maybe empty; look at ``format`` afterwards. Raises
        ``CORRUPT`` on a packet that cannot be one.
        """
        if self._sets is not None:
            return self._annexb(data)
        return data if self._length_bytes == 4 else _lengthen(data, self._length_bytes)

    def _annexb(self, data: bytes) -> bytes:
        assert self._sets is not None
        kept: list[bytes] = []
        changed = False
        for nal in split_annexb(data):
            if self._sets.is_parameter_set(nal):
                changed = self._sets.add(nal) or changed
            elif not _is_dropped(self._codec, nal):
                kept.append(nal)
        if changed and self._sets.complete():
            found = self._sets.video_format()
            self._format = _format(self._codec, found.width_px, found.height_px, found.configuration)
        return join_lengths(kept)


def continues_picture(codec: VideoCodec, data: bytes) -> bool:
    """Whether length-prefixed ``data`` begins in the middle of a picture: its first slice is not a picture's first.

    Read from ``first_mb_in_slice`` (H.264, 7.3.3) or ``first_slice_segment_in_pic_flag`` (H.265, 7.3.6.1).
    """
    header_bytes = 1 if codec == "h264" else 2
    at = 4
    while at + header_bytes < len(data):
        kind = data[at] & 31 if codec == "h264" else data[at] >> 1 & 63
        if kind in (1, 2, 5) if codec == "h264" else kind < 32:
            return data[at + header_bytes] & 0x80 == 0
        at += 4 + int.from_bytes(data[at - 4 : at], "big")
    return False


def _normalised(codec: VideoCodec, record: bytes) -> tuple[int, bytes]:
    """How many bytes the lengths in the packets have, and the record as it is once they have 4."""
    at, shortest = (4, 7) if codec == "h264" else (21, 23)
    if len(record) < shortest:
        raise invalid(f"The {codec} configuration of the source is cut off.", "Check the file or the camera.")
    return (record[at] & 3) + 1, record[:at] + bytes([record[at] | 3]) + record[at + 1 :]


def _is_dropped(codec: VideoCodec, nal: bytes) -> bool:
    if codec == "h264":
        return nal[0] & 31 in h264_nals.DROPPED
    return h265_nals.nal_type(nal) in h265_nals.DROPPED


def _lengthen(data: bytes, length_bytes: int) -> bytes:
    nals: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + length_bytes + int.from_bytes(data[at : at + length_bytes], "big")
        if end > len(data):
            raise corrupt("A video packet is cut off.")
        nals.append(data[at + length_bytes : end])
        at = end
    return join_lengths(nals)


def _format(codec: VideoCodec, width_px: int, height_px: int, configuration: bytes) -> VideoFormat:
    if not (0 < width_px <= MAX_DIMENSION_PX and 0 < height_px <= MAX_DIMENSION_PX):
        raise invalid(f"A picture of {width_px}x{height_px} pixels cannot be handled.")
    return VideoFormat(codec, width_px, height_px, configuration)
