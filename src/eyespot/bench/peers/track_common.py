"""What the tracking peers' scripts share: reading the job, timing, writing results. Knows nothing of Eyespot.

A job is ``{"clips": {name: clip}, "speed": {objects: clip}, "scores": {"low", "high", "new"}}``; a clip is
``{"fps", "width", "height", "frames": [[[x1, y1, x2, y2, score], …], …]}`` in pixels. A result is
``{contender: {"clips": {name: [[frame, id, left, top, width, height], …]}, "updates_per_s": {objects: n}}}``.
"""

import json
import sys
import time

import numpy as np


def main(contenders):
    """Run every contender (name → function of clip and scores that returns a function of boxes, scores, time)."""
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    found = {name: play(make, job) for name, make in contenders.items()}
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(found, file)
    print(json.dumps({"contenders": list(found)}))


def play(make, job):
    clips = {name: follow(make(clip, job["scores"]), clip) for name, clip in job["clips"].items()}
    speed = {count: rate(make, clip, job) for count, clip in job["speed"].items()}
    return {"clips": clips, "updates_per_s": speed}


def arrays(clip):
    for number, frame in enumerate(clip["frames"]):
        table = np.array(frame, float).reshape(-1, 5)
        yield number, number / clip["fps"], table[:, :4], table[:, 4]


def follow(update, clip):
    rows = []
    for number, at_s, boxes, scores in arrays(clip):
        for track, (x1, y1, x2, y2) in update(boxes, scores, at_s):
            rows.append([number, int(track), float(x1), float(y1), float(x2 - x1), float(y2 - y1)])
    return rows


def rate(make, clip, job):
    """Updates a second: the better of two runs."""
    frames = list(arrays(clip))
    best = 0.0
    for _ in range(2):
        update = make(clip, job["scores"])
        start = time.perf_counter()
        for _, at_s, boxes, scores in frames:
            update(boxes, scores, at_s)
        best = max(best, len(frames) / (time.perf_counter() - start))
    return round(best, 1)
