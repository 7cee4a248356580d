"""Depacketizers under loss, odd senders and hostile bytes."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.hal.sensors.bitstream import split_lengths
from eyespot.hal.sensors.rtsp import rtp, sdp
from eyespot.hal.sensors.rtsp.access_units import AccessUnit, AccessUnits
from eyespot.hal.sensors.rtsp.depacketize_aac import AacFrames
from eyespot.hal.sensors.rtsp.depacketize_h264 import H264AccessUnits
from eyespot.hal.sensors.rtsp.depacketize_h265 import H265AccessUnits
from eyespot.testing.rtsp_clip import ClipTrack, load

MakeClip = Callable[..., Path]


def units_of(codec: str, track: ClipTrack) -> AccessUnits:
    text = "\r\n".join([*track.description, "a=control:t"]).encode()
    sets = sdp.parameter_sets(sdp.parse(text, "rtsp://x/").tracks[0])
    return (H264AccessUnits if codec == "h264" else H265AccessUnits)(96, sets)


def packets_of(track: ClipTrack) -> list[bytes]:
    """RTP packets without their interleaved headers."""
    found: list[bytes] = []
    for frame in track.frames:
        data = frame.stamped(0, len(found) & 0xFFFF, frame.timestamp)
        ends = [*frame.places[1:].tolist(), len(data)]
        found += [data[start + 4 : end] for start, end in zip(frame.places.tolist(), ends, strict=True)]
    return found


def feed(units: AccessUnits, packets: list[bytes]) -> list[AccessUnit]:
    """Feed packets as they lie in a read: interleaved, so that the hot loop runs as well."""
    data = b"".join(b"$\x00" + len(packet).to_bytes(2, "big") + packet for packet in packets)
    view = memoryview(data)
    at = 0
    while at < len(data):
        at = units.feed(view, at + 4, at + 4 + int.from_bytes(data[at + 2 : at + 4], "big"), len(data))
    return units.ready


@pytest.fixture(params=["h264", "h265"])
def codec(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_hot_loop_and_the_plain_way_agree(make_clip: MakeClip, codec: str) -> None:
    track = load(make_clip(codec, 176, 144)).tracks[0]
    packets = packets_of(track)
    fast, plain = units_of(codec, track), units_of(codec, track)
    feed(fast, packets)
    for packet in packets:
        feed(plain, [packet])
    assert len(fast.ready) == len(track.frames)
    assert fast.ready == plain.ready
    assert fast.sequence.received == plain.sequence.received == len(packets)
    assert not any(vars_of(fast).values())


def vars_of(units: AccessUnits) -> dict[str, int]:
    return {name: getattr(units.counters, name) for name in units.counters.__slots__}


def test_any_lost_packet_costs_exactly_its_picture(make_clip: MakeClip, codec: str) -> None:
    """Whichever packet of a picture between key frames is lost: every other picture comes out whole."""
    track = load(make_clip(codec, 176, 144)).tracks[0]
    packets = packets_of(track)
    whole = feed(units_of(codec, track), packets)
    counts = [len(frame.places) for frame in track.frames]
    start = sum(counts[:12])
    for lost in range(start, start + counts[12]):
        units = units_of(codec, track)
        found = feed(units, packets[:lost] + packets[lost + 1 :])
        assert found == whole[:12] + whole[13:]
        assert units.counters.damaged_units == 1
        assert units.sequence.lost == 1


def test_a_damaged_key_frame_takes_its_group_along(make_clip: MakeClip, codec: str) -> None:
    track = load(make_clip(codec, 176, 144, frames=30)).tracks[0]
    packets = packets_of(track)
    whole = feed(units_of(codec, track), packets)
    counts = [len(frame.places) for frame in track.frames]
    start, count = sum(counts[:10]), counts[10]
    for lost in range(start + count - 12, start + count):
        units = units_of(codec, track)
        assert feed(units, packets[:lost] + packets[lost + 1 :]) == whole[:10] + whole[20:]
        assert units.counters.skipped_units == 9


def test_a_sender_without_markers_is_understood(make_clip: MakeClip, codec: str) -> None:
    track = load(make_clip(codec, 176, 144)).tracks[0]
    packets = packets_of(track)
    whole = list(feed(units_of(codec, track), packets))
    unmarked = [packet[:1] + bytes((packet[1] & 0x7F,)) + packet[2:] for packet in packets]
    assert feed(units_of(codec, track), unmarked) == whole[:-1]


def test_a_sender_that_marks_every_packet_is_found_out(make_clip: MakeClip) -> None:
    track = load(make_clip("h264")).tracks[0]
    packets = packets_of(track)
    whole = list(feed(units_of("h264", track), packets))
    units = units_of("h264", track)
    marked = [packet[:1] + bytes((packet[1] | 0x80,)) + packet[2:] for packet in packets]
    found = feed(units, marked)
    assert units.counters.split_units <= 1
    assert found[-5:] == whole[-6:-1]


def test_headers_with_extension_contributors_and_padding(make_clip: MakeClip, codec: str) -> None:
    track = load(make_clip(codec, 176, 144)).tracks[0]
    packets = packets_of(track)
    whole = list(feed(units_of(codec, track), packets))
    extra = b"\x11\x11\x11\x11" + b"\xbe\xde\x00\x01\xaa\xaa\xaa\xaa"
    odd = [bytes((0xB1,)) + packet[1:12] + extra + packet[12:] + b"\x00\x00\x03" for packet in packets]
    assert feed(units_of(codec, track), odd) == whole


def test_units_hold_pictures_only(make_clip: MakeClip) -> None:
    track = load(make_clip("h264")).tracks[0]
    for unit in feed(units_of("h264", track), packets_of(track)):
        assert {nal[0] & 31 for nal in split_lengths(unit.data)} <= {1, 5, 6}


@pytest.mark.parametrize("seed", range(8))
def test_mangled_streams_never_raise(make_clip: MakeClip, codec: str, seed: int) -> None:
    chance = random.Random(seed)
    track = load(make_clip(codec, 176, 144)).tracks[0]
    packets = packets_of(track)
    for _ in range(len(packets) // 10):
        at = chance.randrange(len(packets))
        broken = bytearray(packets[at])
        match chance.randrange(4):
            case 0:
                broken[chance.randrange(min(20, len(broken)))] = chance.randrange(256)
            case 1:
                del broken[chance.randrange(len(broken)) :]
            case 2:
                packets[at], packets[at - 1] = packets[at - 1], packets[at]
                continue
            case _:
                broken = bytearray(chance.randbytes(chance.randrange(40)))
        packets[at] = bytes(broken)
    units = units_of(codec, track)
    found = feed(units, packets)
    assert sum(vars_of(units).values()) + units.sequence.lost > 0
    for unit in found:
        assert split_lengths(unit.data)


@given(st.lists(st.binary(max_size=80), max_size=12))
def test_hostile_payloads_never_raise(payloads: list[bytes]) -> None:
    for units in (H264AccessUnits(96, []), H265AccessUnits(96, [])):
        for number, payload in enumerate(payloads):
            feed(units, [b"\x80\x60" + number.to_bytes(2, "big") + b"\x00" * 8 + payload])
        assert units.ready == []
    sound = AacFrames(97)
    for number, payload in enumerate(payloads):
        packet = b"\x80\x61" + number.to_bytes(2, "big") + b"\x00" * 8 + payload
        sound.feed(memoryview(packet), 0, len(packet), len(packet))
    assert all(len(frame) <= 80 * 12 for _, frame in sound.ready)


@given(st.binary(max_size=120))
def test_hostile_reports_never_raise(data: bytes) -> None:
    for head in (b"", b"\x80\xc8\x00\x06", b"\x81\xcb\x00\x01"):
        view = memoryview(head + data)
        report = rtp.read_sender_report(view, 0, len(view))
        assert report is None or 0 <= report.timestamp < 1 << 32
        assert rtp.is_bye(view, 0, len(view)) in (True, False)


def test_a_receiver_report_is_well_formed() -> None:
    data = rtp.receiver_report(1, 2, 70_000, 3, (4, 5))
    assert data[:4] == b"\x81\xc9\x00\x07"
    assert int.from_bytes(data[8:12], "big") == 2
    assert data[12:16] == b"\x00\x00\x00\x03"
    assert int.from_bytes(data[16:20], "big") == 70_000
    assert data[32:36] == b"\x81\xca\x00\x03"
    assert len(data) == 48
