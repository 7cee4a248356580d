"""Lanes: order, bounds, faults and an orderly end."""

import threading

import numpy as np
import pytest

from eyespot.infer.lanes import LEAST_RUNS, RECENT_S, Lanes
from eyespot.kernel.clock import from_seconds
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.fake_session import FakeSession
from eyespot.testing.sim_clock import SimClock


def _picture(value: int) -> np.ndarray:
    return np.full((2, 2, 3), value, np.uint8)


def test_results_belong_to_their_pictures() -> None:
    sessions: list[FakeSession] = []

    def make() -> FakeSession:
        sessions.append(FakeSession(lambda image: (image[0, 0].copy(),)))
        return sessions[-1]

    lanes: Lanes[int] = Lanes(make, 2, finish=lambda outputs, context: int(outputs[0][0]) + context, max_waiting=30)  # type: ignore[arg-type, return-value]
    futures = [lanes.submit(_picture(value), 1000) for value in range(20)]
    assert [future.result() for future in futures] == [1000 + value for value in range(20)]
    lanes.close()
    assert all(session.closed for session in sessions)
    assert sum(session.runs for session in sessions) == 20
    assert lanes.status() == {"lanes": 2, "waiting": 0, "submitted": 20, "refused": 0, "failed": 0, "batches": 0}
    with pytest.raises(EyespotError):
        lanes.submit(_picture(0))


def test_refuses_and_counts_what_it_cannot_hold() -> None:
    gate = threading.Event()

    def wait(image: np.ndarray) -> tuple[np.ndarray, ...]:
        gate.wait()
        return (image,)

    lanes: Lanes[object] = Lanes(lambda: FakeSession(wait), 1, max_waiting=2)  # type: ignore[arg-type, return-value]
    accepted = []
    refused = 0
    for _ in range(20):
        try:
            accepted.append(lanes.submit(_picture(1)))
        except EyespotError as error:
            refused += error.kind is Kind.EXHAUSTED
    assert 3 <= len(accepted) <= 4
    assert lanes.stats.refused == refused == 20 - len(accepted)
    gate.set()
    for future in accepted:
        assert future.result()[0].shape == (2, 2, 3)  # type: ignore[index]
    lanes.close()


class HandClock(SimClock):
    """Stands until the test turns it."""

    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns


def test_the_highest_priority_goes_first_and_equals_in_order() -> None:
    gate, order = threading.Event(), list[int]()

    def note(image: np.ndarray) -> tuple[np.ndarray, ...]:
        gate.wait()
        order.append(int(image[0, 0, 0]))
        return (image,)

    lanes: Lanes[object] = Lanes(lambda: FakeSession(note), 1, max_waiting=9)  # type: ignore[arg-type, return-value]
    futures = [lanes.submit(_picture(0), priority=9)]
    while lanes.waiting:
        threading.Event().wait(0.001)
    futures += [lanes.submit(_picture(value), priority=rank) for value, rank in ((1, 0), (2, -3), (3, 5), (4, 0))]
    gate.set()
    lanes.close()
    assert all(future.done() for future in futures)
    assert order == [0, 3, 1, 4, 2]


def test_what_a_run_costs_is_known_after_a_few() -> None:
    clock = HandClock()

    def slow(image: np.ndarray) -> tuple[np.ndarray, ...]:
        clock.now_ns += 40_000_000
        return (image,)

    lanes: Lanes[object] = Lanes(lambda: FakeSession(slow), 1, clock=clock)  # type: ignore[arg-type, return-value]
    for _ in range(LEAST_RUNS):
        assert lanes.cost_ms is None
        lanes.submit(_picture(1)).result()
    assert lanes.cost_ms == pytest.approx(40)
    clock.now_ns += from_seconds(RECENT_S + 1)
    assert lanes.cost_ms is None, "too long ago"
    lanes.close()


def test_a_failed_run_fails_its_future_alone() -> None:
    def read(image: np.ndarray) -> tuple[np.ndarray, ...]:
        if image[0, 0, 0] == 1:
            raise ValueError("bad picture")
        return (image,)

    lanes: Lanes[object] = Lanes(lambda: FakeSession(read), 1)  # type: ignore[arg-type, return-value]
    bad, good = lanes.submit(_picture(1)), lanes.submit(_picture(2))
    with pytest.raises(ValueError, match="bad picture"):
        bad.result()
    assert good.result()[0][0, 0, 0] == 2  # type: ignore[index]
    assert lanes.stats.failed == 1
    lanes.close()


def test_a_session_that_does_not_open_fails_the_future() -> None:
    def make() -> FakeSession:
        raise EyespotError(Kind.INVALID, "no model")

    lanes: Lanes[object] = Lanes(make, 1)  # type: ignore[arg-type]
    with pytest.raises(EyespotError, match="no model"):
        lanes.submit(_picture(0)).result()
    lanes.close()


def test_a_runtime_that_exits_fails_its_future_and_the_lane_lives_on() -> None:
    def read(image: np.ndarray) -> tuple[np.ndarray, ...]:
        if image[0, 0, 0] == 1:
            raise SystemExit(3)
        return (image,)

    lanes: Lanes[object] = Lanes(lambda: FakeSession(read), 1)  # type: ignore[arg-type, return-value]
    broken, fine = lanes.submit(_picture(1)), lanes.submit(_picture(2))
    assert isinstance(broken.exception(), SystemExit)
    assert fine.result() is not None
    lanes.close()
