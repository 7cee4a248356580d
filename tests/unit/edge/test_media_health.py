"""Signal, storage and clock events."""

from eyespot.contracts.event import Event
from eyespot.edge.media_health import ClockWatch, SignalWatch, StorageWatch
from eyespot.kernel.clock import NS_PER_S


class TwoClocks:
    """Both clocks in the test's hand."""

    def __init__(self) -> None:
        self.mono_ns, self.offset_ns = 100 * NS_PER_S, 1_700_000_000 * NS_PER_S

    def monotonic_ns(self) -> int:
        return self.mono_ns

    def wall_ns(self) -> int:
        return self.mono_ns + self.offset_ns

    async def sleep(self, seconds: float) -> None:
        self.mono_ns += round(seconds * NS_PER_S)

    def go(self, seconds: float) -> None:
        self.mono_ns += round(seconds * NS_PER_S)


def test_a_lost_signal_is_one_event_from_when_it_went_to_when_it_came_back() -> None:
    clock, events = TwoClocks(), list[Event]()
    watch = SignalWatch("front", "main", clock, events.append)
    watch.look("live", None)
    watch.look("stalled", None)
    went_ns = clock.wall_ns()
    for _ in range(5):
        clock.go(2)
        watch.look("backoff", "no route")
    watch.look("live", None)
    watch.look("live", None)
    assert [(one.kind, one.start_wall_ns, one.end_wall_ns) for one in events] == [
        ("signal-lost", went_ns, None),
        ("signal-lost", went_ns, clock.wall_ns()),
    ]
    assert events[0].detail == {"stream": "main", "error": "no route"}


def test_a_short_hiccup_is_no_event() -> None:
    clock, events = TwoClocks(), list[Event]()
    watch = SignalWatch("front", "main", clock, events.append)
    for _ in range(5):
        watch.look("backoff", None)
        clock.go(3)
        watch.look("live", None)
    assert events == []


def test_storage_trouble_lasts_until_all_is_well() -> None:
    clock, events = TwoClocks(), list[Event]()
    watch = StorageWatch(clock, events.append)
    watch.told("full", "a is full")
    watch.told("failed", "a cannot be written")
    assert watch.trouble == "a cannot be written"
    clock.go(5)
    watch.told("ok", "a works again")
    watch.told("ok", "again")
    assert [(one.label, one.end_wall_ns is None) for one in events] == [
        ("full", True),
        ("failed", True),
        ("failed", False),
    ]
    assert len({one.id for one in events}) == 1
    assert watch.trouble == ""


def test_a_clock_jump_is_a_moment_and_drift_is_nothing() -> None:
    clock, events = TwoClocks(), list[Event]()
    watch = ClockWatch(clock, events.append)
    for _ in range(10):
        clock.go(2)
        clock.offset_ns += 1_000_000
        watch.look()
    assert events == []
    clock.offset_ns -= 3600 * NS_PER_S
    watch.look()
    watch.look()
    assert [(one.kind, one.detail["jump_s"]) for one in events] == [("clock", -3600.0)]
