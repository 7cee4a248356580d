"""NAL units in their two wrappings: Annex B start codes and 4-byte lengths (ISO/IEC 14496-15)."""

from eyespot.kernel.errors import corrupt

START_CODE = b"\x00\x00\x00\x01"
MAX_NALS = 4096


def split_annexb(data: bytes) -> list[bytes]:
    """The NAL units of an Annex B byte stream, start codes and trailing zeros removed; empty ones left out.

    Raises ``CORRUPT`` beyond ``MAX_NALS`` units. Bytes before the first start code are ignored.
    """
    units: list[bytes] = []
    start = data.find(b"\x00\x00\x01")
    while start >= 0:
        begin = start + 3
        start = data.find(b"\x00\x00\x01", begin)
        nal = data[begin : start if start >= 0 else len(data)].rstrip(b"\x00")
        if nal:
            units.append(nal)
        if len(units) > MAX_NALS:
            raise corrupt(f"An access unit of more than {MAX_NALS} NAL units.")
    return units


def split_lengths(data: bytes) -> list[bytes]:
    """The NAL units of ``data``, each behind a 4-byte big-endian length; raises ``CORRUPT`` when they do not fit."""
    units: list[bytes] = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        nal = data[at + 4 : at + 4 + length]
        if at + 4 > len(data) or len(nal) < length:
            raise corrupt("A NAL unit's length reaches past the end of its packet.")
        if nal:
            units.append(nal)
        if len(units) > MAX_NALS:
            raise corrupt(f"An access unit of more than {MAX_NALS} NAL units.")
        at += 4 + length
    return units


def join_lengths(nals: list[bytes]) -> bytes:
    """``nals`` each behind a 4-byte big-endian length."""
    return b"".join(part for nal in nals for part in (len(nal).to_bytes(4, "big"), nal))


def annexb_to_lengths(data: bytes) -> bytes:
    """Annex B as length-prefixed NAL units."""
    return join_lengths(split_annexb(data))


def lengths_to_annexb(data: bytes) -> bytes:
    """Length-prefixed NAL units as Annex B with 4-byte start codes."""
    return b"".join(START_CODE + nal for nal in split_lengths(data))
