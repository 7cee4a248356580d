"""The seconds before an event."""

from record_rig import FPS, MONO_NS, encode, with_audio

from eyespot.contracts.packet import Packet
from eyespot.kernel.clock import NS_PER_S
from eyespot.record.preroll import PrerollRing

PACKETS = [unit for unit in encode(10) if isinstance(unit, Packet)]


def test_it_begins_with_a_key_frame_and_is_long_enough() -> None:
    ring = PrerollRing(3 * NS_PER_S, 1 << 30)
    for packet in PACKETS[: 9 * FPS + 5]:
        ring.push(packet)
    kept = ring.drain()
    assert kept[0].is_key
    assert kept[0].decode_ns == MONO_NS + 6 * NS_PER_S
    assert kept[-1] is PACKETS[9 * FPS + 4]
    assert ring.drain() == []
    assert ring.size_bytes == 0


def test_bytes_are_bounded_by_whole_groups() -> None:
    group = sum(len(packet.data) for packet in PACKETS[:FPS])
    ring = PrerollRing(60 * NS_PER_S, 3 * group)
    for packet in PACKETS:
        ring.push(packet)
        assert ring.size_bytes <= 3 * group
    assert ring.overflows > 0
    assert ring.drain()[0].is_key


def test_a_group_that_is_too_large_alone_waits_for_the_next_key_frame() -> None:
    largest = max(len(PACKETS[0].data), len(PACKETS[FPS].data))
    ring = PrerollRing(60 * NS_PER_S, largest + 10)
    for packet in PACKETS[:FPS]:
        ring.push(packet)
    assert ring.size_bytes == 0
    assert ring.overflows == 1
    ring.push(PACKETS[FPS])
    assert ring.drain() == [PACKETS[FPS]]


def test_sound_goes_with_its_group() -> None:
    units = [unit for unit in with_audio(encode(6)) if isinstance(unit, Packet)]
    ring = PrerollRing(2 * NS_PER_S, 1 << 30)
    for unit in units:
        ring.push(unit)
    kept = ring.drain()
    assert kept[0].track == "video"
    assert kept[0].is_key
    assert {packet.track for packet in kept} == {"video", "audio"}
