"""RTP and RTCP as bytes (RFC 3550): packet headers, sequence numbers, sender and receiver reports."""

import struct
from dataclasses import dataclass

RTP_HEADER = struct.Struct(">BBHII")
_REPORT = struct.Struct(">BBHIIIIIII")
_NTP_TO_UNIX_S = 2_208_988_800
_SENDER_REPORT = 200
_BYE = 203


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The moment ``ntp_ns`` (Unix time, nanoseconds, the camera's clock) has the RTP timestamp ``timestamp``."""

    ssrc: int
    ntp_ns: int
    ntp_middle: int
    timestamp: int


def payload_bounds(view: memoryview, start: int, stop: int) -> tuple[int, int]:
    """Where the payload of an RTP packet with contributors, extension or padding begins and ends.

    ``begin >= stop`` says that there is none, or that the packet is malformed.
    """
    first = view[start]
    begin = start + 12 + 4 * (first & 15)
    if first & 0x10:
        if begin + 4 > stop:
            return stop, stop
        begin += 4 + 4 * (view[begin + 2] << 8 | view[begin + 3])
    if first & 0x20 and stop > start:
        stop -= view[stop - 1]
    return begin, stop


def read_sender_report(view: memoryview, start: int, stop: int) -> SenderReport | None:
    """The first sender report in a compound RTCP packet, or None."""
    while stop - start >= 8:
        length = 4 + 4 * (view[start + 2] << 8 | view[start + 3])
        if view[start] >> 6 != 2:
            return None
        if view[start + 1] == _SENDER_REPORT and min(length, stop - start) >= 28:
            ssrc, whole, fraction, timestamp = struct.unpack_from(">IIII", view, start + 4)
            ntp_ns = (whole - _NTP_TO_UNIX_S) * 1_000_000_000 + (fraction * 1_000_000_000 >> 32)
            return SenderReport(ssrc, ntp_ns, (whole & 0xFFFF) << 16 | fraction >> 16, timestamp)
        start += length
    return None


def is_bye(view: memoryview, start: int, stop: int) -> bool:
    """Whether a compound RTCP packet says that the sender leaves."""
    while stop - start >= 4 and view[start] >> 6 == 2:
        if view[start + 1] == _BYE:
            return True
        start += 4 + 4 * (view[start + 2] << 8 | view[start + 3])
    return False


def receiver_report(own_ssrc: int, ssrc: int, highest: int, lost: int, since: tuple[int, int]) -> bytes:
    """A receiver report with one block (RFC 3550, 6.4.2).

    Args:
        own_ssrc: who reports.
        ssrc: whom it is about.
        highest: extended highest sequence number received.
        lost: packets lost since the beginning.
        since: middle 32 bits of the last sender report's NTP time, and the delay since then in 1/65536 s.
    """
    report = _REPORT.pack(0x81, 201, 7, own_ssrc, ssrc, min(lost, 0x7FFFFF), highest & 0xFFFFFFFF, 0, *since)
    name = b"\x81\xca\x00\x03" + own_ssrc.to_bytes(4, "big") + b"\x01\x01-\x00" + b"\x00" * 4
    return report + name[:16]


class Sequence:
    """Follows a sender's sequence numbers."""

    __slots__ = ("_cycles", "expected", "lost", "received", "ssrc")

    def __init__(self) -> None:
        self.ssrc = -1
        self.expected = -1
        self.received = 0
        self.lost = 0
        self._cycles = 0

    @property
    def highest(self) -> int:
        """Extended highest sequence number (cycles in the upper 16 bits)."""
        return self.received + self.lost

    def jumped(self, sequence: int) -> bool:
        """Take an unexpected sequence number; True when packets before it were lost.

        A step back (or half the number space) is taken as a restart of the sender: nothing can be said of losses.
        """
        known, self.expected = self.expected, sequence
        if known < 0:
            return False
        gap = (sequence - known) & 0xFFFF
        if gap < 0x8000:
            self.lost += gap
        return True
