"""Units survive the wire byte for byte; what is no message is refused and nothing else happens."""

import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.contracts import packet_wire
from eyespot.contracts.lens import LensGeometry, Orientation, View
from eyespot.contracts.packet import AudioCodec, AudioFormat, Packet, StreamFormat, Unit, VideoCodec, VideoFormat
from eyespot.kernel.errors import EyespotError, Kind

int64 = st.integers(-(1 << 63), (1 << 63) - 1)
tracks: st.SearchStrategy[Literal["video", "audio"]] = st.sampled_from(["video", "audio"])
video_codecs: st.SearchStrategy[VideoCodec] = st.sampled_from(["h264", "h265"])
audio_codecs: st.SearchStrategy[AudioCodec] = st.sampled_from(["aac", "opus"])
packets = st.builds(Packet, tracks, int64, int64, int64, st.booleans(), st.binary(max_size=300))
videos = st.builds(VideoFormat, video_codecs, st.integers(1, 16_384), st.integers(1, 16_384), st.binary(max_size=200))
audios = st.builds(AudioFormat, audio_codecs, st.integers(1, 192_000), st.integers(1, 8), st.binary(max_size=40))
fractions = st.floats(0, 1)
turns = st.builds(Orientation, st.booleans(), st.booleans(), st.sampled_from([0, 90, 180, 270]))
coefficients = st.tuples(*[st.floats(-100, 100)] * 4)
lenses = st.builds(
    LensGeometry, st.sampled_from(["perspective", "equidistant", "polynomial"]), st.floats(0.01, 100),
    st.floats(0.01, 100), st.floats(-1, 2), st.floats(-1, 2), coefficients, st.floats(1, 180),
)  # fmt: skip
polygons = st.lists(st.tuples(fractions, fractions), min_size=3, max_size=6).map(tuple)
views = st.builds(View, turns, st.none() | lenses, st.lists(polygons, max_size=3).map(tuple))
formats = st.builds(StreamFormat, videos, st.none() | audios, int64, views)
units: st.SearchStrategy[Unit] = packets | formats


@given(units)
def test_what_goes_in_comes_out(unit: Unit) -> None:
    message = packet_wire.encode(unit)
    length = packet_wire.body_length(message[: packet_wire.PREFIX_BYTES])
    body = message[packet_wire.PREFIX_BYTES :]
    assert length == len(body)
    assert packet_wire.decode(body) == unit
    assert packet_wire.decode(memoryview(body)) == unit


def test_a_packets_payload_is_not_copied_on_the_way_out() -> None:
    packet = Packet("video", 1, 2, 3, True, b"x" * 1000)
    assert packet_wire.encode_parts(packet)[1] is packet.data


def test_version_1_bytes_stay_as_they_are() -> None:
    """Captured bytes of version 1: an old reader and a new writer must go on understanding each other."""
    packet = Packet("video", 0x0102030405060708, -2, 40, True, b"\x00\x00\x00\x01e")
    expected = bytes.fromhex("0000001f50030102030405060708fffffffffffffffe00000000000000280000000165")
    assert packet_wire.encode(packet) == expected
    body = b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, "0142"], "audio": ["aac", 8000, 1, "1210"]}'
    assert packet_wire.decode(body) == StreamFormat(
        VideoFormat("h264", 64, 48, b"\x01\x42"), AudioFormat("aac", 8000, 1, b"\x12\x10"), 5
    )
    assert packet_wire.END == b"\x00\x00\x00\x00"


def test_a_view_that_says_nothing_is_not_written() -> None:
    stream = StreamFormat(VideoFormat("h264", 64, 48, b"\x01\x42"), None, 5)
    expected = b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, "0142"], "audio": null}'
    assert packet_wire.encode(stream)[packet_wire.PREFIX_BYTES :] == expected


def test_version_1_bytes_of_a_view_stay_as_they_are() -> None:
    body = (
        b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, "0142"], "audio": null, "view": '
        b'{"orientation": [true, false, 90], "lens": ["polynomial", 0.3, 0.4, 0.5, 0.5, [0.1, 0, 0, 0], 80.0], '
        b'"masks": [[[0, 0], [1, 0], [1, 0.5]]]}}'
    )
    lens = LensGeometry("polynomial", 0.3, 0.4, k=(0.1, 0, 0, 0), max_degrees=80)
    view = View(Orientation(flip_horizontal=True, degrees=90), lens, (((0, 0), (1, 0), (1, 0.5)),))
    wanted = StreamFormat(VideoFormat("h264", 64, 48, b"\x01\x42"), None, 5, view)
    assert packet_wire.decode(body) == wanted
    assert packet_wire.decode(packet_wire.encode(wanted)[packet_wire.PREFIX_BYTES :]) == wanted


@pytest.mark.parametrize("length", [0, packet_wire.MAX_BODY_BYTES + 1, (1 << 32) - 1])
def test_lengths_out_of_bounds_are_refused(length: int) -> None:
    with pytest.raises(EyespotError) as error:
        packet_wire.body_length(struct.pack(">I", length))
    assert error.value.kind is Kind.CORRUPT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"P",
        b"P" + bytes(24),
        b"X1234",
        b"F",
        b"Fnull",
        b"F[]",
        b'F{"v": 9}',
        b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64], "audio": null}',
        b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, "zz"], "audio": null}',
        b'F{"v": 1, "wall_offset_ns": "x", "video": ["h264", 64, 48, ""], "audio": null}',
        b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, ""], "audio": null, "view": {}}',
        b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, ""], "audio": null, "view": '
        b'{"orientation": [false, false, 45], "lens": null, "masks": []}}',
        b'F{"v": 1, "wall_offset_ns": 5, "video": ["h264", 64, 48, ""], "audio": null, "view": '
        b'{"orientation": [false, false, 0], "lens": null, "masks": [[[0, 0], [2, 0], [1, 1]]]}}',
        b"F" + b"[" * 100_000,
        b"F\xff\xfe",
    ],
)
def test_what_is_no_message_is_corrupt(body: bytes) -> None:
    with pytest.raises(EyespotError) as error:
        packet_wire.decode(body)
    assert error.value.kind is Kind.CORRUPT


@given(st.binary(max_size=200))
def test_any_bytes_are_a_unit_or_corrupt(body: bytes) -> None:
    try:
        unit = packet_wire.decode(body)
    except EyespotError as error:
        kind = error.kind
        assert kind is Kind.CORRUPT
    else:
        assert isinstance(unit, Packet | StreamFormat)
