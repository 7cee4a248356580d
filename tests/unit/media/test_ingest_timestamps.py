"""Whatever times a camera sends, decode time rises and never leaps."""

from hypothesis import given
from hypothesis import strategies as st

from eyespot.contracts.packet import Packet
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S
from eyespot.media.timestamps import LEAP_NS, REORDER_NS, TimestampRepair

FRAME_NS = 40 * NS_PER_MS


def packet(decode_ns: int, capture_ns: int | None = None, track: str = "video") -> Packet:
    capture_ns = decode_ns if capture_ns is None else capture_ns
    return Packet("audio" if track == "audio" else "video", capture_ns, decode_ns, FRAME_NS, True, b"x")


def test_sound_times_pass_untouched() -> None:
    repair = TimestampRepair()
    sent = [packet(n * FRAME_NS, (n + 2) * FRAME_NS) for n in range(10)]
    got = [repair.repair(each, each.decode_ns) for each in sent]
    assert all(a is b for a, b in zip(sent, got, strict=True))
    assert (repair.repaired, repair.leaps) == (0, 0)


def test_a_small_step_back_is_moved_up_and_counted() -> None:
    repair = TimestampRepair()
    repair.repair(packet(NS_PER_S), 0)
    late = repair.repair(packet(NS_PER_S - FRAME_NS), FRAME_NS)
    assert late.decode_ns > NS_PER_S
    assert repair.repaired == 1
    assert repair.repair(packet(NS_PER_S + FRAME_NS), 2 * FRAME_NS).decode_ns == NS_PER_S + FRAME_NS


def test_a_camera_that_restarts_its_clock_goes_on_where_it_was() -> None:
    repair = TimestampRepair()
    for n in range(3):
        repair.repair(packet(100 * NS_PER_S + n * FRAME_NS), n * FRAME_NS)
    again = [repair.repair(packet(n * FRAME_NS), (3 + n) * FRAME_NS).decode_ns for n in range(3)]
    assert again == [100 * NS_PER_S + n * FRAME_NS for n in (3, 4, 5)]
    assert repair.leaps == 1


def test_a_leap_that_really_took_that_long_is_no_leap() -> None:
    repair = TimestampRepair()
    repair.repair(packet(0), 0)
    assert repair.repair(packet(60 * NS_PER_S), 60 * NS_PER_S).decode_ns == 60 * NS_PER_S
    assert repair.repair(packet(200 * NS_PER_S), 60 * NS_PER_S + FRAME_NS).decode_ns == 60 * NS_PER_S + FRAME_NS
    assert repair.leaps == 1


def test_sound_and_picture_are_shifted_together() -> None:
    repair = TimestampRepair()
    repair.repair(packet(50 * NS_PER_S), 0)
    repair.repair(packet(50 * NS_PER_S, track="audio"), 0)
    video = repair.repair(packet(0), FRAME_NS)
    audio = repair.repair(packet(0, track="audio"), FRAME_NS)
    assert video.decode_ns == audio.decode_ns == 50 * NS_PER_S + FRAME_NS
    assert repair.leaps == 1


def test_a_new_format_starts_a_new_time_line() -> None:
    repair = TimestampRepair()
    repair.repair(packet(50 * NS_PER_S), 0)
    repair.reset()
    assert repair.repair(packet(7), 0).decode_ns == 7


@given(st.lists(st.tuples(st.integers(-(1 << 50), 1 << 50), st.integers(-(1 << 50), 1 << 50)), max_size=60))
def test_decode_time_always_rises_and_presentation_stays_near(times: list[tuple[int, int]]) -> None:
    repair = TimestampRepair()
    last_ns: int | None = None
    for decode_ns, capture_ns in times:
        got = repair.repair(packet(decode_ns, capture_ns), 0)
        assert 0 <= got.capture_ns - got.decode_ns <= REORDER_NS
        if last_ns is not None:
            assert 0 < got.decode_ns - last_ns <= LEAP_NS
        last_ns = got.decode_ns
