"""Every reader sees the same stream at its own pace, and what is lost is whole GOPs, counted."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.contracts.packet import Packet, StreamFormat, Unit, VideoFormat
from eyespot.kernel.errors import EyespotError
from eyespot.media import hub as hub_module
from eyespot.media.hub import Hub, Reader

FORMAT = StreamFormat(VideoFormat("h264", 64, 48, b"\x01"), None, 0)
OTHER = StreamFormat(VideoFormat("h264", 32, 24, b"\x01"), None, 0)


def packet(number: int, *, key: bool = False, size: int = 1000, track: str = "video") -> Packet:
    return Packet("video" if track == "video" else "audio", number, number, 0, key or track == "audio", bytes(size))


def drained(reader: Reader) -> list[Unit]:
    units: list[Unit] = []
    while reader.stats()["queued"]:
        units += reader.take(1)
    return units


def numbers(units: list[Unit]) -> list[int]:
    return [unit.capture_ns for unit in units if isinstance(unit, Packet)]


async def test_packets_are_shared_not_copied() -> None:
    hub = Hub("h")
    one, two = hub.reader("one", max_bytes=1 << 20), hub.reader("two", max_bytes=1 << 20)
    sent = packet(1, key=True)
    hub.publish(FORMAT)
    hub.publish(sent)
    assert drained(one)[1] is drained(two)[1] is sent


async def test_a_joiner_gets_the_format_and_the_packets_since_the_key_frame() -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    for number in range(25):
        hub.publish(packet(number, key=number % 10 == 0))
    units = drained(hub.reader("late", max_bytes=1 << 20))
    assert units[0] is FORMAT
    assert numbers(units) == [20, 21, 22, 23, 24]


async def test_a_joiner_may_start_at_the_next_key_frame() -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    hub.publish(packet(0, key=True))
    reader = hub.reader("live", max_bytes=1 << 20, from_key=False)
    for number in range(1, 5):
        hub.publish(packet(number, key=number == 3))
    assert numbers(drained(reader)) == [3, 4]


async def test_a_long_gop_is_not_cached() -> None:
    hub = Hub("h", gop_cache_bytes=5000)
    hub.publish(FORMAT)
    for number in range(10):
        hub.publish(packet(number, key=number == 0))
    assert hub.status()["gop_bytes"] == 0
    reader = hub.reader("late", max_bytes=1 << 20)
    hub.publish(packet(10))
    hub.publish(packet(11, key=True))
    assert numbers(drained(reader)) == [11]


async def test_a_slow_reader_loses_its_oldest_whole_gops() -> None:
    hub = Hub("h")
    slow, quick = hub.reader("slow", max_bytes=15_000), hub.reader("quick", max_bytes=1 << 20)
    hub.publish(FORMAT)
    for number in range(30):
        hub.publish(packet(number, key=number % 5 == 0))
    units = drained(slow)
    assert units[0] is FORMAT
    assert numbers(units) == list(range(20, 30))
    assert slow.stats()["dropped"] == 20
    assert slow.stats()["overflows"] > 0
    assert numbers(drained(quick)) == list(range(30))


async def test_a_gop_beyond_the_bound_is_lost_up_to_the_next_key_frame() -> None:
    hub = Hub("h")
    reader = hub.reader("small", max_bytes=3000)
    hub.publish(FORMAT)
    for number in range(12):
        hub.publish(packet(number, key=number in (0, 10)))
    assert numbers(drained(reader)) == [10, 11]
    assert reader.stats()["dropped"] == 10


async def test_the_newest_format_survives_an_overflow() -> None:
    hub = Hub("h")
    reader = hub.reader("small", max_bytes=4000)
    hub.publish(FORMAT)
    hub.publish(packet(0, key=True))
    hub.publish(OTHER)
    for number in range(1, 12):
        hub.publish(packet(number, key=number in (1, 10)))
    units = drained(reader)
    assert [unit for unit in units if isinstance(unit, StreamFormat)][-1] is OTHER
    assert numbers(units) == [10, 11]


async def test_after_a_new_format_nothing_flows_before_a_key_frame() -> None:
    hub = Hub("h")
    reader = hub.reader("r", max_bytes=1 << 20)
    hub.publish(FORMAT)
    hub.publish(packet(0, key=True))
    hub.publish(OTHER)
    hub.publish(packet(1))
    hub.publish(packet(2, key=True))
    assert numbers(drained(reader)) == [0, 2]


async def test_audio_waits_for_a_picture_and_starts_no_gop() -> None:
    hub = Hub("h")
    reader = hub.reader("r", max_bytes=1 << 20)
    hub.publish(FORMAT)
    hub.publish(packet(0, track="audio"))
    hub.publish(packet(1, key=True))
    hub.publish(packet(2, track="audio"))
    assert numbers(drained(reader)) == [1, 2]
    assert numbers(drained(hub.reader("late", max_bytes=1 << 20))) == [1, 2]


async def test_a_lossless_reader_makes_the_publisher_wait() -> None:
    hub = Hub("h")
    reader = hub.reader("record", max_bytes=5000, lossless=True)
    hub.publish(FORMAT)

    async def publish_all() -> None:
        for number in range(100):
            await hub.publish_wait(packet(number, key=number % 50 == 0))
        hub.close()

    task = asyncio.create_task(publish_all())
    got = [unit async for unit in reader]
    await task
    assert numbers(got) == list(range(100))
    assert reader.stats()["dropped"] == 0


async def test_a_lossless_reader_that_leaves_lets_the_publisher_go_on() -> None:
    hub = Hub("h")
    reader = hub.reader("record", max_bytes=1000, lossless=True)
    await hub.publish_wait(FORMAT)
    await hub.publish_wait(packet(0, key=True))
    waiting = asyncio.create_task(hub.publish_wait(packet(1)))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert hub.is_waiting
    reader.close()
    await waiting
    assert not hub.is_waiting


async def test_closing_ends_an_iteration_that_waits() -> None:
    hub = Hub("h")
    reader = hub.reader("r", max_bytes=1 << 20)

    async def read() -> list[Unit]:
        return [unit async for unit in reader]

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    reader.close()
    assert await task == []
    assert hub.status()["readers"] == {}


async def test_readers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "MAX_READERS", 2)
    hub = Hub("h")
    first = hub.reader("1", max_bytes=1000)
    hub.reader("2", max_bytes=1000)
    with pytest.raises(EyespotError, match="already has 2 readers"):
        hub.reader("3", max_bytes=1000)
    first.close()
    assert hub.reader("3", max_bytes=1000).name == "3"


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 3000), st.booleans()), max_size=80),
    st.integers(500, 8000),
)
def test_whatever_happens_the_bound_holds_and_what_is_left_can_be_decoded(
    steps: list[tuple[bool, int, bool]], max_bytes: int
) -> None:
    async def play() -> None:
        hub = Hub("h")
        reader = hub.reader("r", max_bytes=max_bytes)
        hub.publish(FORMAT)
        got: list[Unit] = []
        for number, (key, size, take) in enumerate(steps):
            hub.publish(packet(number, key=key, size=size))
            assert reader.stats()["queued_bytes"] <= max_bytes
            if take:
                got += reader.take(1)
        got += drained(reader)
        assert reader.stats()["queued_bytes"] == 0
        seen = numbers(got)
        assert seen == sorted(set(seen))
        for before, after in zip([-1, *seen], seen, strict=False):
            assert after == before + 1 or steps[after][0]
        assert len(seen) + reader.stats()["dropped"] == len(steps)

    asyncio.run(play())
