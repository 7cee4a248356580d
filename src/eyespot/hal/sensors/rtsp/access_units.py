"""From RTP packets to access units, as far as H.264 and H.265 agree.

Owns: header checks, losses, putting NAL units together, where an access unit ends, what is dropped. Not: payload
headers and kinds of NAL units, which are ``depacketize_h264`` and ``depacketize_h265``.

Rules: an access unit ends at the marker bit, or where the timestamp changes for senders whose marker bit lies. A unit
that lost a packet is dropped and counted; the units after it pass, since a decoder conceals and a recording wants them,
unless the lost unit was a key frame: then everything up to the next key frame is dropped as well. Nothing passes before
the first key frame with complete parameter sets.
"""

import struct
from dataclasses import dataclass

from eyespot.contracts.packet import VideoCodec, VideoFormat
from eyespot.hal.sensors.bitstream import ParameterSets
from eyespot.hal.sensors.rtsp.rtp import RTP_HEADER, Sequence, payload_bounds
from eyespot.kernel.errors import EyespotError

MAX_UNIT_BYTES = 16 << 20
_LENGTH = struct.Struct(">I")
_unpack_header = RTP_HEADER.unpack_from
_unpack_middle = struct.Struct(">BBHBBHII").unpack_from


@dataclass(slots=True)
class AccessUnit:
    """One picture: its RTP timestamp, its NAL units behind 4-byte lengths, and the format when it begins here."""

    timestamp: int
    data: bytes
    is_key: bool
    format: VideoFormat | None


@dataclass(slots=True)
class UnitCounters:
    """What went wrong, in packets or access units."""

    malformed_packets: int = 0
    damaged_units: int = 0
    skipped_units: int = 0
    oversized_units: int = 0
    bad_parameter_sets: int = 0
    split_units: int = 0


