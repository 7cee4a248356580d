"""Every way a container wraps its pictures becomes one: 4-byte lengths, parameter sets apart."""

from types import SimpleNamespace

import pytest

from eyespot.hal.sensors.framing import Framing, continues_picture
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

START = b"\x00\x00\x00\x01"


def parameter_sets(width_px: int) -> tuple[bytes, bytes, bytes]:
    """Configuration record, SPS and PPS of a small stream."""
    scene = SyntheticScene(SceneSettings(width_px=width_px, height_px=96, people=0))
    record = encode_scene(scene, 1)[0].video.configuration
    sps_bytes = int.from_bytes(record[6:8], "big")
    sps = record[8 : 8 + sps_bytes]
    pps_at = 8 + sps_bytes + 3
    pps_bytes = int.from_bytes(record[pps_at - 2 : pps_at], "big")
    return record, sps, record[pps_at : pps_at + pps_bytes]


RECORD, SPS, PPS = parameter_sets(160)


def context(extradata: bytes) -> SimpleNamespace:
    return SimpleNamespace(extradata=extradata, width=160, height=96)


def test_a_record_and_its_packets_pass_untouched() -> None:
    framing = Framing("h264", context(RECORD))
    data = b"\x00\x00\x00\x03\x65ab"
    assert framing.convert(data) is data
    assert framing.format is not None
    assert framing.format.configuration == RECORD


def test_shorter_lengths_become_four_bytes() -> None:
    record = RECORD[:4] + b"\xfd" + RECORD[5:]
    framing = Framing("h264", context(record))
    assert framing.convert(b"\x00\x03\x65ab\x00\x02\x41c") == b"\x00\x00\x00\x03\x65ab\x00\x00\x00\x02\x41c"
    assert framing.format is not None
    assert framing.format.configuration[4] & 3 == 3
    with pytest.raises(EyespotError) as error:
        framing.convert(b"\x00\x09\x65ab")
    assert error.value.kind is Kind.CORRUPT


def test_parameter_sets_in_the_packets_become_the_format() -> None:
    framing = Framing("h264", context(b""))
    assert framing.format is None
    data = START + b"\x09\xf0" + START + SPS + START + PPS + START + b"\x65ab"
    assert framing.convert(data) == b"\x00\x00\x00\x03\x65ab"
    first = framing.format
    assert first is not None
    assert (first.width_px, first.height_px) == (160, 96)
    framing.convert(data)
    assert framing.format is first


def test_new_parameter_sets_are_a_new_format() -> None:
    framing = Framing("h264", context(START + SPS + START + PPS))
    first = framing.format
    _, wider, pps = parameter_sets(320)
    framing.convert(START + wider + START + pps + START + b"\x65ab")
    assert first is not None
    assert framing.format is not None
    assert (first.width_px, framing.format.width_px) == (160, 320)


@pytest.mark.parametrize("extradata", [b"\x01", b"\x01\x64\x00\x1f", RECORD[:5]])
def test_a_cut_off_record_is_refused(extradata: bytes) -> None:
    with pytest.raises(EyespotError) as error:
        Framing("h264", context(extradata))
    assert error.value.kind is Kind.INVALID


def test_absurd_sizes_are_refused() -> None:
    with pytest.raises(EyespotError, match="cannot be handled"):
        Framing("h264", SimpleNamespace(extradata=RECORD, width=0, height=96))


@pytest.mark.parametrize(
    ("codec", "nals", "continues"),
    [
        ("h264", [b"\x65\x88ab"], False),
        ("h264", [b"\x65\x44ab"], True),
        ("h264", [b"\x06\x05ab", b"\x41\x44"], True),
        ("h264", [b"\x06\x05ab"], False),
        ("h264", [b"\x65"], False),
        ("h265", [b"\x26\x01\xaf"], False),
        ("h265", [b"\x4e\x01\x05", b"\x26\x01\x2f"], True),
        ("h265", [b"\x26\x01"], False),
        ("h264", [], False),
    ],
)
def test_the_middle_of_a_picture_is_told_by_its_first_slice(codec, nals: list[bytes], *, continues: bool) -> None:
    data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
    assert continues_picture(codec, data) is continues
