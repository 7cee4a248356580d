"""Services stop together; queues are bounded and say what they lost."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.kernel.errors import Kind, unavailable
from eyespot.kernel.log import mask_credentials, setup_logging
from eyespot.kernel.queues import DroppingQueue
from eyespot.kernel.service import run_services


class Worker:
    def __init__(self, name: str, error: Exception | None = None) -> None:
        self.name = name
        self.stopped = False
        self._error = error

    async def run(self, stop: asyncio.Event) -> None:
        if self._error is not None:
            raise self._error
        await stop.wait()
        self.stopped = True

    def status(self) -> dict[str, Any]:
        return {}


async def test_a_failing_service_stops_the_others_and_is_raised() -> None:
    good, bad = Worker("good"), Worker("bad", unavailable("it is gone."))
    with pytest.raises(ExceptionGroup) as error:
        await run_services([good, bad], asyncio.Event())
    assert error.group_contains(type(unavailable("")), match="it is gone")
    assert good.stopped


async def test_services_end_when_told() -> None:
    stop = asyncio.Event()
    workers = [Worker("a"), Worker("b")]
    task = asyncio.create_task(run_services(workers, stop))
    await asyncio.sleep(0)
    stop.set()
    await task
    assert all(worker.stopped for worker in workers)


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 10), st.integers(1, 100))
def test_a_queue_stays_in_its_bounds_and_counts(sizes: list[int], max_items: int, max_bytes: int) -> None:
    queue: DroppingQueue[int] = DroppingQueue(max_items, max_bytes=max_bytes, size_of=lambda size: size)
    for size in sizes:
        queue.put(size)
        assert 0 < len(queue) <= max_items
    assert queue.stats.accepted == len(sizes)
    assert queue.stats.dropped + len(queue) == len(sizes)


async def test_a_queue_hands_out_the_oldest_and_waits() -> None:
    queue: DroppingQueue[str] = DroppingQueue(2)
    assert [queue.put(item) for item in "abc"] == [0, 0, 1]
    assert [await queue.get(), await queue.get()] == ["b", "c"]
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("d")
    assert await waiting == "d"
    queue.put("e")
    assert queue.clear() == 1
    assert len(queue) == 0


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("rtsp://user:pa55@host/x", "rtsp://***@host/x"),
        ("open RTSP://u:p@h:554/a and http://v:q@i/b", "open RTSP://***@h:554/a and http://***@i/b"),
        ("rtsp://user:p@55@host/x", "rtsp://***@host/x"),
        ("mail to a@b", "mail to a@b"),
        ("rtsp://host/x@y", "rtsp://host/x@y"),
    ],
)
def test_credentials_in_addresses_are_masked(text: str, masked: str) -> None:
    assert mask_credentials(text) == masked


def test_the_log_masks_too(capsys: pytest.CaptureFixture[str]) -> None:
    import logging

    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        setup_logging("media")
        logging.getLogger("x").warning("cannot open %s", "rtsp://user:pa55@host/x")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    shown = capsys.readouterr().err
    assert "media" in shown
    assert "pa55" not in shown


def test_every_kind_of_error_has_a_way_out() -> None:
    assert {kind.value.http_status for kind in Kind} <= set(range(400, 600))
    assert all(0 < kind.value.exit_code < 128 for kind in Kind)
    error = unavailable("The disk is gone.", "Plug it in.")
    assert str(error) == "The disk is gone. Plug it in."
    assert error.kind.value.retryable
