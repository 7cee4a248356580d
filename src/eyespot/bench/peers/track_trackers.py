"""Runs in the peers' environment: the trackers of the `trackers` package on a job (see track_common.py).

Each gets the clip's frame rate and the same score thresholds as Eyespot's tracker; all else is as its authors set it.
Usage: track_trackers.py JOB.json RESULT.json
"""

import warnings

import numpy as np
import supervision as sv
from track_common import main
from trackers import ByteTrackTracker, OCSORTTracker, SORTTracker

warnings.simplefilter("ignore")


def follow_with(tracker, low):
    def update(boxes, scores, at_s):
        use = scores >= low
        found = sv.Detections(
            xyxy=boxes[use].reshape(-1, 4), confidence=scores[use], class_id=np.zeros(int(use.sum()), int)
        )
        tracked = tracker.update(found)
        if tracked.tracker_id is None:
            return []
        return [(t, b) for t, b in zip(tracked.tracker_id, tracked.xyxy, strict=True) if t >= 0]

    return update


def byte_track(clip, scores):
    tracker = ByteTrackTracker(
        frame_rate=clip["fps"],
        track_activation_threshold=scores["new"],
        high_conf_det_threshold=scores["high"],
        lost_track_buffer=60,
    )
    return follow_with(tracker, scores["low"])


def sort(clip, scores):
    tracker = SORTTracker(frame_rate=clip["fps"], track_activation_threshold=scores["new"], lost_track_buffer=60)
    return follow_with(tracker, scores["high"])


def oc_sort(clip, scores):
    tracker = OCSORTTracker(frame_rate=clip["fps"], high_conf_det_threshold=scores["high"], lost_track_buffer=60)
    return follow_with(tracker, scores["high"])


if __name__ == "__main__":
    main({"trackers ByteTrack": byte_track, "trackers SORT": sort, "trackers OC-SORT": oc_sort})
