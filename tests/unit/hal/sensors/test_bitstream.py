"""Parameter sets and wrappings, against what FFmpeg writes and against hostile bytes."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.hal.sensors.bitstream import (
    ParameterSets,
    annexb_to_lengths,
    h264,
    h265,
    lengths_to_annexb,
    split_annexb,
    split_lengths,
)
from eyespot.hal.sensors.bitstream.bits import BitReader
from eyespot.kernel.errors import EyespotError, Kind


def encoded(codec: str, width_px: int, height_px: int, **options: str) -> tuple[bytes, bytes]:
    """The MP4 muxer's configuration record and the Annex B extradata of the encoder for the same stream."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        name = "libx264" if codec == "h264" else "libx265"
        if codec == "h265":
            options["x265-params"] = "log-level=none"
        stream = container.add_stream(name, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = width_px, height_px, "yuv420p"
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((height_px, width_px, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        annexb = bytes(stream.codec_context.extradata or b"")
    target.seek(0)
    with av.open(target) as container:
        record = bytes(container.streams.video[0].codec_context.extradata or b"")
    return record, annexb


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("size", [(160, 120), (162, 118), (1920, 1080)])
def test_format_is_what_the_muxer_writes(codec: str, size: tuple[int, int]) -> None:
    record, annexb = encoded(codec, *size)
    sets = ParameterSets("h264" if codec == "h264" else "h265")
    assert not sets.complete()
    for nal in split_annexb(annexb):
        if sets.is_parameter_set(nal):
            assert sets.add(nal)
            assert not sets.add(nal)
    assert sets.complete()
    found = sets.video_format()
    assert (found.width_px, found.height_px) == size
    if codec == "h264":
        assert found.configuration == record
    else:
        assert found.configuration[:13] == record[:13]
        context = av.CodecContext.create("hevc", "r")
        context.extradata = found.configuration
        context.open()
        assert (context.width, context.height) == size


def test_frame_rate_and_reordering_are_read_from_the_vui() -> None:
    _, annexb = encoded("h264", 160, 120, bf="2", preset="veryfast")
    sps = next(nal for nal in split_annexb(annexb) if nal[0] & 31 == h264.SPS)
    facts = h264.parse_sps(sps)
    assert facts.frame_ns == 40_000_000
    assert facts.reorder_frames in (1, 2)


def test_a_set_with_a_known_id_replaces_the_old_one() -> None:
    sets = ParameterSets("h264")
    for size in ((160, 120), (320, 240)):
        for nal in split_annexb(encoded("h264", *size)[1]):
            if sets.is_parameter_set(nal):
                sets.add(nal)
    assert (sets.facts().width_px, sets.facts().height_px) == (320, 240)
    assert sets.video_format().configuration[5] == 0xE1


def test_incomplete_sets_are_corrupt() -> None:
    with pytest.raises(EyespotError) as caught:
        ParameterSets("h265").video_format()
    assert caught.value.kind is Kind.CORRUPT


def test_exp_golomb_codes_of_the_standard() -> None:
    bits = BitReader(bytes([0b1_010_011_0, 0b0100_0010, 0b1_0000000]))
    assert [bits.ue() for _ in range(5)] == [0, 1, 2, 3, 4]
    signed = BitReader(bytes([0b1_010_011_0, 0b0100_0010, 0b1_0000000]))
    assert [signed.se() for _ in range(5)] == [0, 1, -1, 2, -2]


def test_three_and_four_byte_start_codes() -> None:
    assert split_annexb(b"junk\x00\x00\x01\x65\xaa\x00\x00\x00\x01\x41\xbb\x00") == [b"\x65\xaa", b"\x41\xbb"]


@given(
    st.lists(st.binary(min_size=1, max_size=50).map(lambda body: b"\x65" + body.replace(b"\x00", b"\x01")), max_size=8)
)
def test_wrappings_round_trip(nals: list[bytes]) -> None:
    lengths = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
    assert split_lengths(lengths) == nals
    assert annexb_to_lengths(lengths_to_annexb(lengths)) == lengths


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_nothing_else(data: bytes) -> None:
    for parse in (h264.parse_sps, h265.parse_sps, h264.picture_set_id, h265.parameter_set_id, split_lengths):
        for head in (b"", b"\x67", b"\x42\x01", b"\x44\x01"):
            try:
                parse(head + data)
            except EyespotError as error:
                assert error.kind is Kind.CORRUPT  # noqa: PT017 - not raising is as good


@given(st.integers(0, 400), st.integers(0, 7), st.sampled_from(["h264", "h265"]))
def test_a_flipped_bit_in_a_parameter_set_is_survived(at: int, bit: int, codec: str) -> None:
    sets = ParameterSets("h264" if codec == "h264" else "h265")
    for nal in split_annexb(_ANNEXB[codec]):
        broken = bytearray(nal)
        broken[at % len(broken)] ^= 1 << bit
        try:
            if sets.is_parameter_set(bytes(broken)):
                sets.add(bytes(broken))
        except EyespotError as error:
            assert error.kind is Kind.CORRUPT  # noqa: PT017 - not raising is as good
    try:
        if sets.complete():
            assert sets.video_format().width_px > 0
    except EyespotError as error:
        assert error.kind is Kind.CORRUPT  # noqa: PT017 - not raising is as good


_ANNEXB = {codec: encoded(codec, 160, 120)[1] for codec in ("h264", "h265")}
