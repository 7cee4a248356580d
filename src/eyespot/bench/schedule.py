"""`eyespot bench schedule`: what a live camera's adaptive schedule saves against the steady one, and what it costs.

First as one paced RTSP camera of a whole host, for processor time; then the clip is shown to the camera's eyes look by
look, so that nothing is left out for want of time, and TrackEval judges the tracks of every look.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import av

from eyespot.bench import camera_run, clips
from eyespot.bench.peer_env import peer_python, run_own, run_peer
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.bench.track import find_truth
from eyespot.bench.track_clips import Rows, read_truth
from eyespot.infer.package import ModelPackage

SCHEDULES = ("steady", "adaptive")
PERSON = "person"
TARGETS = {"inference_ratio": Target(1.0, "max"), "hota_lost": Target(2.0, "max")}


def run(options: BenchOptions, progress: Progress) -> Report:
    """Both schedules on the 1080p30 clip."""
    report = Report("schedule", targets=TARGETS)
    clip = clips.as_1080p30(options, progress)
    package = ModelPackage.load(options.cache / "models" / "nanodet-g")
    for name in SCHEDULES:
        progress.step(f"{name}: one paced camera")
        report.figures |= _paced(options, clip, name, progress)
    seen = {}
    for name in SCHEDULES:
        progress.step(f"{name}: look by look")
        with tempfile.TemporaryDirectory() as state:
            seen[name] = run_own(
                "eyespot.bench.schedule_replay", str(clip), str(package.folder.parent), package.name, name, state
            )
        report.figures |= {f"{key}_{name}": seen[name][key] for key in ("inferences", "tracks", "events")}
    report.figures["inference_ratio"] = round(seen["adaptive"]["inferences"] / seen["steady"]["inferences"], 3)
    _judge(report, options, progress, seen)
    names = [name.removesuffix("_steady") for name in report.figures if name.endswith("_steady")]
    report.rows = [["", *SCHEDULES]]
    report.rows += [[name, *(str(report.figures[f"{name}_{each}"]) for each in SCHEDULES)] for name in names]
    report.notes.append(
        "cpu_percent: one camera at 5 looks a second with recording, of one core, all processes; medians. Inferences, "
        "tracks, events and HOTA: of the clip shown once, look by look."
    )
    return report


def _paced(options: BenchOptions, clip: Path, schedule: str, progress: Progress) -> dict[str, float]:
    warm_s = 5.0 if options.quick else 15.0
    window_s = options.seconds or (8.0 if options.quick else clips.length_s(clip))
    cpu, rates = [], []
    for _ in range(1 if options.quick else options.rounds):
        with tempfile.TemporaryDirectory() as folder, camera_run.rtsp_cameras(clip, 1) as urls:
            state = Path(folder) / "eyespot"
            detect = f'[camera.detect]\nschedule = "{schedule}"\n'
            host = camera_run.run_host(urls, state, warm_s, window_s, progress.fraction, detect)
        cpu.append(host.usage.cpu_percent)
        rates.append(60 * float(host.summary["detections_per_s"]))
    return {f"cpu_percent_{schedule}": middle(cpu, 1), f"inferences_per_min_{schedule}": middle(rates, 0)}


def _judge(report: Report, options: BenchOptions, progress: Progress, seen: dict[str, dict[str, Any]]) -> None:
    truth = find_truth(options)
    if truth is None:
        report.notes.append("No ground truth: tracks were not judged. See `eyespot bench track`.")
        return
    with av.open(str(clips.sample(options))) as container:
        stream = container.streams.video[0]
        size, fps = (stream.width, stream.height), float(stream.average_rate or 25)
    looks = seen["steady"]["looks"]
    job = {
        "truth": at_looks(read_truth(truth), looks, fps),
        "frames": len(looks),
        "results": {name: people(found["rows"], *size) for name, found in seen.items()},
    }
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "score.json"
        task.write_text(json.dumps(job), encoding="utf-8")
        scores = run_peer(peer_python(options.cache, "trackers", progress), "track_score.py", str(task))
    for name in SCHEDULES:
        report.figures |= {f"{key}_{name}": scores[name][key] for key in ("hota", "idf1", "switches")}
    report.figures["hota_lost"] = round(scores["steady"]["hota"] - scores["adaptive"]["hota"], 2)


def at_looks(truth: Rows, looks: list[float], fps: float) -> Rows:
    """The truth of the frames that were looked at, ``looks`` in seconds; frames are then counted by look."""
    frames: dict[int, Rows] = {}
    for row in truth:
        frames.setdefault(int(row[0]), []).append(row)
    return [[look, *row[1:]] for look, at_s in enumerate(looks) for row in frames.get(int(at_s * fps + 1e-6), [])]


def people(rows: list[list[Any]], width: int, height: int) -> Rows:
    """Rows of look, id, left, top, width, height in pixels, of people."""
    return [
        [look, number, x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
        for look, number, label, x1, y1, x2, y2 in rows
        if label == PERSON
    ]
