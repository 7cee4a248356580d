"""Which service is stuck, and which is only slow, idle or out of sight."""

from eyespot.contracts.service_bus import Beat
from eyespot.edge.services.progress import LEAST_OFFERED, STUCK_S, Progress
from eyespot.testing.sim_clock import SimClock


def beat(frames: dict[str, int] | None = None, busy_s: float = 0.0) -> Beat:
    return Beat(version="1.0.0", uptime_s=0, frames=frames or {}, busy_s=busy_s)


async def test_one_that_leaves_what_it_is_offered_is_stuck_and_goes_on_when_it_handles_one() -> None:
    clock, offered = SimClock(), 0
    progress = Progress(clock)
    for _ in range(12):
        offered += 10
        progress.heard(beat({"door": 3}))
        progress.offered({"door": offered})
        await clock.advance(2)
    assert progress.stuck.startswith("it beats but has handled none of 110 frames of the view door for")
    progress.heard(beat({"door": 4}))
    assert progress.stuck == ""


async def test_a_camera_that_stops_blames_nobody_though_the_last_counts_cross() -> None:
    clock = SimClock()
    progress = Progress(clock)
    progress.offered({"door": 10})
    progress.heard(beat({"door": 20}))  # handled all 20; the door's own count of them comes later
    progress.offered({"door": 20})
    for _ in range(30):
        await clock.advance(2)
        progress.heard(beat({"door": 20}))
        progress.offered({"door": 20})
    assert progress.stuck == ""


async def test_a_slow_one_and_one_that_does_not_count_are_left_alone() -> None:
    clock = SimClock()
    slow, silent, rare = Progress(clock), Progress(clock), Progress(clock)
    for second in range(0, 120, 2):
        slow.heard(beat({"door": second // int(STUCK_S - 2)}))
        slow.offered({"door": second * 5})
        silent.heard(beat())
        silent.offered({"door": second * 5})
        rare.heard(beat({"door": 0}))
        rare.offered({"door": 1 + second * (LEAST_OFFERED - 1) // 120})
        assert (slow.stuck, silent.stuck, rare.stuck) == ("", "", "")
        await clock.advance(2)


async def test_a_frames_process_that_was_started_anew_counts_anew() -> None:
    clock = SimClock()
    progress = Progress(clock)
    progress.heard(beat({"door": 9}))
    progress.offered({"door": 900})
    progress.offered({"door": 1})
    await clock.advance(STUCK_S * 2)
    assert progress.stuck == "", "one frame of a new count is no neglect"


async def test_a_handler_that_does_not_return_is_told() -> None:
    progress = Progress(SimClock())
    progress.heard(beat(busy_s=STUCK_S - 1))
    assert progress.stuck == ""
    progress.heard(beat(busy_s=STUCK_S + 1))
    assert progress.stuck == "a handler has not returned for 21 s"
