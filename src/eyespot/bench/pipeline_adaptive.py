"""The adaptive part of `bench pipeline`: what detecting only when it may bring news saves, and what it costs.

The 1080p30 clip runs through the pipeline twice, detecting in every frame and adaptively; TrackEval judges both against
the sample's ground truth, whose frames are each shown several times in that clip.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import av

from eyespot.bench import clips
from eyespot.bench.peer_env import run_own, run_peer
from eyespot.bench.report import BenchOptions
from eyespot.bench.track_clips import Rows, read_truth

PERSON = 0
"""The label's place in COCO's list, which the default package keeps."""


def compare(options: BenchOptions, clip: Path, same: tuple[str, ...], python: Path, truth: Path) -> dict[str, Any]:
    """Figures ``hota_every``, ``hota_adaptive`` (per cent), ``adaptive_cpu_ms_per_frame`` and ``adaptive_inferences``.

    Args:
        same: clip, package and lanes, as the pipeline takes them.
        python: the interpreter of the peers that judge.
    """
    source = clips.sample(options)
    with av.open(str(source)) as container:
        stream = container.streams.video[0]
        width, height, source_fps = stream.width, stream.height, float(stream.average_rate or 25)
    with av.open(str(clip)) as container:
        repeats = max(1, round(float(container.streams.video[0].average_rate or 25) / source_fps))
    found: dict[str, Rows] = {}
    reports: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, extra in (("every", ()), ("adaptive", ("--adaptive",))):
            tracks = Path(folder) / f"{name}.json"
            state = str(Path(folder) / name)
            reports[name] = run_own("eyespot.edge.pipeline", *same, state, "--tracks", str(tracks), *extra)
            found[name] = people(json.loads(tracks.read_text()), repeats, width, height)
        frames = reports["every"]["frames"] // repeats
        task = Path(folder) / "score.json"
        rows = [row for row in read_truth(truth) if row[0] < frames]
        task.write_text(json.dumps({"truth": rows, "frames": frames, "results": found}))
        scores = run_peer(python, "track_score.py", str(task))
    adaptive = reports["adaptive"]
    return {
        "hota_every": scores["every"]["hota"],
        "hota_adaptive": scores["adaptive"]["hota"],
        "adaptive_cpu_ms_per_frame": round(1000 * adaptive["cpu_s"] / adaptive["frames"], 2),
        "adaptive_inferences": adaptive["inferences"],
    }


def people(tracks: list[list[float]], repeats: int, width: int, height: int) -> Rows:
    """Rows of frame, id, left, top, width, height in the source's pixels, of people in the frames the truth knows."""
    return [
        [frame // repeats, number, x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height]
        for frame, number, label, x1, y1, x2, y2 in tracks
        if label == PERSON and frame % repeats == 0
    ]
