"""`eyespot bench pipeline`: the whole pipeline on every frame, against its bare limit and a Python user's loop.

Ours decodes, detects in every frame, tracks, applies rules, stores events and records. The limit decodes and infers
with the same model on the same lanes and does nothing else. The loop is OpenCV, ONNX Runtime fp32 and ByteTrack.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.bench import clips
from eyespot.bench.peer_env import peer_python, run_own, run_peer
from eyespot.bench.pipeline_adaptive import compare
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.bench.track import find_truth
from eyespot.infer.package import ModelPackage

LANES = 2
START_S, SLOWEST = 300.0, 20.0
"""A contender that takes longer than the start and so many times the clip's length is stuck."""
CLIPS = {"clip_768": clips.as_h264, "clip_1080p30": clips.as_1080p30}
TARGETS = {
    "ratio_to_limit": Target(0.90, "min"),
    "ratio_to_loop": Target(2.6, "min"),
}
ADAPTIVE_TARGETS = {"cpu_ratio_same_hota": Target(4.0, "min"), "hota_lost": Target(1.0, "max")}
"""Of detecting when it may bring news only: the loop's CPU-seconds by ours, and what that costs."""
PAIRS = 3
"""Ours and the limit take a few seconds each, so a moment of other load spoils one: several pairs a round."""
Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """What one round's runs reported: pairs of ours and the limit, and the loop."""

    pairs: list[tuple[Said, Said]]
    loop: Said


def run(options: BenchOptions, progress: Progress) -> Report:
    """All three in turn on both clips; every ratio is taken within its pair or round, and the worse clip counts."""
    package = ModelPackage.load(options.cache / "models" / "nanodet-g")
    order = package.document.input.order
    float_model = package.path(package.variant("onnx-fp32"))
    python = peer_python(options.cache, "trackers", progress)
    report = Report("pipeline", targets=TARGETS)
    report.rows = [["clip", "Eyespot frames/s", "limit frames/s", "loop frames/s", "to limit", "to loop"]]
    rounds = 1 if options.quick else options.rounds
    for name, make in CLIPS.items():
        clip = make(options, progress)
        limit_s = START_S + SLOWEST * clips.length_s(clip)
        same = (str(clip), str(package.folder), str(LANES))
        taken: list[Round] = []
        for number in range(rounds):
            progress.step(f"{name}, round {number + 1} of {rounds}")
            pairs = []
            for pair in range(1 if options.quick else PAIRS):
                limit = run_own("eyespot.bench.pipeline_limit", *same, limit_s=limit_s)
                with tempfile.TemporaryDirectory() as state:
                    pairs.append((run_own("eyespot.edge.pipeline", *same, state, limit_s=limit_s), limit))
                progress.fraction((pair + 1) * 0.2)
            loop = run_peer(python, "loop_pipeline.py", str(clip), str(float_model), order, limit_s=limit_s)
            taken.append(Round(pairs, loop))
        _note(report, name, taken)
    _add_adaptive(report, options, progress, package, python)
    for ratio in TARGETS:
        report.figures[ratio] = min(float(str(report.figures[f"{ratio}_{name}"])) for name in CLIPS)
    report.notes.append(
        f"{LANES} lanes of one thread for ours and the limit; the loop has ONNX Runtime's default threads. Clips are "
        "H.264 files read as fast as they go; ours also records them. Medians of ratios taken pair by pair."
    )
    return report


def _add_adaptive(
    report: Report, options: BenchOptions, progress: Progress, package: ModelPackage, python: Path
) -> None:
    """The adaptive run on the 1080p30 clip, where the ground truth is at hand."""
    name = "clip_1080p30"
    truth = find_truth(options)
    if truth is None:
        report.notes.append("No ground truth: adaptive detection was left out. See `eyespot bench track`.")
        return
    progress.step("adaptive detection")
    clip = CLIPS[name](options, progress)
    found = compare(options, clip, (str(clip), str(package.folder), str(LANES)), python, truth)
    loop_ms = float(str(report.figures[f"loop_cpu_ms_per_frame_{name}"]))
    report.targets = {**report.targets, **ADAPTIVE_TARGETS}
    report.figures |= found | {
        "cpu_ratio_same_hota": round(loop_ms / found["adaptive_cpu_ms_per_frame"], 2),
        "hota_lost": round(found["hota_every"] - found["hota_adaptive"], 2),
    }


def _note(report: Report, name: str, rounds: list[Round]) -> None:
    pairs = [pair for each in rounds for pair in each.pairs]
    to_limit = middle([_speed(ours) / _speed(limit) for ours, limit in pairs])
    to_loop = middle([_speed(ours) / _speed(each.loop) for each in rounds for ours, _ in each.pairs])
    ours, limit = (middle([_speed(pair[place]) for pair in pairs], 1) for place in (0, 1))
    loop = middle([_speed(each.loop) for each in rounds], 1)
    last = rounds[-1]
    report.figures |= {
        f"ratio_to_limit_{name}": to_limit,
        f"ratio_to_loop_{name}": to_loop,
        f"frames_per_s_{name}": ours,
        f"limit_frames_per_s_{name}": limit,
        f"loop_frames_per_s_{name}": loop,
        f"cpu_ms_per_frame_{name}": middle([_cpu_ms(ours) for ours, _ in pairs], 2),
        f"limit_cpu_ms_per_frame_{name}": middle([_cpu_ms(limit) for _, limit in pairs], 2),
        f"loop_cpu_ms_per_frame_{name}": middle([_cpu_ms(each.loop) for each in rounds], 2),
        f"frames_{name}": last.pairs[-1][0]["frames"],
        f"tracks_{name}": last.pairs[-1][0]["tracks"],
        f"loop_tracks_{name}": last.loop["tracks"],
    }
    report.rows.append([name, str(ours), str(limit), str(loop), str(to_limit), str(to_loop)])


def _speed(said: Said) -> float:
    """Frames a second."""
    return float(said["timed"] / said["seconds"])


def _cpu_ms(said: Said) -> float:
    """Processor time a frame."""
    return float(1000 * said["cpu_s"] / said["frames"])
