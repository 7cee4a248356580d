"""The loop a Python user would write today: OpenCV reads, ONNX Runtime fp32 detects, `trackers`' ByteTrack follows.

Runs in the peers' own environment, knows nothing of Eyespot. Prints one line of JSON: frames, seconds, cpu_s, tracks.
Usage: loop_pipeline.py CLIP MODEL.onnx rgb|bgr
"""

import json
import resource
import sys
import time

import cv2
import numpy as np
import onnxruntime as ort
import supervision as sv
from trackers import ByteTrackTracker

SIZE, SCORE, IOU = 416, 0.35, 0.6
STRIDES = (8, 16, 32)


def centres():
    """Anchor centres in input pixels and their strides, in the order of the model's rows."""
    rows = []
    for stride in STRIDES:
        cells = SIZE // stride
        ys, xs = np.mgrid[:cells, :cells]
        rows.append(
            np.stack([(xs.ravel() + 0.5) * stride, (ys.ravel() + 0.5) * stride, np.full(cells * cells, stride)], 1)
        )
    return np.concatenate(rows).astype(np.float32)


def detect(outputs, anchors, width, height):
    """Boxes in picture pixels from the model's best scores ``(1, N)`` and raw values ``(1, N, 80 + 44)``."""
    best, raw = outputs[0][0], outputs[1][0]
    keep = np.flatnonzero(best >= SCORE)
    if not len(keep):
        return sv.Detections.empty()
    labels = raw[keep, :80].argmax(1)
    bins = np.exp(raw[keep, 80:].reshape(-1, 4, 11))
    reach = (bins / bins.sum(2, keepdims=True) * np.arange(11)).sum(2) * anchors[keep, 2:3]
    boxes = np.concatenate([anchors[keep, :2] - reach[:, :2], anchors[keep, :2] + reach[:, 2:]], 1)
    boxes *= np.array([width, height, width, height], np.float32) / SIZE
    found = sv.Detections(boxes, confidence=best[keep], class_id=labels)
    return found.with_nms(IOU)


def main():
    clip, model, order = sys.argv[1:4]
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    video = cv2.VideoCapture(clip)
    fps = video.get(cv2.CAP_PROP_FPS)
    tracker = ByteTrackTracker(frame_rate=fps, track_activation_threshold=0.5, high_conf_det_threshold=0.5)
    anchors, seen, count = centres(), set(), 0
    start, cpu = 0.0, resource.getrusage(resource.RUSAGE_SELF)
    while True:
        more, frame = video.read()
        if not more:
            break
        image = cv2.resize(frame, (SIZE, SIZE))
        if order == "rgb":
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        found = detect(session.run(["best", "raw"], {name: image[None]}), anchors, frame.shape[1], frame.shape[0])
        tracks = tracker.update(found)
        seen.update(int(i) for i in tracks.tracker_id if i >= 0)
        count += 1
        start = start or time.perf_counter()
    end = resource.getrusage(resource.RUSAGE_SELF)
    used = end.ru_utime + end.ru_stime - cpu.ru_utime - cpu.ru_stime
    seconds = time.perf_counter() - start
    print(json.dumps({"frames": count, "timed": count - 1, "seconds": seconds, "cpu_s": used, "tracks": len(seen)}))


if __name__ == "__main__":
    main()
