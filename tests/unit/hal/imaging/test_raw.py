"""Raw formats, and unpacking against samples packed by hand."""

import numpy as np
import pytest

from eyespot.hal.imaging.isp.raw import RawFormat, unpack_raw10, unpack_raw12, unpack_raw16
from eyespot.kernel.errors import EyespotError, Kind


def pack10(raw: np.ndarray) -> np.ndarray:
    quads = raw.reshape(raw.shape[0], -1, 4)
    low = sum((quads[..., i] & 3) << (2 * i) for i in range(4))
    return np.concatenate([quads >> 2, low[..., None]], axis=2).reshape(raw.shape[0], -1).astype(np.uint8)


def pack12(raw: np.ndarray) -> np.ndarray:
    pairs = raw.reshape(raw.shape[0], -1, 2)
    low = (pairs[..., 0] & 15) | ((pairs[..., 1] & 15) << 4)
    return np.concatenate([pairs >> 4, low[..., None]], axis=2).reshape(raw.shape[0], -1).astype(np.uint8)


def test_raw10_by_the_book() -> None:
    """CSI-2: four bytes of high bits, then the low bits of pixel 1 in the lowest two of the fifth."""
    data = bytes([0xFF, 0x00, 0x80, 0x01, 0b11_10_01_00])
    assert unpack_raw10(data, 4, 1).tolist() == [[0xFF << 2 | 0, 1, 0x80 << 2 | 2, 1 << 2 | 3]]


def test_raw12_by_the_book() -> None:
    assert unpack_raw12(bytes([0xAB, 0xCD, 0x21]), 2, 1).tolist() == [[0xAB1, 0xCD2]]


@pytest.mark.parametrize(("bits", "pack", "unpack"), [(10, pack10, unpack_raw10), (12, pack12, unpack_raw12)])
def test_rows_with_padding_come_back(bits, pack, unpack) -> None:  # type: ignore[no-untyped-def]
    raw = np.random.default_rng(3).integers(0, 1 << bits, (6, 16), dtype=np.uint16)
    packed = pack(raw)
    stride = packed.shape[1] + 7
    padded = np.full((6, stride), 0xEE, np.uint8)
    padded[:, : packed.shape[1]] = packed
    np.testing.assert_array_equal(unpack(packed.tobytes(), 16, 6), raw)
    np.testing.assert_array_equal(unpack(padded.tobytes(), 16, 6, stride), raw)
    # the last row's padding may be missing
    np.testing.assert_array_equal(unpack(padded.tobytes()[:-7], 16, 6, stride), raw)


def test_raw16_is_little_endian() -> None:
    assert unpack_raw16(bytes([0x34, 0x12, 0xFF, 0x0F]), 2, 1).tolist() == [[0x1234, 0x0FFF]]


@pytest.mark.parametrize(
    ("data", "width", "height", "stride", "kind"),
    [
        (b"\0" * 9, 4, 2, None, Kind.CORRUPT),
        (b"", 4, 1, None, Kind.CORRUPT),
        (b"\0" * 100, 6, 2, None, Kind.INVALID),
        (b"\0" * 100, 8, 2, 9, Kind.INVALID),
        (b"\0" * 100, 4, 0, None, Kind.INVALID),
        (b"\0" * 100, 4, 1 << 40, None, Kind.INVALID),
        (b"\0" * 100, -4, 1, None, Kind.INVALID),
    ],
)
def test_what_does_not_fit_is_refused(data: bytes, width: int, height: int, stride: int | None, kind: Kind) -> None:
    with pytest.raises(EyespotError) as caught:
        unpack_raw10(data, width, height, stride)
    assert caught.value.kind is kind


@pytest.mark.parametrize("wrong", [{"width_px": 17}, {"height_px": 8}, {"pattern": "RGBG"}, {"bits": 7}, {"bits": 17}])
def test_formats_are_checked(wrong: dict) -> None:  # type: ignore[type-arg]
    with pytest.raises(EyespotError) as caught:
        RawFormat(**{"width_px": 32, "height_px": 16, **wrong})
    assert caught.value.kind is Kind.INVALID
