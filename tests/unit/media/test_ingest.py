"""A stream comes back by itself, at the right pace, with sound timestamps."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from eyespot.contracts.packet import Packet, StreamFormat, Unit, VideoFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, invalid, unavailable
from eyespot.media.hub import Hub
from eyespot.media.ingest import Ingest
from eyespot.testing.sim_clock import SimClock, settle

FORMAT = StreamFormat(VideoFormat("h264", 64, 48, b"\x01"), None, 0)
Script = Callable[[SimClock], AsyncGenerator[Unit, None]]


class ScriptedSensor:
    name = "scripted"

    def __init__(self, script: Script, clock: SimClock) -> None:
        self._script, self._clock = script, clock

    def units(self) -> AsyncGenerator[Unit, None]:
        return self._script(self._clock)

    def counters(self) -> dict[str, Any]:
        return {"corrupt": 3}


def packet(capture_ns: int, data: bytes = b"\0\0\0\x01\x65") -> Packet:
    return Packet("video", capture_ns, capture_ns, 0, True, data)


def harness(scripts: list[Script], **options: Any) -> tuple[Ingest, Hub, SimClock, list[str], list[int]]:
    """An ingest whose attempts play ``scripts`` in turn (the last one again and again)."""
    clock, states, opened = SimClock(), list[str](), list[int]()
    hub = Hub("cam/main")

    def open_sensor() -> ScriptedSensor:
        script = scripts[min(len(opened), len(scripts) - 1)]
        opened.append(clock.monotonic_ns())
        return ScriptedSensor(script, clock)

    ingest = Ingest(
        "cam", "main", open_sensor, hub, clock,
        uniform=lambda: 1.0, on_state=lambda state, _: states.append(state), **options,
    )  # fmt: skip
    return ingest, hub, clock, states, opened


async def refused(clock: SimClock) -> AsyncGenerator[Unit, None]:
    raise unavailable("cam refused the connection.")
    yield FORMAT


async def hopeless(clock: SimClock) -> AsyncGenerator[Unit, None]:
    raise invalid("cam has no video.")
    yield FORMAT


async def endless(clock: SimClock) -> AsyncGenerator[Unit, None]:
    yield FORMAT
    while True:
        yield packet(clock.monotonic_ns())
        await clock.sleep(1)


async def silent(clock: SimClock) -> AsyncGenerator[Unit, None]:
    yield FORMAT
    yield packet(clock.monotonic_ns())
    await clock.sleep(100_000)


async def two_packets(clock: SimClock) -> AsyncGenerator[Unit, None]:
    yield FORMAT
    yield packet(clock.monotonic_ns())
    yield packet(clock.monotonic_ns() + 40_000_000)


async def test_back_off_doubles_up_to_a_minute() -> None:
    ingest, _, clock, _, opened = harness([refused])
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await clock.advance(600)
    pauses = [(b - a) / NS_PER_S for a, b in itertools.pairwise(opened)]
    assert pauses[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert ingest.state == "backoff"
    assert ingest.status()["reconnects"] == len(opened) - 1
    assert "refused" in ingest.status()["error"]
    stop.set()
    await task


async def test_it_comes_back_when_the_camera_does() -> None:
    ingest, hub, clock, states, _ = harness([refused, refused, endless])
    reader = hub.reader("r", max_bytes=1 << 20)
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await clock.advance(10)
    assert states == ["backoff", "connecting", "backoff", "connecting", "live"]
    assert ingest.status()["error"] is None
    assert isinstance(await anext(reader), StreamFormat)
    assert isinstance(await anext(reader), Packet)
    stop.set()
    await task


async def test_a_silent_camera_stalls_and_is_opened_again() -> None:
    ingest, _, clock, states, opened = harness([silent, endless], stall_s=10)
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await clock.advance(6)
    assert states == ["live", "stalled"]
    await clock.advance(6)
    assert len(opened) == 2
    assert states == ["live", "stalled", "backoff", "connecting", "live"]
    stop.set()
    await task


async def test_what_can_never_work_is_tried_once_a_minute() -> None:
    ingest, _, clock, _, opened = harness([hopeless])
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await clock.advance(179)
    assert len(opened) == 3
    assert ingest.state == "failed"
    stop.set()
    await task


async def test_a_source_that_may_end_closes_its_hub() -> None:
    ingest, hub, _, states, _ = harness([two_packets], once=True)
    reader = hub.reader("r", max_bytes=1 << 20)
    await ingest.run(asyncio.Event())
    assert states == ["live", "ended"]
    assert len([unit async for unit in reader]) == 3


async def test_a_bug_in_a_sensor_is_a_failed_attempt_like_any_other(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(clock: SimClock) -> AsyncGenerator[Unit, None]:
        raise ZeroDivisionError
        yield FORMAT

    ingest, _, clock, _, _ = harness([broken, endless])
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await clock.advance(2)
    assert ingest.state == "live"
    assert "ZeroDivisionError" in caplog.text
    stop.set()
    await task


async def test_a_lossless_reader_that_waits_is_no_stall() -> None:
    ingest, hub, clock, states, opened = harness([endless], stall_s=2)
    hub.reader("slow", max_bytes=200, lossless=True)
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await clock.advance(60)
    assert hub.is_waiting
    assert len(opened) == 1
    assert states == ["live"]
    stop.set()
    await task


async def picture_and_sound(clock: SimClock) -> AsyncGenerator[Unit, None]:
    yield FORMAT
    yield packet(clock.monotonic_ns())
    yield Packet("audio", clock.monotonic_ns(), clock.monotonic_ns(), 0, True, b"sound")


async def test_sound_counts_as_packets_and_not_as_frames() -> None:
    ingest, _, _, _, _ = harness([picture_and_sound], once=True)
    await ingest.run(asyncio.Event())
    assert (ingest.status()["packets"], ingest.status()["frames"]) == (2, 1)


async def test_status_speaks_of_the_picture_and_the_sensor() -> None:
    ingest, _, _, _, _ = harness([endless])
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await settle()
    status = ingest.status()
    assert (status["codec"], status["width_px"], status["packets"], status["bytes"]) == ("h264", 64, 1, 5)
    assert status["sensor"] == {"corrupt": 3}
    stop.set()
    await task


async def test_an_error_reaches_the_state_callback() -> None:
    heard: list[tuple[str, EyespotError | None]] = []
    clock = SimClock()
    ingest = Ingest(
        "cam",
        "main",
        lambda: ScriptedSensor(refused, clock),
        Hub("h"),
        clock,
        on_state=lambda s, e: heard.append((s, e)),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(ingest.run(stop))
    await settle()
    assert heard[0][0] == "backoff"
    assert heard[0][1] is not None
    assert "refused" in heard[0][1].what
    stop.set()
    await task