class AccessUnits:
    """Collects RTP packets of one video track into access units.

    ``feed`` every packet; completed units lie in ``ready``, which the caller empties. Never raises on packet content.
    """

    _fragment_bytes = 0
    """Interleaved header, RTP header and fragment header together; the last byte marks beginning and end."""
    _fragment_kind = (0, 0)
    """Mask and value of a fragment's first byte."""

    def __init__(self, codec: VideoCodec, payload_type: int, parameter_sets: list[bytes]) -> None:
        self.ready: list[AccessUnit] = []
        self.counters = UnitCounters()
        self.sequence = Sequence()
        self._sets = ParameterSets(codec)
        self._payload_type = payload_type
        self._format: VideoFormat | None = None
        self._sets_changed = True
        self._unit = bytearray()
        self._nal_at = -1
        self._timestamp = -1
        self._flushed_timestamp = -1
        self._trust_marker = True
        self._is_key = False
        self._damaged = False
        self._check_head = False
        self._wait_for_key = True
        for nal in parameter_sets:
            self._take_parameter_set(nal)

    @property
    def reorder_frames(self) -> int | None:
        """How many frames the current parameter sets say may be reordered; None when they do not say."""
        return self._sets.facts().reorder_frames

    def feed(self, view: memoryview, start: int, stop: int, end: int) -> int:
        """Take the RTP packet ``view[start:stop]``, and interleaved packets behind it, up to ``end``, while they are
        middle parts of the same NAL unit on the same channel. Returns where the caller goes on, ``stop`` or more."""
        if stop - start < 13 or view[start] >> 6 != 2:
            self.counters.malformed_packets += 1
            return stop
        first, second, number, timestamp, ssrc = _unpack_header(view, start)
        if second & 0x7F != self._payload_type:
            self.counters.malformed_packets += 1
            return stop
        begin, last = start + 12, stop
        if first & 0x3F:
            begin, last = payload_bounds(view, start, stop)
        self._take_header(number, timestamp, ssrc)
        if begin >= last or not self._take_payload(view, begin, last):
            self.counters.malformed_packets += 1
            self._damaged = True
        if second & 0x80 and self._trust_marker:
            self._flush()
        elif self._nal_at >= 0 and start >= 4:
            return self._feed_middle(view, view[start - 3], stop, end)
        return stop

    def _take_header(self, number: int, timestamp: int, ssrc: int) -> None:
        sequence = self.sequence
        if ssrc != sequence.ssrc:
            sequence.ssrc, sequence.expected = ssrc, -1
        if number != sequence.expected and sequence.jumped(number):
            self._lose()
        sequence.expected = (number + 1) & 0xFFFF
        sequence.received += 1
        if timestamp != self._timestamp:
            self._flush()
            self._timestamp = timestamp
        elif timestamp == self._flushed_timestamp and self._trust_marker:
            self._trust_marker = False
            self.counters.split_units += 1

    def _feed_middle(self, view: memoryview, channel: int, at: int, end: int) -> int:
        """The hot loop, for most of the bytes of a stream: middle fragments that are what is expected in every field.

        Anything else is left to ``feed``.
        """
        unit, sequence, kind, skip = self._unit, self.sequence, self._payload_type, self._fragment_bytes
        expected, ssrc, timestamp = sequence.expected, sequence.ssrc, self._timestamp
        mask, value = self._fragment_kind
        begin = at
        while end - at > 24:
            dollar, other, length, first, second, number, time, source = _unpack_middle(view, at)
            stop = at + 4 + length
            if (
                number != expected
                or second != kind
                or time != timestamp
                or other != channel
                or stop > end
                or length < 16
                or first != 0x80
                or dollar != 0x24
                or source != ssrc
                or view[at + 16] & mask != value
                or view[at + skip - 1] > 0x3F
            ):
                break
            unit += view[at + skip : stop]
            expected = (number + 1) & 0xFFFF
            sequence.received += 1
            at = stop
        sequence.expected = expected
        if at > begin and len(unit) > MAX_UNIT_BYTES:
            self._overflow()
        return at

    def _take_payload(self, view: memoryview, begin: int, stop: int) -> bool:
        """Take a payload of at least one byte; False when it is malformed."""
        raise NotImplementedError

    def _is_key_nal(self, first_byte: int) -> bool:
        """Whether a NAL unit with this first byte belongs to a picture where a decoder can start."""
        raise NotImplementedError

    def _take_nal(self, at: int, kind_bytes: bytes) -> bool:
        """Look at the NAL unit whose length prefix lies at ``at``; False when packets leave it out."""
        raise NotImplementedError

    def _open(self, header: bytes) -> None:
        """Begin a NAL unit with its first bytes."""
        unit = self._unit
        self._cut_open_nal()
        self._nal_at = len(unit)
        unit += b"\x00\x00\x00\x00"
        unit += header

    def _close(self) -> None:
        """End the open NAL unit: write its length, keep it or take it out."""
        unit, at = self._unit, self._nal_at
        self._nal_at = -1
        length = len(unit) - at - 4
        _LENGTH.pack_into(unit, at, length)
        if length < 2 or not self._take_nal(at, bytes(unit[at + 4 : at + 8])):
            del unit[at:]
        elif len(unit) > MAX_UNIT_BYTES:
            self._overflow()

    def _whole(self, view: memoryview, begin: int, stop: int) -> None:
        """Take a NAL unit that lies whole in a packet."""
        self._open(b"")
        self._unit += view[begin:stop]
        self._close()

    def _take_aggregate(self, view: memoryview, at: int, stop: int) -> bool:
        """Take NAL units that each lie behind a 2-byte length; False when a length is wrong."""
        while at + 2 < stop:
            end = at + 2 + (view[at] << 8 | view[at + 1])
            if end > stop or end == at + 2:
                return False
            self._whole(view, at + 2, end)
            at = end
        return True

    def _take_part(self, header: bytes, mark: int, payload: memoryview) -> bool:
        """Take a part of a NAL unit that begins with ``header``: bits 7 and 6 of ``mark`` say that it is the first or
        last part.
        """
        if mark & 0x80:
            self._open(header)
        elif self._nal_at < 0:
            self._headless(header[0])
            return True
        unit = self._unit
        unit += payload
        if mark & 0x40:
            self._close()
        elif len(unit) > MAX_UNIT_BYTES:
            self._overflow()
        return True

    def _overflow(self) -> None:
        """Give a unit up that grows beyond bounds."""
        self.counters.oversized_units += 1
        self._unit.clear()
        self._nal_at = -1
        self._damaged = True

    def _saw_slice(self, *, first: bool, key: bool) -> None:
        """Note a slice: whether it is the first of its picture, whether a decoder can start here."""
        if self._check_head:
            self._check_head = False
            self._damaged = self._damaged or not first
        if key:
            self._is_key = True

    def _take_parameter_set(self, nal: bytes) -> None:
        try:
            if self._sets.is_parameter_set(nal) and self._sets.add(nal):
                self._sets_changed = True
        except EyespotError:
            self.counters.bad_parameter_sets += 1

    def _lose(self) -> None:
        if self._unit:
            self._damaged = True
        self._check_head = True
        self._cut_open_nal()

    def _cut_open_nal(self) -> None:
        """Throw the open NAL unit away, if there is one, and remember that a picture lost it."""
        at = self._nal_at
        if at >= 0:
            self._is_key = self._is_key or self._is_key_nal(self._unit[at + 4])
            del self._unit[at:]
            self._nal_at = -1
            self._damaged = True

    def _headless(self, first_byte: int) -> None:
        """Note a fragment whose NAL unit lost its beginning."""
        self._damaged = True
        self._is_key = self._is_key or self._is_key_nal(first_byte)

    def _flush(self) -> None:
        """End the access unit: hand it out or count why not."""
        self._cut_open_nal()
        if self._unit or self._damaged:
            self._flushed_timestamp = self._timestamp
            self._hand_out()
            self._unit.clear()
            self._is_key = False
            self._damaged = False

    def _hand_out(self) -> None:
        if self._damaged:
            self.counters.damaged_units += 1
            self._wait_for_key = self._wait_for_key or self._is_key
            return
        fresh = None
        if self._is_key:
            fresh = self._fresh_format()
            self._wait_for_key = self._format is None
        if self._wait_for_key:
            self.counters.skipped_units += 1
            return
        self.ready.append(AccessUnit(self._timestamp, bytes(self._unit), self._is_key, fresh))

    def _fresh_format(self) -> VideoFormat | None:
        """The format when the parameter sets changed it since the last key frame."""
        if not self._sets_changed or not self._sets.complete():
            return None
        self._sets_changed = False
        try:
            found = self._sets.video_format()
        except EyespotError:
            self.counters.bad_parameter_sets += 1
            return None
        if found == self._format:
            return None
        self._format = found
        return found
