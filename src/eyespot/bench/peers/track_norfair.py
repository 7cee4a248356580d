"""Runs in norfair's own environment: norfair on a job (see track_common.py), with IoU and with a distance in pixels.

The pixel distance is set per clip from its own detections (half their median height), as its users tune it by hand.
Usage: track_norfair.py JOB.json RESULT.json
"""

import warnings

import numpy as np
from norfair import Detection, Tracker
from track_common import main

warnings.simplefilter("ignore")


def follow_with(tracker, least):
    def update(boxes, scores, at_s):
        found = [
            Detection(points=box.reshape(2, 2), scores=np.array([score, score]))
            for box, score in zip(boxes, scores, strict=True)
            if score >= least
        ]
        return [(each.id, each.estimate.reshape(-1)) for each in tracker.update(found) if each.live_points.any()]

    return update


def lifetime(clip):
    return max(3, round(2.0 * clip["fps"]))


def by_overlap(clip, scores):
    tracker = Tracker("iou", distance_threshold=0.7, hit_counter_max=lifetime(clip), initialization_delay=2)
    return follow_with(tracker, scores["high"])


def by_distance(clip, scores):
    heights = [y2 - y1 for frame in clip["frames"] for _, y1, _, y2, score in frame if score >= scores["high"]]
    reach = 0.5 * float(np.median(heights)) if heights else 30.0
    tracker = Tracker("mean_euclidean", reach, hit_counter_max=lifetime(clip), initialization_delay=2)
    return follow_with(tracker, scores["high"])


if __name__ == "__main__":
    main({"norfair IoU": by_overlap, "norfair pixels": by_distance})
