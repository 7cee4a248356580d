"""The board's inventory, from this machine and from another's files."""

from pathlib import Path

from eyespot.hal.board import read_board


def test_reads_this_machine() -> None:
    board = read_board()
    assert board.cpu
    assert board.cores >= 1
    assert board.memory_bytes > 1 << 27
    assert "onnxruntime" in board.accelerators


def test_reads_an_arm_board_and_survives_none(tmp_path: Path) -> None:
    cpuinfo, meminfo = tmp_path / "cpuinfo", tmp_path / "meminfo"
    cpuinfo.write_text("processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n\nprocessor\t: 1\n")
    meminfo.write_text("MemTotal:        2048000 kB\nMemFree: 1 kB\n")
    board = read_board(cpuinfo, meminfo)
    assert board.features == ("asimd", "asimddp", "i8mm")
    assert board.memory_bytes == 2_048_000 * 1024
    empty = read_board(tmp_path / "none", tmp_path / "none")
    assert (empty.features, empty.memory_bytes) == ((), 0)
