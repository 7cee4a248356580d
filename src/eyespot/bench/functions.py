"""`eyespot bench functions`: what the built-in services say of a clip, beside its ground truth.

They hear what vision would say of the clip, five times a second, and never the truth. Lengths are in heights of the
person's own box. Directions were chosen on the first half of the sample clip, so their figures are of the second half.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import correlation, mean, median
from typing import Any

import numpy as np

from eyespot.bench import clips
from eyespot.bench.clip_tracks import plain_camera, tracks_of
from eyespot.bench.report import BenchOptions, Progress, Report, Target
from eyespot.bench.track import HOW_TO_GET_TRUTH, find_truth
from eyespot.bench.track_clips import PACKAGE, read_truth
from eyespot.contracts.track import TracksMessage
from eyespot.infer.package import ModelPackage
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import unavailable
from eyespot.sdk.rehearsal import Rehearsal
from eyespot.services.direction.app.way import way_of
from eyespot.services.hotspots.app.grid import Cells, Grid
from eyespot.services.hotspots.app.service import Hotspots
from eyespot.services.occupancy.app.counting import PICTURE, numbers, present
from eyespot.vision.boxes import iou

RATE_HZ = 5.0
HORIZONS_S = (1, 2, 3)
LEAST_OVERLAP = 0.5
"""A track is of the person whose true box it overlaps at least so much."""
TARGETS = {"heat_correlation": Target(0.8, "min"), "ahead_2s_ratio": Target(0.6, "max")}
Box = tuple[float, float, float, float]
Truth = dict[int, dict[int, Box]]
"""Frame → person → box ``x1 y1 x2 y2`` in fractions of the picture."""


def run(options: BenchOptions, progress: Progress) -> Report:
    """Detect and follow, then ask each of the three."""
    report = Report("functions", targets=dict(TARGETS))
    path = find_truth(options)
    if path is None:
        raise unavailable(HOW_TO_GET_TRUTH.format(path=options.cache / "footage" / "gt.txt"))
    clip = clips.sample(options)
    progress.step("detecting and following")
    said = tracks_of(clip, ModelPackage.load(options.cache / "models" / PACKAGE), RATE_HZ, plain_camera("front"))
    first = next(clips.frames(clip))
    truth = _truth(path, first.width, first.height)
    fps = _fps(clip)
    frames = [round(message.capture_ns * fps / NS_PER_S) for message in said]
    report.figures |= _counted(said, frames, truth)
    report.figures |= _heat(said, frames, truth)
    report.figures |= _ahead(said, frames, truth, fps)
    report.rows = [["", "value"], *([name, f"{value:g}"] for name, value in report.figures.items())]
    report.notes.append("Staying: the prediction that everybody stays where they are. Tracks that are of nobody, and "
                        "people who are gone by then, are not judged.")  # fmt: skip
    return report


def _counted(said: Sequence[TracksMessage], frames: Sequence[int], truth: Truth) -> dict[str, float]:
    groups = {"people": ("person",)}
    found = [numbers(present(message, groups, ()))[PICTURE]["people"] for message in said]
    wrong = [abs(count - len(truth.get(frame, {}))) for count, frame in zip(found, frames, strict=True)]
    return {
        "people_mean": round(mean(found), 2),
        "people_mean_true": round(mean(len(truth.get(frame, {})) for frame in frames), 2),
        "count_error_mean": round(mean(wrong), 2),
        "count_within_1": round(sum(error <= 1 for error in wrong) / len(wrong), 3),
    }


def _heat(said: Sequence[TracksMessage], frames: Sequence[int], truth: Truth) -> dict[str, float]:
    from eyespot.edge.services.builtin import find_built_in

    with tempfile.TemporaryDirectory() as folder:
        show = Rehearsal(Hotspots, find_built_in("hotspots"), Path(folder))
        for message in said:
            show.tracks(message)
        found: dict[str, Any] = show.ask("map")
    grid, cells = Grid(found["columns"], found["rows"]), Cells()
    for frame in frames:
        for x1, _, x2, y2 in truth.get(frame, {}).values():
            cell = grid.cell(((x1 + x2) / 2, y2))
            cells[cell] = cells.get(cell, 0.0) + 1 / RATE_HZ
    true_s = grid.dense(cells)
    return {
        "heat_correlation": round(correlation(found["seconds"], true_s), 3),
        "heat_total_ratio": round(found["total_s"] / sum(true_s), 3),
    }


def _ahead(said: Sequence[TracksMessage], frames: Sequence[int], truth: Truth, fps: float) -> dict[str, float]:
    errors: dict[int, list[tuple[float, float]]] = {horizon_s: [] for horizon_s in HORIZONS_S}
    for message, frame in zip(said, frames, strict=True):
        if frame < frames[-1] / 2 or frame % round(fps):
            continue
        for track in message.tracks:
            person = _whose(track.box, truth.get(frame, {})) if track.label == "person" else None
            if person is None:
                continue
            way, (_, top, _, foot) = way_of(track, message.aspect), truth[frame][person]
            for horizon_s, found in errors.items():
                then = truth.get(frame + round(horizon_s * fps), {}).get(person)
                if then is not None:
                    place = (then[0] + then[2]) / 2 * message.aspect, then[3]
                    ahead, stays = math.dist(way.ahead(horizon_s), place), math.dist(way.foot, place)
                    found.append((ahead / (foot - top), stays / (foot - top)))
    return _told(errors)


def _told(errors: dict[int, list[tuple[float, float]]]) -> dict[str, float]:
    figures: dict[str, float] = {}
    kinds: dict[str, Callable[[list[float]], float]] = {
        "": median,
        "_p90": lambda found: sorted(found)[len(found) * 9 // 10],
    }
    for horizon_s, found in errors.items():
        figures[f"ahead_{horizon_s}s_judged"] = len(found)
        for name, of in kinds.items():
            ours, stays = (of([pair[place] for pair in found]) for place in (0, 1))
            figures[f"ahead_{horizon_s}s_error{name}"] = round(ours, 3)
            figures[f"ahead_{horizon_s}s_staying{name}"] = round(stays, 3)
        figures[f"ahead_{horizon_s}s_ratio"] = round(
            figures[f"ahead_{horizon_s}s_error"] / figures[f"ahead_{horizon_s}s_staying"], 3
        )
    return figures


def _whose(box: Box, people: dict[int, Box]) -> int | None:
    if not people:
        return None
    overlaps = iou(np.array([box], np.float32), np.array(list(people.values()), np.float32))[0]
    best = int(overlaps.argmax())
    return list(people)[best] if overlaps[best] >= LEAST_OVERLAP else None


def _truth(path: Path, width_px: int, height_px: int) -> Truth:
    truth: Truth = {}
    for frame, number, left, top, width, height in read_truth(path):
        box = left / width_px, top / height_px, (left + width) / width_px, (top + height) / height_px
        truth.setdefault(int(frame), {})[int(number)] = box
    return truth


def _fps(clip: Path) -> float:
    import av

    with av.open(str(clip)) as container:
        return float(container.streams.video[0].average_rate or 25)
