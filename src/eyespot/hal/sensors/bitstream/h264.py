"""H.264 (ITU-T H.264): NAL types, sequence parameter sets, ``avcC`` records (ISO/IEC 14496-15, 5.3.3)."""

from eyespot.hal.sensors.bitstream.bits import BitReader, unescape
from eyespot.hal.sensors.bitstream.facts import MAX_SIDE_PX, SequenceFacts
from eyespot.kernel.errors import EyespotError, corrupt

SLICE, IDR, SEI, SPS, PPS, AUD, FILLER = 1, 5, 6, 7, 8, 9, 12
DROPPED = frozenset({SPS, PPS, AUD, FILLER})
"""NAL types that packets leave out: parameter sets, delimiters, filler."""

_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_CROP_UNITS = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}
_EXTENDED_SAR = 255


def parse_sps(nal: bytes) -> SequenceFacts:
    """What a sequence parameter set (whole NAL unit) says; raises ``CORRUPT`` when it does not parse (7.3.2.1.1)."""
    if len(nal) < 5 or nal[0] & 31 != SPS:
        raise corrupt("An H.264 sequence parameter set is too short or of another type.")
    bits = BitReader(unescape(nal[1:]))
    profile = bits.u(8)
    bits.skip(16)
    identity = bits.ue()
    chroma = 1
    depths = (8, 8)
    if profile in _HIGH_PROFILES:
        chroma, depths = _high_profile(bits)
    bits.ue()
    order_type = _picture_order(bits)
    bits.ue()
    bits.skip(1)
    width_mbs = bits.ue() + 1
    height_units = bits.ue() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.skip(1)
    bits.skip(1)
    unit_x, unit_y = _CROP_UNITS[chroma]
    width_px, height_px = width_mbs * 16, height_units * 16 * (1 if frames_only else 2)
    if bits.flag():
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width_px -= (left + right) * unit_x
        height_px -= (top + bottom) * unit_y * (1 if frames_only else 2)
    if not (0 < width_px <= MAX_SIDE_PX and 0 < height_px <= MAX_SIDE_PX):
        raise corrupt(f"An H.264 sequence parameter set gives a picture of {width_px} × {height_px} pixels.")
    frame_ns, reorder = _vui(bits) if bits.flag() else (0, None)
    if profile == 66 or order_type == 2:
        reorder = 0
    return SequenceFacts(identity, width_px, height_px, frame_ns, reorder, chroma, depths)


def _high_profile(bits: BitReader) -> tuple[int, tuple[int, int]]:
    chroma = bits.ue()
    if chroma > 3:
        raise corrupt(f"An H.264 sequence parameter set has chroma format {chroma}.")
    if chroma == 3:
        bits.skip(1)
    depths = (bits.ue() + 8, bits.ue() + 8)
    if max(depths) > 14:
        raise corrupt("An H.264 sequence parameter set has more than 14 bits a sample.")
    bits.skip(1)
    if bits.flag():
        for index in range(8 if chroma != 3 else 12):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, depths


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _picture_order(bits: BitReader) -> int:
    order_type = bits.ue()
    if order_type == 0:
        bits.ue()
    elif order_type == 1:
        bits.skip(1)
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:
            raise corrupt("An H.264 sequence parameter set has more than 255 reference frame offsets.")
        for _ in range(count):
            bits.se()
    elif order_type > 2:
        raise corrupt(f"An H.264 sequence parameter set has picture order type {order_type}.")
    return order_type


def _vui(bits: BitReader) -> tuple[int, int | None]:
    """Frame duration in ns (0 unknown) and reorder depth (None unknown) from the VUI (E.1.1)."""
    try:
        return _read_vui(bits)
    except EyespotError:  # cameras write broken VUIs; the picture size before it stands
        return 0, None


def _read_vui(bits: BitReader) -> tuple[int, int | None]:
    if bits.flag() and bits.u(8) == _EXTENDED_SAR:
        bits.skip(32)
    if bits.flag():
        bits.skip(1)
    if bits.flag():
        bits.skip(4)
        if bits.flag():
            bits.skip(24)
    if bits.flag():
        bits.ue()
        bits.ue()
    frame_ns = 0
    if bits.flag():
        units, scale = bits.u(32), bits.u(32)
        bits.skip(1)
        frame_ns = units * 2_000_000_000 // scale if scale else 0
    hrd = False
    for _ in range(2):
        if bits.flag():
            hrd = True
            _skip_hrd(bits)
    if hrd:
        bits.skip(1)
    bits.skip(1)
    if not bits.flag():
        return frame_ns, None
    bits.skip(1)
    for _ in range(4):
        bits.ue()
    return frame_ns, min(bits.ue(), 16)


def _skip_hrd(bits: BitReader) -> None:
    count = bits.ue() + 1
    if count > 32:
        raise corrupt("An H.264 sequence parameter set has more than 32 buffer models.")
    bits.skip(8)
    for _ in range(count):
        bits.ue()
        bits.ue()
        bits.skip(1)
    bits.skip(20)


def picture_set_id(nal: bytes) -> int:
    """The id of a picture parameter set (0 to 255)."""
    identity = BitReader(unescape(nal[1:24])).ue()
    if identity > 255:
        raise corrupt(f"An H.264 picture parameter set has the id {identity}.")
    return identity


def configuration(sps: list[bytes], pps: list[bytes], facts: SequenceFacts) -> bytes:
    """The ``avcC`` payload for these parameter sets (whole NAL units)."""
    first = sps[0]
    record = bytes([1, first[1], first[2], first[3], 0xFF, 0xE0 | min(len(sps), 31)])
    record += b"".join(len(nal).to_bytes(2, "big") + nal for nal in sps[:31])
    record += bytes([min(len(pps), 255)]) + b"".join(len(nal).to_bytes(2, "big") + nal for nal in pps[:255])
    if first[1] in (100, 110, 122, 144):
        luma, chroma = facts.depths
        record += bytes([0xFC | facts.chroma, 0xF8 | (luma - 8), 0xF8 | (chroma - 8), 0])
    return record


def is_recovery_point(nal: bytes) -> bool:
    """Whether a SEI NAL unit starts with a recovery point that is exact at once (D.1.8): an open GOP's key frame."""
    return len(nal) > 3 and nal[1] == 6 and nal[3] & 0x80 != 0
