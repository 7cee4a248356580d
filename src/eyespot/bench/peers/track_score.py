"""Runs in the peers' environment: scores tracking results with TrackEval.

Argument: a JSON file ``{"truth": rows, "frames": n, "results": {name: rows}}``, rows of frame from 0, id, left, top,
width, height. The last line printed is ``{name: {"hota", "mota", "idf1", "switches"}}`` in per cent.
"""

import contextlib
import json
import os
import sys

import numpy as np
import trackeval


def by_frame(rows, frames):
    """Per frame: (ids as 0, 1, 2…; boxes), and the number of ids."""
    table = np.array(rows, float).reshape(-1, 6)
    known, numbers = np.unique(table[:, 1], return_inverse=True)
    parts = []
    for frame in range(frames):
        here = table[:, 0] == frame
        parts.append((numbers[here].astype(int), table[here, 2:6]))
    return parts, len(known)


def overlap(a, b):
    """Intersection over union of left, top, width, height boxes, ``(len(a), len(b))``."""
    low = np.maximum(a[:, None, :2], b[:, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[:, :2] + b[:, 2:])
    inside = np.clip(high - low, 0, None).prod(-1)
    return inside / np.maximum(a[:, None, 2:].prod(-1) + b[:, 2:].prod(-1) - inside, 1e-12)


def score(truth, truth_ids, result, result_ids):
    """TrackEval's HOTA, CLEAR and Identity for one sequence."""
    data = {
        "num_timesteps": len(truth),
        "num_gt_ids": truth_ids,
        "num_tracker_ids": result_ids,
        "num_gt_dets": sum(len(ids) for ids, _ in truth),
        "num_tracker_dets": sum(len(ids) for ids, _ in result),
        "gt_ids": [ids for ids, _ in truth],
        "tracker_ids": [ids for ids, _ in result],
        "similarity_scores": [overlap(a, b) for (_, a), (_, b) in zip(truth, result, strict=True)],
    }
    hota = trackeval.metrics.HOTA().eval_sequence(data)
    clear = trackeval.metrics.CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = trackeval.metrics.Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    return {
        "hota": round(100 * float(np.mean(hota["HOTA"])), 2),
        "deta": round(100 * float(np.mean(hota["DetA"])), 2),
        "assa": round(100 * float(np.mean(hota["AssA"])), 2),
        "mota": round(100 * float(clear["MOTA"]), 2),
        "idf1": round(100 * float(identity["IDF1"]), 2),
        "switches": int(clear["IDSW"]),
    }


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    truth, truth_ids = by_frame(job["truth"], job["frames"])
    with open(os.devnull, "w", encoding="utf-8") as quiet, contextlib.redirect_stdout(quiet):
        found = {name: score(truth, truth_ids, *by_frame(rows, job["frames"])) for name, rows in job["results"].items()}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
