"""When two machines' detections of the same scenes count as the same: tolerances, and the verdict over a whole run.

Nothing here runs a detector; see arm64_compare.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENT = 0.5
"""Scores from here on must be found on both machines."""
Row = list[float]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a partner on the other machine may differ by, and the share of confident detections that need one."""

    least_iou: float
    largest_score_step: float
    share: float


SAME_ARITHMETIC = Tolerance(0.9, 0.05, 0.97)
"""The same pixels into the same model, computed alike: sums in another order, and what that does at an edge of INT8."""
OWN_ARITHMETIC = Tolerance(0.75, 0.15, 0.9)
"""Each machine decodes and scales for itself, or chooses which layers of an INT8 model it computes in integers. 0.75 is
the stricter of COCO's usual thresholds."""


def tolerance_of(pair_name: str) -> Tolerance:
    """For ``VARIANT on RUNTIME`` on the same pixels.

    OpenVINO computes the INT8 layers of NanoDet in integers on x86-64 and in floats on arm64, so that the rounding
    between layers is not the same one.
    """
    variant, _, runtime = pair_name.rpartition(" on ")
    return OWN_ARITHMETIC if runtime == "openvino" and "int8" in variant else SAME_ARITHMETIC


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two machines agree on the same frames.

    Attributes:
        ok: whether ``matched`` is enough, and anything was found at all.
        frames: pictures compared.
        confident: detections of score ``CONFIDENT`` and more, on this machine and on arm64.
        matched: share of them, of both machines together, that the other has too: same label, and box and score
            within the tolerance.
        least_iou, largest_score_step: the worst of the pairs that overlap at all.
    """

    ok: bool
    frames: int
    confident: tuple[int, int]
    matched: float
    least_iou: float
    largest_score_step: float


def compare(here: list[list[Row]], there: list[list[Row]], tolerance: Tolerance = SAME_ARITHMETIC) -> Agreement:
    """Compare detections, rows ``x1 y1 x2 y2 score label`` a frame, of the same frames.

    A confident detection looks for its partner among all of the other machine's, so that a score of 0.501 meets its
    0.499. Raises ``ValueError`` when the numbers of frames differ.
    """
    found = total = 0
    worst_iou, worst_step = 1.0, 0.0
    for one, other in ((here, there), (there, here)):
        for rows, partners in zip(one, other, strict=True):
            for row in rows:
                if row[4] < CONFIDENT:
                    continue
                total += 1
                overlap, step = _partner(row, partners)
                found += overlap >= tolerance.least_iou and step <= tolerance.largest_score_step
                if overlap > 0:
                    worst_iou, worst_step = min(worst_iou, overlap), max(worst_step, step)
    counts = (_confident(here), _confident(there))
    share = found / total if total else 0.0
    ok = counts[0] > 0 and share >= tolerance.share
    return Agreement(ok, len(here), counts, round(share, 4), round(worst_iou, 4), round(worst_step, 4))


def _confident(frames: list[list[Row]]) -> int:
    return sum(row[4] >= CONFIDENT for rows in frames for row in rows)


def _partner(row: Row, others: list[Row]) -> tuple[float, float]:
    """IoU with the best overlapping box of the same label, and the difference of the scores; (0, 1) without one."""
    same = np.array([other for other in others if other[5] == row[5]], dtype=np.float64)
    if not len(same):
        return 0.0, 1.0
    overlaps = _iou(np.array(row[:4]), same[:, :4])
    best = int(overlaps.argmax())
    return (float(overlaps[best]), abs(float(same[best, 4]) - row[4])) if overlaps[best] > 0 else (0.0, 1.0)


def _iou(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None)
    shared = sides.prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    result: NDArray[np.float64] = shared / np.maximum(areas - shared, 1e-12)
    return result


def pair(here: Mapping[str, Any] | None, there: Mapping[str, Any] | None, tolerance: Tolerance) -> dict[str, Any]:
    """What arm64_detect.py said of a variant on either machine, as a row of the report; None: its process ended early.

    An emulated machine may have run out of time: only the frames that both have are compared.
    """
    ended = {"error": "its process ended before it"}
    here, there = here or ended, there or ended
    if "error" in here or "error" in there:
        return {"ok": False, "here": here.get("error", ""), "arm64": there.get("error", "")}
    count = min(len(here["frames"]), len(there["frames"]))
    agreement = compare(here["frames"][:count], there["frames"][:count], tolerance)
    return {**asdict(agreement), "emulated_run_ms": there["run_ms"], "emulated_load_s": there["load_s"]}


def verdict(rows: Mapping[str, Mapping[str, Any]], runtimes: Iterable[str]) -> bool:
    """Whether all pairs (``VARIANT on RUNTIME``) that ran agree, and each of ``runtimes`` has one.

    A variant that a runtime refuses costs that variant, not the verdict: a camera chooses another.
    """
    compared = {name: row for name, row in rows.items() if "matched" in row}
    spoke = {name.rpartition(" on ")[2] for name in compared}
    return set(runtimes) <= spoke and all(row["ok"] for row in compared.values())


def sentence(row: Mapping[str, Any]) -> str:
    """A row of the report for a person."""
    if "matched" not in row:
        return f"did not run {'on arm64' if row['arm64'] else 'here'}: {row['arm64'] or row['here']}"
    here, there = row["confident"]
    return (
        f"{'agree' if row['ok'] else 'DIFFER'} in {row['frames']} frames: {here} and {there} confident, "
        f"{row['matched']:.1%} matched, least IoU {row['least_iou']}, largest score step {row['largest_score_step']}"
    )
