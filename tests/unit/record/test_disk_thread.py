"""One bounded queue for all disk work."""

import logging
import threading

import pytest

from eyespot.record.disk_thread import DiskThread


def test_jobs_are_done_in_order() -> None:
    disk = DiskThread()
    done: list[int] = []
    for number in range(100):
        assert disk.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    disk.close()
    assert done == list(range(100))
    assert not disk.submit(lambda: None)


def test_a_full_queue_refuses_and_counts() -> None:
    disk = DiskThread(max_jobs=3, max_bytes=100)
    gate = threading.Event()
    assert disk.submit(gate.wait, 60)
    assert not disk.submit(lambda: None, 60)
    assert disk.submit(lambda: None, 40)
    assert disk.submit(lambda: None)
    assert not disk.submit(lambda: None)
    assert disk.status()["refused"] == 2
    gate.set()
    assert disk.drain()
    assert disk.status()["bytes"] == 0
    assert disk.status()["peak_bytes"] == 100
    disk.close()


def test_one_job_larger_than_the_bound_is_taken_alone() -> None:
    disk = DiskThread(max_bytes=10)
    assert disk.submit(lambda: None, 1000)
    disk.close()


def test_a_job_that_fails_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    disk = DiskThread()

    def fail() -> None:
        raise RuntimeError("on purpose")

    with caplog.at_level(logging.ERROR):
        disk.submit(fail)
        assert disk.drain()
    assert disk.status()["failed"] == 1
    assert "on purpose" in caplog.text
    disk.close()
