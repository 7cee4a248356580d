"""Runs Eyespot's tracker on a tracking job in a process of its own; the twin of the peers' scripts.

Usage: python -m eyespot.bench.track_own JOB.json RESULT.json
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.contracts.detections import Detections
from eyespot.kernel.clock import NS_PER_S
from eyespot.vision.track import Tracker

NAME = "Eyespot"


def main() -> None:
    """Read the job, follow every clip, time the speed clips, write the results."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    clips = {name: follow(clip) for name, clip in job["clips"].items()}
    speed = {count: rate(clip) for count, clip in job["speed"].items()}
    Path(sys.argv[2]).write_text(json.dumps({NAME: {"clips": clips, "updates_per_s": speed}}), encoding="utf-8")
    print(json.dumps({"contenders": [NAME]}))


def detections(clip: dict[str, Any]) -> list[Detections]:
    """The clip's frames as the tracker takes them; boxes become fractions of the picture."""
    size = np.array([clip["width"], clip["height"]] * 2)
    frames = []
    for number, rows in enumerate(clip["frames"]):
        table = np.array(rows, np.float64).reshape(-1, 5)
        frames.append(
            Detections(
                capture_ns=round(number * NS_PER_S / clip["fps"]),
                boxes=(table[:, :4] / size).astype(np.float32),
                scores=table[:, 4].astype(np.float32),
                labels=np.zeros(len(table), np.int32),
                aspect=clip["width"] / clip["height"],
            )
        )
    return frames


def follow(clip: dict[str, Any]) -> list[list[float]]:
    """Rows of frame, id, left, top, width, height in pixels: the tracks shown as present."""
    tracker = Tracker()
    hold_s = tracker.settings.hold_s + 1e-6
    size = np.array([clip["width"], clip["height"]] * 2)
    rows: list[list[float]] = []
    for number, frame in enumerate(detections(clip)):
        tracks = tracker.update(frame)
        shown = tracks.unseen_s <= hold_s
        for track, box in zip(tracks.ids[shown].tolist(), (tracks.boxes[shown] * size).tolist(), strict=True):
            rows.append([number, track, box[0], box[1], box[2] - box[0], box[3] - box[1]])
    return rows


def rate(clip: dict[str, Any]) -> float:
    """Updates a second: the better of two runs."""
    frames = detections(clip)
    best = 0.0
    for _ in range(2):
        tracker = Tracker()
        start = time.perf_counter()
        for frame in frames:
            tracker.update(frame)
        best = max(best, len(frames) / (time.perf_counter() - start))
    return round(best, 1)


if __name__ == "__main__":
    main()
