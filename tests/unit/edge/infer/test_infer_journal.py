"""What the inference process died in, told by the file it leaves behind; simulated time."""

from pathlib import Path

from eyespot.edge.infer_journal import AVOID_S, Journal
from eyespot.testing.sim_clock import SimClock


def _die_in(folder: Path, clock: SimClock, *targets: str) -> Journal:
    """A process that ends in the middle of ``targets``; the journal of the next one."""
    journal = Journal(folder, clock)
    held = [journal.running(target) for target in targets]
    for one in held:
        one.__enter__()
    return Journal(folder, clock)


async def test_the_second_crash_within_the_hour_avoids_a_target(tmp_path: Path) -> None:
    clock = SimClock()
    first = _die_in(tmp_path, clock, "a/int8@npu", "a/int8@npu", "b/int8@cpu")
    assert first.died_in == ("a/int8@npu", "b/int8@cpu")
    assert first.avoided() == frozenset()
    await clock.advance(60)
    second = _die_in(tmp_path, clock, "a/int8@npu")
    assert second.avoided() == {"a/int8@npu"}
    await clock.advance(AVOID_S - 30)
    assert second.avoided() == frozenset()


def test_what_ended_in_order_is_not_blamed(tmp_path: Path) -> None:
    clock = SimClock()
    journal = Journal(tmp_path, clock)
    with journal.running("a/int8@npu"), journal.running("x" * 400):
        assert journal.longest_ns() == 0
    assert Journal(tmp_path, clock).died_in == ()


async def test_a_hung_run_shows(tmp_path: Path) -> None:
    clock = SimClock()
    journal = Journal(tmp_path, clock)
    with journal.running("a/int8@npu"):
        await clock.advance(40)
        assert journal.longest_ns() == 40_000_000_000
    assert journal.longest_ns() == 0


def test_more_runs_than_places_are_run_unnoted(tmp_path: Path) -> None:
    clock = SimClock()
    journal = Journal(tmp_path, clock)
    held = [journal.running(f"t{index}") for index in range(70)]
    for one in held:
        one.__enter__()
    assert len(Journal(tmp_path, clock).died_in) == 64


def test_a_spoiled_file_is_begun_anew(tmp_path: Path) -> None:
    clock = SimClock()
    for text in ("", "[1, 2]", '{"a": 5}', '{"a": ["x"]}', "[" * 100_000):
        (tmp_path / "infer-crashes.json").write_text(text)
        assert Journal(tmp_path, clock).avoided() == frozenset()
    (tmp_path / "infer-running").write_bytes(b"\xff" * 5000)
    assert len(Journal(tmp_path, clock).died_in) >= 1
