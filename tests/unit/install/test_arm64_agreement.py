"""The comparison of two machines' detections: what counts as the same, and what does not."""

from typing import Any

import pytest
from load_script import load

agreement_of = load("arm64_agreement")
compare, pair, verdict = agreement_of.compare, agreement_of.pair, agreement_of.verdict
PERSON = [0.2, 0.2, 0.3, 0.6, 0.8, 0.0]


def moved(row: list[float], by: float = 0.0, score: float = 0.0) -> list[float]:
    return [row[0] + by, row[1], row[2] + by, row[3], row[4] + score, row[5]]


def test_equal_detections_agree_wholly() -> None:
    agreement = compare([[PERSON], []], [[PERSON], []])
    assert (agreement.ok, agreement.matched, agreement.confident) == (True, 1.0, (1, 1))
    assert (agreement.least_iou, agreement.largest_score_step) == (1.0, 0.0)


def test_small_steps_are_within_the_tolerance() -> None:
    agreement = compare([[PERSON]], [[moved(PERSON, 0.004, 0.04)]])
    assert agreement.ok
    assert 0.9 < agreement.least_iou < 0.95
    assert agreement.largest_score_step == pytest.approx(0.04)


@pytest.mark.parametrize(
    "other",
    [
        [moved(PERSON, 0.02)],
        [moved(PERSON, score=-0.06)],
        [[*PERSON[:5], 1.0]],
        [],
        [PERSON, [0.7, 0.7, 0.8, 0.9, 0.9, 0.0]],
    ],
    ids=["box moved", "score moved", "other label", "missing", "one more"],
)
def test_a_difference_is_found(other: list[list[float]]) -> None:
    assert not compare([[PERSON]], [other]).ok
    assert not compare([other], [[PERSON]]).ok


def test_a_score_may_cross_the_line_between_confident_and_not() -> None:
    here, there = moved(PERSON, score=-0.299), moved(PERSON, score=-0.301)
    agreement = compare([[here]], [[there]])
    assert agreement.confident == (1, 0)
    assert agreement.ok


def test_nothing_found_proves_nothing() -> None:
    assert not compare([[]], [[]]).ok


def test_other_frames_are_not_compared() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare([[PERSON]], [])


def ran(*frames: list[list[float]]) -> dict[str, Any]:
    return {"frames": list(frames), "run_ms": 900.0, "load_s": 1.0}


def row(here: dict[str, Any] | None, there: dict[str, Any] | None, name: str = "onnx-int8 on onnxruntime") -> Any:
    return pair(here, there, agreement_of.tolerance_of(name))


def test_only_frames_that_both_have_are_compared() -> None:
    made = row(ran([PERSON], [PERSON], []), ran([PERSON]))
    assert (made["ok"], made["frames"], made["confident"]) == (True, 1, (1, 1))
    assert agreement_of.sentence(made).startswith("agree in 1 frames: 1 and 1 confident, 100.0% matched")


def test_int8_on_openvino_has_a_tolerance_of_its_own() -> None:
    other = ran([moved(PERSON, 0.008, 0.1)])
    assert not row(ran([PERSON]), other)["ok"]
    assert row(ran([PERSON]), other, "onnx-int8 on openvino")["ok"]
    assert not row(ran([PERSON]), other, "onnx-fp32 on openvino")["ok"]


def test_a_refused_variant_costs_itself_alone() -> None:
    refused = row(ran([PERSON]), {"error": "does not load"})
    assert agreement_of.sentence(refused) == "did not run on arm64: does not load"
    good = row(ran([PERSON]), ran([PERSON]))
    assert verdict({"onnx-int8 on openvino": refused, "onnx-fp32 on openvino": good}, ["openvino"])


@pytest.mark.parametrize(
    "rows",
    [
        {},
        {"onnx-int8 on openvino": row(ran([PERSON]), None)},
        {"onnx-int8 on onnxruntime": row(ran([PERSON]), ran([PERSON]))},
        {
            "onnx-int8 on openvino": row(ran([PERSON]), ran([PERSON])),
            "onnx-fp32 on openvino": row(ran([PERSON]), ran([])),
        },
    ],
    ids=["nothing ran", "it crashed", "only another runtime ran", "one of two differs"],
)
def test_a_runtime_that_agrees_in_nothing_or_not_in_all_fails_the_run(rows: dict[str, Any]) -> None:
    assert not verdict(rows, ["openvino"])
