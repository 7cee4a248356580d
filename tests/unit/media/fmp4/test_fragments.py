"""What is written can be read back, bit for bit and tick for tick."""

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, VideoFormat
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media import fmp4

AVCC = bytes.fromhex("0164001effe10004676400010100") + bytes(20)
VIDEO = VideoFormat("h264", 640, 480, AVCC)
AAC = AudioFormat("aac", 48_000, 2, bytes.fromhex("1190"))
OPUS = AudioFormat("opus", 48_000, 2, b"OpusHead" + bytes.fromhex("01023801 80bb0000 0000 00"))
STEP = 33_366_700


def reader(data: bytes):  # type: ignore[no-untyped-def]
    return lambda offset, size: data[offset : offset + size]


def packet(
    number: int, data: bytes, *, key: bool = False, shift: int = 0, track: Literal["video", "audio"] = "video"
) -> Packet:
    time = number * STEP
    return Packet(track, time + shift * STEP, time, STEP, key, data)


@pytest.mark.parametrize("audio", [None, AAC, OPUS])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_init_segment_says_the_format(audio: AudioFormat | None, codec: Literal["h264", "h265"]) -> None:
    stream = StreamFormat(VideoFormat(codec, 640, 480, AVCC), audio, 0)
    data = fmp4.init_segment(stream, note=b"a note")
    info = fmp4.parse_init(reader(data), len(data))
    assert info.stream == stream
    assert info.note == b"a note"
    assert info.size == len(data)
    assert (info.video_timescale, info.audio_timescale) == (90_000, 48_000 if audio else 0)


packets = st.lists(
    st.tuples(st.binary(min_size=0, max_size=50), st.booleans(), st.integers(-3, 3)), min_size=1, max_size=40
)


@given(packets, st.integers(0, 1 << 40), st.booleans())
def test_a_fragment_read_back_is_what_was_written(
    content: list[tuple[bytes, bool, int]], start: int, sound: bool
) -> None:
    made = [packet(start + i, data, key=key, shift=shift) for i, (data, key, shift) in enumerate(content)]
    audio = (
        [packet(start + i, data, key=True, track="audio") for i, (data, _, _) in enumerate(content)] if sound else []
    )
    data = fmp4.fragment([*made, *audio], 7, 0, audio_timescale_hz=48_000)
    found, end = fmp4.scan_fragments(reader(data), 0, len(data))
    assert end == len(data)
    (fragment,) = found
    assert len(fragment.runs) == (2 if sound else 1)
    for run, expected, rate in zip(fragment.runs, (made, audio), (90_000, 48_000), strict=False):
        samples = run.samples()
        assert [data[s.offset : s.offset + s.size] for s in samples] == [p.data for p in expected]
        assert [s.is_key for s in samples] == [p.is_key for p in expected]
        for sample, source in zip(samples, expected, strict=True):
            assert abs(sample.decode_time - source.decode_ns * rate / 1e9) <= 1
            assert abs(sample.decode_time + sample.composition_offset - source.capture_ns * rate / 1e9) <= 1


def test_rounding_never_adds_up() -> None:
    builder = fmp4.FragmentBuilder(StreamFormat(VIDEO, None, 0), 0)
    end = 0
    for number in range(0, 3000, 30):
        group = [packet(number + i, b"x") for i in range(30)]
        data = builder.build(group, 1, next_video_ns=(number + 30) * STEP)
        (run,) = fmp4.scan_fragments(reader(data), 0, len(data))[0][0].runs
        assert run.decode_time == end
        end = run.end_time
    assert end == round(3000 * STEP * 90_000 / 1e9)


def test_shifting_moves_decode_times_alone() -> None:
    data = fmp4.fragment([packet(10, b"abc", key=True)], 1, 0)
    (found,), _ = fmp4.scan_fragments(reader(data), 0, len(data))
    moved = fmp4.shift_decode_times(data[: found.moof_bytes], found.runs, {1: 1 << 33})
    (run,) = fmp4.parse_fragment(moved)
    assert run.decode_time == found.runs[0].decode_time + (1 << 33)
    assert sum(a != b for a, b in zip(moved, data, strict=False)) <= 8
    low = fmp4.shift_decode_times(data[: found.moof_bytes], found.runs, {1: -(1 << 50)})
    assert fmp4.parse_fragment(low)[0].decode_time == 0


def test_scanning_stops_at_the_first_thing_that_is_not_whole() -> None:
    one = fmp4.fragment([packet(0, b"abc" * 100, key=True)], 1, 0)
    data = one + fmp4.fragment([packet(1, b"de" * 50)], 2, 0)
    for cut in range(len(one), len(data)):
        found, end = fmp4.scan_fragments(reader(data[:cut]), 0, cut)
        assert (len(found), end) == (1, len(one))


@given(st.data())
def test_damaged_bytes_raise_corrupt_or_are_read(data: st.DataObject) -> None:
    stream = StreamFormat(VIDEO, AAC, 0)
    whole = fmp4.init_segment(stream, note=b"n") + fmp4.fragment([packet(0, b"abc", key=True)], 1, 0)
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(damaged[: data.draw(st.integers(0, len(whole)))])
    try:
        info = fmp4.parse_init(reader(content), len(content))
    except EyespotError as error:
        assert error.kind is Kind.CORRUPT  # noqa: PT017 - either outcome is fine, no other error is
    else:
        _, end = fmp4.scan_fragments(reader(content), info.size, len(content))
        assert end <= max(len(content), info.size)


@given(st.binary(max_size=200))
def test_any_bytes_as_a_fragment(data: bytes) -> None:
    assert fmp4.scan_fragments(reader(data), 0, len(data)) == ([], 0)
    with pytest.raises(EyespotError):
        fmp4.parse_fragment(data)


def test_box_lengths_that_lie_are_refused() -> None:
    for size in (0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF):
        head = size.to_bytes(4, "big") + b"moof" + bytes(40)
        assert fmp4.scan_fragments(reader(head), 0, len(head)) == ([], 0)
    huge = (100).to_bytes(4, "big") + b"moof" + bytes(92)
    with pytest.raises(EyespotError):
        list(fmp4.iter_boxes(huge, 8, 90_000))


def test_no_picture_size_no_file() -> None:
    with pytest.raises(EyespotError):
        fmp4.init_segment(StreamFormat(VideoFormat("h264", 0, 480, AVCC), None, 0))
