"""The newest output: lines, bounds in memory and in rate."""

from eyespot.edge.services.engines.log_tail import MAX_LINE_BYTES, TAIL_LINES, LogTail
from eyespot.testing.sim_clock import SimClock


def test_lines_however_they_are_cut() -> None:
    logs = LogTail(64, SimClock())
    for piece in (b"one\ntw", b"o\n", b"", b"three"):
        logs.feed(piece)
    assert logs.lines() == ["one", "two"]
    logs.close()
    assert logs.lines() == ["one", "two", "three"]


def test_keeps_the_newest() -> None:
    logs = LogTail(10_000, SimClock())
    logs.feed(b"".join(b"%d\n" % number for number in range(TAIL_LINES * 2)))
    assert logs.lines() == [str(number) for number in range(TAIL_LINES, TAIL_LINES * 2)]


def test_a_line_without_end_is_cut() -> None:
    logs = LogTail(10_000, SimClock())
    for _ in range(100):
        logs.feed(b"x" * 1000)
    logs.close()
    assert max(map(len, logs.lines())) <= MAX_LINE_BYTES
    assert sum(map(len, logs.lines())) <= 100_000


async def test_above_its_rate_it_drops_and_counts_and_later_goes_on() -> None:
    clock = SimClock()
    logs = LogTail(1, clock)
    logs.feed(b"a" * 1000 + b"\n" + b"b" * 1000 + b"\n")
    assert (logs.kept_bytes, logs.dropped_bytes) == (1024, 978)
    await clock.advance(61.0)
    logs.feed(b"\nagain\n")
    assert logs.lines()[-1] == "again"


def test_what_could_steer_a_terminal_is_replaced() -> None:
    logs = LogTail(64, SimClock())
    logs.feed(b"\x1b[2Jred\x00\tfine \xff \xc3\xa9\n")
    assert logs.lines() == ["\ufffd[2Jred\ufffd\tfine \ufffd é"]
