"""Capture and decode times from RTP timestamps, in simulated arrivals."""

import random
from itertools import pairwise

from eyespot.hal.sensors.rtsp.timing import DecodeTimes, TrackClock

MS = 1_000_000
S = 1000 * MS
STEP = 3000
FRAME_NS = S * STEP // 90_000


def run(delays_ns: list[int], *, first: int = 0, drift: float = 1.0, clock: TrackClock | None = None) -> list[int]:
    """Capture times of frames a thirtieth of a second apart that arrive with ``delays_ns``."""
    clock = clock or TrackClock(90_000)
    return [
        clock.capture_ns(first + index * STEP & 0xFFFFFFFF, round(100 * S + index * FRAME_NS * drift) + delay)
        for index, delay in enumerate(delays_ns)
    ]


def errors(captures: list[int], drift: float = 1.0) -> list[int]:
    return [capture - round(100 * S + index * FRAME_NS * drift) for index, capture in enumerate(captures)]


def test_jitter_does_not_shake_capture_times() -> None:
    noise = random.Random(1)
    captures = run([noise.randrange(0, 80 * MS) for _ in range(1800)])
    steps = [later - earlier for earlier, later in pairwise(captures)]
    assert all(0.9 * FRAME_NS < step < 1.1 * FRAME_NS for step in steps)
    assert max(errors(captures)[300:]) < 15 * MS
    assert min(errors(captures)[300:]) >= -MS


def test_a_burst_at_the_start_is_worked_off() -> None:
    """A server that sends two seconds of cached pictures at once."""
    captures = run([max(0, 2 * S - index * FRAME_NS) for index in range(900)])
    assert all(later > earlier for earlier, later in pairwise(captures))
    assert abs(errors(captures)[-1]) < 20 * MS


def test_a_camera_clock_that_drifts_is_followed() -> None:
    for drift in (0.9998, 1.0002):
        captures = run([5 * MS] * 9000, drift=drift)
        assert all(later > earlier for earlier, later in pairwise(captures))
        assert max(abs(error) for error in errors(captures, drift)) < 12 * MS


def test_wrap_and_restart() -> None:
    clock = TrackClock(90_000)
    captures = run([0] * 60, first=(1 << 32) - 30 * STEP, clock=clock)
    assert [later - earlier for earlier, later in pairwise(captures)] == [FRAME_NS] * 59
    assert clock.jumps == 0
    arrival = 100 * S + 60 * FRAME_NS
    restarted = clock.capture_ns(2_000_000_000, arrival)
    assert clock.jumps == 1
    assert captures[-1] < restarted <= arrival + MS
    assert clock.capture_ns(2_000_000_000 + STEP, arrival + FRAME_NS) - restarted == FRAME_NS


def test_a_pause_with_a_frozen_timeline_moves_on() -> None:
    clock = TrackClock(90_000)
    run([0] * 30, clock=clock)
    late = [clock.capture_ns((30 + index) * STEP, 130 * S + index * FRAME_NS) for index in range(600)]
    assert all(later > earlier for earlier, later in pairwise(late))
    assert abs(late[-1] - (130 * S + 599 * FRAME_NS)) < 20 * MS


def test_sender_reports_keep_sound_in_step_with_the_picture() -> None:
    video, audio = TrackClock(90_000), TrackClock(16_000)
    for index in range(300):
        arrival = 100 * S + index * 64 * MS
        video.capture_ns(7_000 + index * 5760, arrival + 200 * MS)
        heard = audio.capture_ns(9_000 + index * 1024, arrival, video)
        if index == 5:
            video.sender_report(7_000, 50 * S)
            audio.sender_report(9_000, 50 * S)
    assert abs(heard - (100 * S + 299 * 64 * MS + 200 * MS)) < 10 * MS


def test_decode_times_without_reordering_equal_capture_times() -> None:
    for depth in (0, None):
        times = DecodeTimes(depth)
        assert [times.decode_ns(value) for value in (10, 20, 30)] == [10, 20, 30]


def test_decode_times_of_a_known_depth() -> None:
    times = DecodeTimes(2)
    captures = [100 * MS, 220 * MS, 180 * MS, 140 * MS, 340 * MS, 300 * MS, 260 * MS]
    decodes = [times.decode_ns(value) for value in captures]
    assert decodes == sorted(decodes)
    assert all(decode <= capture for decode, capture in zip(decodes, captures, strict=True))
    assert decodes[2:] == [100 * MS, 140 * MS, 180 * MS, 220 * MS, 260 * MS]


def test_an_unknown_depth_is_learned() -> None:
    times = DecodeTimes(None)
    captures = [100, 220, 180, 140] + [340 + 120 * group + offset for group in range(30) for offset in (0, -40, -80)]
    decodes = [times.decode_ns(value * MS) for value in captures]
    assert decodes == sorted(decodes)
    late = list(zip(decodes, captures, strict=True))[20:]
    assert all(decode <= capture * MS for decode, capture in late)
