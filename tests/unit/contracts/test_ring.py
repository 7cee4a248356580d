"""The layout of a ring is fixed: numbers that other programs rely on, and headers that contradict themselves."""

import struct

import pytest

from eyespot.contracts import ring
from eyespot.contracts.view import View
from eyespot.kernel.errors import EyespotError, Kind

GREY = View(camera="yard", stream="main", pixels="grey", width_px=64, height_px=48, rate_hz=2.5)


def header_of(view: View, slots: int = 4) -> tuple[bytes, int]:
    layout = ring.layout_of(view, slots)
    return ring.header_bytes(view, layout), layout.total_bytes


def test_version_1_is_what_was_published() -> None:
    assert (ring.HEADER.size, ring.SLOT_HEADER.size, ring.OBJECT.size) == (232, 96, ring.OBJECT_BYTES)
    assert len(ring.HEADER_FIELDS) == len(ring.HEADER.unpack(bytes(232)))
    assert len(ring.SLOT_FIELDS) == len(ring.SLOT_HEADER.unpack(bytes(96)))
    assert len(ring.OBJECT_FIELDS) == len(ring.OBJECT.unpack(bytes(64)))
    layout = ring.layout_of(GREY, 4)
    assert (layout.pixels_offset, layout.slot_bytes, layout.total_bytes) == (256, 4096, 4096 + 4 * 4096)
    assert [layout.slot_offset(seq) for seq in (1, 4, 5)] == [4096, 4096 * 4, 4096]
    assert ring.layout_of(View(form="boxes"), 2).pixels_offset == 256 + 64 * 64


@pytest.mark.parametrize(
    "view", [GREY, View(camera="a" * 64, region=(0.1, 0.2, 0.9, 1)), View(form="metadata"), View(form="crops")]
)
def test_a_header_is_read_as_it_was_written(view: View) -> None:
    data, size = header_of(view)
    assert ring.parse_header(data, size) == ring.RingHeader(ring.layout_of(view, 4), view)


@pytest.mark.parametrize(
    "change", [(8, 2), (12, 64), (20, 3), (24, 1), (36, 9), (40, 0), (44, 1), (48, 9), (52, 7), (56, 3)]
)
def test_a_header_that_contradicts_itself_is_refused(change: tuple[int, int]) -> None:
    data, size = header_of(GREY)
    at, value = change
    spoiled = bytearray(data)
    struct.pack_into("<I", spoiled, at, value)
    with pytest.raises(EyespotError) as refused:
        ring.parse_header(bytes(spoiled), size)
    assert refused.value.kind in (Kind.CORRUPT, Kind.INVALID)


def test_other_files_and_cut_off_ones_are_refused() -> None:
    data, size = header_of(GREY)
    for wrong, length in ((b"", 0), (bytes(4096), 4096), (data[:100], size), (data, size - 4096)):
        with pytest.raises(EyespotError):
            ring.parse_header(wrong, length)


def test_too_many_bytes_or_slots_are_refused() -> None:
    with pytest.raises(EyespotError, match="smaller frames") as refused:
        ring.layout_of(View(width_px=4096, height_px=4096), 16)
    assert refused.value.kind is Kind.TOO_LARGE
    for slots in (0, 1, 65):
        with pytest.raises(EyespotError, match="slots"):
            ring.layout_of(GREY, slots)
