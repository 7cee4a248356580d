"""The fair queue alone, in simulated time: shares, bounds, priority, deadlines."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.infer.share.fair_queue import FairQueue, Terms
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.sim_clock import SimClock

MS = 1_000_000


async def _saturate(queue: FairQueue[int], clients: dict[str, int], seconds: float) -> dict[str, int]:
    """Serve clients that always have two requests waiting; ``clients``: run time of each. Run time had by each."""
    clock = SimClock()
    until_ns = clock.monotonic_ns() + int(seconds * 1e9)
    for name in clients:
        for _ in range(2):
            queue.submit(name, 0, clock.monotonic_ns())
    had = dict.fromkeys(clients, 0)
    while clock.monotonic_ns() < until_ns:
        request = queue.next(clock.monotonic_ns()).run
        assert request is not None
        run_ns = clients[request.client]
        await clock.advance(run_ns / 1e9)
        queue.finish(request, run_ns)
        had[request.client] += run_ns
        queue.submit(request.client, 0, clock.monotonic_ns())
    return had


async def test_two_clients_under_load_get_three_to_one() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("camera", Terms(0.75))
    queue.join("guest", Terms(0.25))
    had = await _saturate(queue, {"camera": 10 * MS, "guest": 10 * MS}, 4)
    assert had["camera"] / had["guest"] == pytest.approx(3, rel=0.02)


async def test_shares_are_of_run_time_not_of_requests() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("camera", Terms(0.75))
    queue.join("heavy", Terms(0.25))
    had = await _saturate(queue, {"camera": 4 * MS, "heavy": 60 * MS}, 12)
    assert had["camera"] / had["heavy"] == pytest.approx(3, rel=0.05)


async def test_priority_does_not_buy_share() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("camera", Terms(0.75))
    queue.join("urgent", Terms(0.25, priority=10))
    had = await _saturate(queue, {"camera": 10 * MS, "urgent": 10 * MS}, 20)
    assert had["camera"] / had["urgent"] == pytest.approx(3, rel=0.05)


def test_priority_buys_promptness() -> None:
    queue: FairQueue[str] = FairQueue(burst_ns=50 * MS)
    queue.join("many", Terms(0.5))
    queue.join("urgent", Terms(0.5, priority=1))
    for _ in range(4):
        queue.submit("many", "m", 0)
        queue.submit("urgent", "u", 0)
    order = []
    while (request := queue.next(0).run) is not None:
        order.append(request.job)
        queue.finish(request, 10 * MS)
    assert order == ["u"] * 4 + ["m"] * 4


def test_what_one_leaves_the_others_use_and_idling_saves_nothing_up() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("busy", Terms(0.25))
    queue.join("idle", Terms(0.75))
    for _ in range(100):
        queue.submit("busy", 0, 0)
        request = queue.next(0).run
        assert request is not None
        assert request.client == "busy"
        queue.finish(request, 10 * MS)
    served = []
    for _ in range(8):
        queue.submit("busy", 0, 0)
        queue.submit("idle", 0, 0)
    for _ in range(8):
        request = queue.next(0).run
        assert request is not None
        queue.finish(request, 10 * MS)
        served.append(request.client)
    assert 1 <= served.count("busy") <= 3


def test_late_work_is_dropped_and_counted() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.join("camera", Terms(0.5))
    queue.submit("camera", "old", 0, deadline_ns=5 * MS)
    queue.submit("camera", "new", 0, deadline_ns=50 * MS)
    queue.submit("camera", "patient", 0)
    turn = queue.next(10 * MS)
    assert [item.job for item in turn.late] == ["old"]
    assert turn.run is not None
    assert turn.run.job == "new"
    assert queue.stats("camera").late == 1
    assert queue.stats("camera").worst_wait_ns == 10 * MS


def test_every_queue_is_bounded() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("guest", Terms(0.5, max_waiting=2))
    for _ in range(2):
        queue.submit("guest", 0, 0)
    with pytest.raises(EyespotError) as caught:
        queue.submit("guest", 0, 0)
    assert caught.value.kind is Kind.EXHAUSTED
    assert queue.stats("guest").refused == 1
    assert queue.waiting == 2


def test_more_than_the_whole_is_not_promised() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("a", Terms(0.7))
    with pytest.raises(EyespotError, match="30% is left"):
        queue.join("b", Terms(0.4))
    with pytest.raises(EyespotError, match="already"):
        queue.join("a", Terms(0.1))
    queue.join("b", Terms(0.3))
    queue.submit("a", 1, 0)
    assert [request.job for request in queue.leave("a")] == [1]
    assert queue.unreserved == pytest.approx(0.7)
    with pytest.raises(EyespotError) as caught:
        queue.submit("a", 1, 0)
    assert caught.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize("terms", [{"share": 0}, {"share": 1.1}, {"share": 0.5, "priority": 101},
                                   {"share": 0.5, "max_waiting": 0}])  # fmt: skip
def test_impossible_terms_are_refused(terms: dict[str, float]) -> None:
    with pytest.raises(EyespotError, match="impossible"):
        Terms(**terms)  # type: ignore[arg-type]


def test_a_withdrawn_request_frees_its_place() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.join("guest", Terms(0.5, max_waiting=1))
    request = queue.submit("guest", 1, 0)
    assert queue.withdraw(request)
    assert not queue.withdraw(request)
    queue.submit("guest", 2, 0)
    assert queue.stats("guest").withdrawn == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 3), st.floats(0.1, 0.9))
def test_no_client_at_work_falls_behind_its_share(seed: int, lanes: int, share: float) -> None:
    """Runs of random length on several lanes: a client that always waits lacks a few runs' time at most."""
    chance = random.Random(seed)
    queue: FairQueue[int] = FairQueue()
    queue.join("watched", Terms(share))
    queue.join("other", Terms(1 - share))
    now_ns, running = 0, []
    for _ in range(300):
        for name in ("watched", "other"):
            while queue.status()[name]["waiting"] < lanes + 1:
                queue.submit(name, 0, now_ns)
        while len(running) < lanes:
            request = queue.next(now_ns).run
            assert request is not None
            length_ns = chance.randint(1, 20) * MS
            running.append((now_ns + length_ns, len(running), length_ns, request))
        running.sort(key=lambda item: item[:2])
        now_ns, _, length_ns, request = running.pop(0)
        queue.finish(request, length_ns)
    had = queue.stats("watched").run_ns
    total = had + queue.stats("other").run_ns
    assert had >= share * total - (lanes + 2) * 20 * MS


def test_a_change_is_whole_or_none() -> None:
    queue: FairQueue[str] = FairQueue()
    queue.join("a", Terms(0.6))
    queue.join("b", Terms(0.4))
    waiting = queue.submit("b", "work", 0)
    for changed, joining, leaving in (
        ({"a": Terms(0.7)}, {}, ()),
        ({"a": Terms(0.1), "c": Terms(0.1)}, {}, ()),
        ({}, {"b": Terms(0.1)}, ()),
        ({"a": Terms(0.5)}, {"c": Terms(0.2)}, ()),
        ({"a": Terms(0.1)}, {}, ("c",)),
    ):
        with pytest.raises(EyespotError):
            queue.change(changed, joining, leaving)
        assert {name: item["share"] for name, item in queue.status().items()} == {"a": 0.6, "b": 0.4}
    assert queue.change({"a": Terms(0.5)}, {"c": Terms(0.5)}, ("b",)) == [waiting]
    assert {name: item["share"] for name, item in queue.status().items()} == {"a": 0.5, "c": 0.5}
