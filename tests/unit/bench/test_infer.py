"""The inference bench: ratios within rounds, and a real short run."""

import json
from pathlib import Path

import pytest

from eyespot.bench import infer
from eyespot.bench.infer import Contender, chosen_to_best
from eyespot.bench.report import BenchOptions
from eyespot.infer.fit.speed import Speed


def contender(name: str, *per_s: float) -> Contender:
    speeds = [Speed(1000, round(1e12 / rate), 1.0) for rate in per_s]
    return Contender(name, "fake", {"1_lane": speeds})


def test_a_ratio_is_taken_between_neighbours() -> None:
    """The machine is at half its pace in the second turn; who is faster does not change."""
    chosen, other = contender("a", 100, 50, 100), contender("b", 104, 52, 104)
    assert chosen_to_best(chosen, [chosen, other], "1_lane") == 0.962


def test_the_fastest_has_no_better() -> None:
    chosen, other = contender("a", 100, 100), contender("b", 50, 90)
    assert chosen_to_best(chosen, [chosen, other], "1_lane") == 1.0
    assert chosen_to_best(chosen, [chosen], "1_lane") == 1.0


class Quiet:
    def step(self, text: str) -> None:
        assert text

    def fraction(self, done: float) -> None:
        assert 0 <= done <= 1


@pytest.mark.footage
def test_every_pair_is_measured(model_dir: Path) -> None:
    report = infer.run(BenchOptions(model_dir.parent, seconds=0.01, rounds=1), Quiet())
    figures = json.loads(report.json_line())["figures"]
    assert figures["fps_onnx_fp32_onnxruntime_1_lane"] > 0
    assert figures["cpu_ms_onnx_fp32_onnxruntime_2_lanes"] > 0
    assert 0 < figures["chosen_to_best"] <= 1
    assert any(row[0] == "→" for row in report.rows)
