"""`eyespot bench track`: how well and how fast objects are followed, against `trackers` and `norfair`.

All contenders get the same detections; TrackEval judges all. The figures `hota`, `mota` and `idf1` are of the real
clip, where its ground truth is at hand: medians over the detections at several input sizes of the model, since those of
one size may be lucky. The synthetic scenes show whether the same settings hold elsewhere.
"""

import json
import tempfile
from pathlib import Path
from statistics import mean, median
from typing import Any

from eyespot.bench.peer_env import peer_python, run_own, run_peer
from eyespot.bench.report import BenchOptions, Progress, Report, Target
from eyespot.bench.track_clips import Clip, real_clips, speed_clip, synthetic_clips
from eyespot.bench.track_own import NAME as OURS
from eyespot.kernel.errors import invalid
from eyespot.vision.track import TrackerSettings

COUNTS = (8, 100, 300)
TARGETS = {"hota": Target(58.0, "min"), "idf1": Target(80.0, "min"), "updates_per_s_8": Target(5000.0, "min")}
REAL = "clip "
"""Begins the names of the real clip, one for each set of detections."""
REAL_FIGURES = ("hota", "mota", "idf1")
BESIDE_THE_CHECKOUT = Path("../shared/data/pets09-s2l1/gt.txt")
HOW_TO_GET_TRUTH = (
    "No ground truth: the real clip was left out and its figures are absent. That of the sample clip is PETS09-S2L1 in "
    "the MOTChallenge 2015 training set (motchallenge.net, CC BY-NC-SA 3.0): give --gt FILE, or keep it as {path}."
)
Scores = dict[str, dict[str, dict[str, float]]]


def run(options: BenchOptions, progress: Progress) -> Report:
    """Detect, follow with every contender, judge."""
    report = Report("track", targets=dict(TARGETS))
    truth = find_truth(options)
    jobs = synthetic_clips()
    if truth is not None:
        real = real_clips(options, truth, progress)
        jobs = {**{REAL + size: clip for size, clip in real.items()}, **jobs}
        report.notes.append(
            f"HOTA, MOTA and IDF1 are each contender's medians over detections of the real clip at {len(real)} input "
            f"size(s) of the model ({', '.join(real)}); hota_worst and idf1_worst are Eyespot's least."
        )
    else:
        report.notes.append(HOW_TO_GET_TRUTH.format(path=options.cache / "footage" / "gt.txt"))
    with tempfile.TemporaryDirectory() as folder:
        found = _follow(options, jobs, Path(folder), progress)
        scores = _judge(options, jobs, found, Path(folder), progress)
    _fill(report, found, scores)
    report.notes.append(
        "All contenders follow the same detections with the same score thresholds; trackers and norfair are told each "
        "clip's frame rate, norfair's distance is fitted to each clip in pixels, Eyespot is told nothing."
    )
    return report


def find_truth(options: BenchOptions) -> Path | None:
    if options.truth is not None:
        return options.truth
    if options.video is not None:
        raise invalid("A clip of your own needs its ground truth.", "Give --gt FILE in MOTChallenge format.")
    places = (options.cache / "footage" / "gt.txt", BESIDE_THE_CHECKOUT)
    return next((place for place in places if place.exists()), None)


def _follow(options: BenchOptions, jobs: dict[str, Clip], folder: Path, progress: Progress) -> dict[str, Any]:
    settings = TrackerSettings()
    scores = {"low": settings.low_score, "high": settings.high_score, "new": settings.new_score}
    counts = COUNTS[:2] if options.quick else COUNTS
    speed = {str(count): speed_clip(count) for count in counts}
    job = folder / "job.json"
    job.write_text(json.dumps({"clips": {n: clip.job for n, clip in jobs.items()}, "speed": speed, "scores": scores}))
    found: dict[str, Any] = {}
    progress.step("following with Eyespot")
    run_own("eyespot.bench.track_own", str(job), str(folder / "own.json"))
    found.update(json.loads((folder / "own.json").read_text()))
    for name in ("trackers", "norfair"):
        python = peer_python(options.cache, name, progress)
        progress.step(f"following with {name}")
        run_peer(python, f"track_{name}.py", str(job), str(folder / f"{name}.json"))
        found.update(json.loads((folder / f"{name}.json").read_text()))
    return found


def _judge(
    options: BenchOptions, jobs: dict[str, Clip], found: dict[str, Any], folder: Path, progress: Progress
) -> Scores:
    """Scores by clip and contender, by TrackEval."""
    python = peer_python(options.cache, "trackers", progress)
    scores: Scores = {}
    for done, (name, clip) in enumerate(jobs.items()):
        progress.step(f"judging {name}")
        progress.fraction(done / len(jobs))
        results = {contender: result["clips"][name] for contender, result in found.items()}
        task = folder / "score.json"
        task.write_text(json.dumps({"truth": clip.truth, "frames": clip.frames, "results": results}))
        scores[name] = run_peer(python, "track_score.py", str(task))
    return scores


def _fill(report: Report, found: dict[str, Any], scores: Scores) -> None:
    counts = list(found[OURS]["updates_per_s"])
    report.rows = [["", "HOTA", "MOTA", "IDF1", "scenes HOTA", "scenes IDF1", *(f"updates/s {n}" for n in counts)]]
    for contender, result in found.items():
        scenes = [scores[name][contender] for name in scores if not name.startswith(REAL)]
        over = {f"scenes_{key}": round(mean(scene[key] for scene in scenes), 2) for key in ("hota", "idf1")}
        real = real_figures([scores[name][contender] for name in scores if name.startswith(REAL)])
        speed = {f"updates_per_s_{count}": value for count, value in result["updates_per_s"].items()}
        if contender != OURS:
            real = {key: value for key, value in real.items() if key in REAL_FIGURES}
        prefix = "" if contender == OURS else contender.lower().replace(" ", "_").replace("-", "") + "_"
        report.figures |= {f"{prefix}{key}": value for key, value in {**real, **over, **speed}.items()}
        shown = [f"{real[key]:.1f}" if key in real else "-" for key in REAL_FIGURES]
        shown += [f"{value:.1f}" for value in over.values()]
        report.rows.append([contender, *shown, *(f"{value:,.0f}" for value in speed.values())])


def real_figures(sets: list[dict[str, float]]) -> dict[str, float]:
    """Medians over the sets of detections, and the worst of the goals' figures; none of no sets."""
    if not sets:
        return {}
    worst = {f"{key}_worst": min(scored[key] for scored in sets) for key in ("hota", "idf1")}
    return {key: round(median(scored[key] for scored in sets), 2) for key in REAL_FIGURES} | worst
