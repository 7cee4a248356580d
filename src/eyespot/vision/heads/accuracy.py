"""Average precision at an overlap of one half (AP50): how well detections agree with a truth.

Source: Everingham et al., "The Pascal Visual Object Classes Challenge" (IJCV 2010) section 4.2, all points.
"""

from collections.abc import Sequence

import numpy as np

from eyespot.contracts.detections import Boxes, Detections
from eyespot.vision.boxes import iou


def ap50(found: Sequence[Detections], truth: Sequence[Boxes], *, label: int) -> float:
    """AP50 in 0 to 1 of one label over frames: ``found[i]`` against true boxes ``truth[i]``. 0 without any truth."""
    rows: list[tuple[float, bool]] = []
    for detections, real in zip(found, truth, strict=True):
        rows.extend(_judge(detections, real, label))
    positives = sum(len(real) for real in truth)
    if not rows or not positives:
        return 0.0
    rows.sort(key=lambda row: -row[0])
    hits = np.cumsum([hit for _, hit in rows])
    recall = np.concatenate([[0.0], hits / positives])
    precision = np.concatenate([[1.0], hits / np.arange(1, len(rows) + 1)])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope[1:]))


def _judge(detections: Detections, real: Boxes, label: int) -> list[tuple[float, bool]]:
    """Score and verdict of each detection of ``label``, best first: each true box counts once."""
    of_label = detections.labels == label
    boxes, scores = detections.boxes[of_label], detections.scores[of_label]
    overlaps = iou(boxes, real)
    taken = np.zeros(len(real), bool)
    rows: list[tuple[float, bool]] = []
    for index in np.argsort(-scores, kind="stable"):
        row = np.where(taken, 0.0, overlaps[index]) if len(real) else np.zeros(0)
        hit = bool(len(row)) and float(row.max()) >= 0.5
        if hit:
            taken[int(row.argmax())] = True
        rows.append((float(scores[index]), hit))
    return rows
