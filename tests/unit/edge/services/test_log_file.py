"""Logs on disk: found again, bounded, removed with their service."""

from pathlib import Path

from eyespot.edge.services.log_file import LogFile, remove_logs
from eyespot.kernel.clock import NS_PER_S


def test_lines_come_back_in_order_with_their_time(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "logs", "counter")
    assert log.lines(10) == []
    log.write(["one", "two"], 1_700_000_000 * NS_PER_S)
    LogFile(tmp_path / "logs", "counter").write(["ä three"], 1_700_000_001 * NS_PER_S)
    assert log.lines(2) == ["2023-11-14T22:13:20Z two", "2023-11-14T22:13:21Z ä three"]
    assert (tmp_path / "logs" / "counter.log").stat().st_mode & 0o777 == 0o600


def test_two_files_of_so_many_bytes_are_kept_and_no_more(tmp_path: Path) -> None:
    log = LogFile(tmp_path, "counter", max_bytes=1000)
    for number in range(500):
        log.write([f"line {number}"], number * NS_PER_S)
    log.write(["x" * 5000], 0)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["counter.log", "counter.log.1"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert any(line.endswith("line 499") for line in log.lines(100)), "the newest stayed"


def test_logs_go_with_their_service(tmp_path: Path) -> None:
    for name in ("one", "one-more"):
        log = LogFile(tmp_path, name, max_bytes=40)
        log.write(["first line"], 0)
        log.write(["second line"], 0)
    remove_logs(tmp_path, ["one-more"])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one-more.log", "one-more.log.1"]
