"""H.265 (ITU-T H.265): NAL types, sequence parameter sets, ``hvcC`` records (ISO/IEC 14496-15, 8.3.3)."""

from eyespot.hal.sensors.bitstream.bits import BitReader, unescape
from eyespot.hal.sensors.bitstream.facts import MAX_SIDE_PX, SequenceFacts
from eyespot.kernel.errors import corrupt

VPS, SPS, PPS, AUD, FILLER = 32, 33, 34, 35, 38
FIRST_IRAP, LAST_IRAP = 16, 23
DROPPED = frozenset({VPS, SPS, PPS, AUD, FILLER})
"""NAL types that packets leave out: parameter sets, delimiters, filler."""

_CROP_UNITS = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}


def nal_type(nal: bytes) -> int:
    """The NAL unit type, 0 to 63."""
    return (nal[0] >> 1) & 63


def parse_sps(nal: bytes) -> SequenceFacts:
    """What a sequence parameter set (whole NAL unit) says; raises ``CORRUPT`` when it does not parse (7.3.2.2.1)."""
    if len(nal) < 16 or nal_type(nal) != SPS:
        raise corrupt("An H.265 sequence parameter set is too short or of another type.")
    bits = BitReader(unescape(nal[2:]))
    bits.skip(4)
    layers = bits.u(3)
    bits.skip(1)
    _skip_profile_tier_level(bits, layers)
    identity = bits.ue()
    chroma = bits.ue()
    if chroma > 3:
        raise corrupt(f"An H.265 sequence parameter set has chroma format {chroma}.")
    if chroma == 3:
        bits.skip(1)
    width_px, height_px = bits.ue(), bits.ue()
    if bits.flag():
        unit_x, unit_y = _CROP_UNITS[chroma]
        width_px -= (bits.ue() + bits.ue()) * unit_x
        height_px -= (bits.ue() + bits.ue()) * unit_y
    if not (0 < width_px <= MAX_SIDE_PX and 0 < height_px <= MAX_SIDE_PX):
        raise corrupt(f"An H.265 sequence parameter set gives a picture of {width_px} × {height_px} pixels.")
    depths = (bits.ue() + 8, bits.ue() + 8)
    if max(depths) > 16:
        raise corrupt("An H.265 sequence parameter set has more than 16 bits a sample.")
    bits.ue()
    reorder = 0
    all_layers = bits.flag()
    for _ in range(0 if all_layers else layers, layers + 1):
        bits.ue()
        reorder = bits.ue()
        bits.ue()
    return SequenceFacts(identity, width_px, height_px, 0, min(reorder, 16), chroma, depths)


def _skip_profile_tier_level(bits: BitReader, layers: int) -> None:
    bits.skip(96)
    present = [(bits.flag(), bits.flag()) for _ in range(layers)]
    if layers:
        bits.skip(2 * (8 - layers))
    for profile, level in present:
        bits.skip(88 * profile + 8 * level)


def parameter_set_id(nal: bytes) -> int:
    """The id of a video (0 to 15) or picture (0 to 63) parameter set."""
    if len(nal) < 3:
        raise corrupt("An H.265 parameter set is too short.")
    bits = BitReader(unescape(nal[2:24]))
    if nal_type(nal) == VPS:
        return bits.u(4)
    identity = bits.ue()
    if identity > 63:
        raise corrupt(f"An H.265 picture parameter set has the id {identity}.")
    return identity


def configuration(vps: list[bytes], sps: list[bytes], pps: list[bytes], facts: SequenceFacts) -> bytes:
    """The ``hvcC`` payload for these parameter sets (whole NAL units)."""
    plain = unescape(sps[0])
    layers = (plain[2] >> 1) & 7
    nested = plain[2] & 1
    record = b"\x01" + plain[3:15]
    record += bytes([0xF0, 0, 0xFC, 0xFC | facts.chroma, 0xF8 | (facts.depths[0] - 8), 0xF8 | (facts.depths[1] - 8)])
    record += b"\x00\x00" + bytes([(layers + 1) << 3 | nested << 2 | 3])
    arrays = [(VPS, vps), (SPS, sps), (PPS, pps)]
    record += bytes([len(arrays)])
    for kind, nals in arrays:
        record += bytes([0x80 | kind]) + len(nals).to_bytes(2, "big")
        record += b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)
    return record
