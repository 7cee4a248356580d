"""The clips that trackers are compared on: detections of a real clip with its ground truth, and synthetic scenes."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from eyespot.bench import clips
from eyespot.bench.report import BenchOptions, Progress
from eyespot.bench.track_scenes import KINDS, Scene, scene
from eyespot.contracts.detections import Detections
from eyespot.infer.package import Input, ModelPackage
from eyespot.infer.session import open_session
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import invalid, unavailable
from eyespot.media import pixels
from eyespot.vision import boxes
from eyespot.vision.heads import nanodet
from eyespot.vision.heads.registry import find_head

Rows = list[list[float]]
PACKAGE = "nanodet-g"
LEAST_SCORE = 0.1
LEAST_SIDE_PX = 64
SCENE_HEIGHT_PX = 720


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip for a job (see peers/track_common.py) and its truth: rows of frame, id, left, top, width, height."""

    job: dict[str, Any]
    truth: Rows

    @property
    def frames(self) -> int:
        return len(self.job["frames"])


def read_truth(path: Path) -> Rows:
    """Ground truth in MOTChallenge format, frames counted from 0, rows marked as ignored left out."""
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except FileNotFoundError as error:
        raise unavailable(f"There is no ground truth {path}.", "Give --gt FILE in MOTChallenge format.") from error
    except ValueError as error:
        raise invalid(f"{path} is not MOTChallenge ground truth: {error}.", "Expected numbers with commas.") from error
    if table.shape[1] < 6:
        raise invalid(f"{path} has {table.shape[1]} columns.", "MOTChallenge has frame,id,left,top,width,height,…")
    if table.shape[1] > 6:
        table = table[table[:, 6] > 0]
    rows: Rows = np.column_stack((table[:, 0] - 1, table[:, 1:6])).tolist()
    return rows


def real_clips(options: BenchOptions, truth: Path, progress: Progress) -> dict[str, Clip]:
    """The person's clip, or the sample, with its truth and detections of the default model at several input sizes.

    Identities hang on a few moments, and on what the detector makes of them: one set of detections says little. The
    sets are kept in the cache. One size in a quick run, or where the model runs at one only.
    """
    source = clips.sample(options)
    package = ModelPackage.load(options.cache / "models" / PACKAGE)
    with av.open(str(source)) as container:
        aspect = container.streams.video[0].width / container.streams.video[0].height
    sizes = input_sizes(package.document.input, aspect)[: 1 if options.quick else None]
    rows = read_truth(truth)
    return {f"{height}x{width}": _real_clip(options, source, package, (height, width), rows, progress)
            for height, width in sizes}  # fmt: skip


def input_sizes(model: Input, aspect: float) -> list[tuple[int, int]]:
    """Heights and widths to detect at: what the product would use, then one step smaller and one larger."""
    steps = (0, -model.multiple_px, model.multiple_px) if model.multiple_px else (0,)
    sides = [(model.height_px + step, model.width_px + step) for step in steps]
    models = [model.model_copy(update={"height_px": h, "width_px": w}) for h, w in sides if min(h, w) >= LEAST_SIDE_PX]
    return list(dict.fromkeys(each.fit(aspect) for each in models))


def _real_clip(
    options: BenchOptions,
    source: Path,
    package: ModelPackage,
    size_px: tuple[int, int],
    truth: Rows,
    progress: Progress,
) -> Clip:
    told = f"{source.stat().st_size}:{size_px}:{package.document.model_dump_json()}:{_code()}"
    kept = options.cache / "bench" / f"detections-{source.stem}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.npz"
    if not kept.exists():
        progress.step(f"detecting in {source.name} at {size_px[1]}x{size_px[0]} (once)")
        _detect(source, package, size_px, kept, progress)
    with np.load(kept) as data:
        table, size, fps = data["table"], data["size"], float(data["fps"])
    frames = [table[table[:, 0] == number, 1:].tolist() for number in range(int(size[2]))]
    return Clip({"fps": fps, "width": int(size[0]), "height": int(size[1]), "frames": frames}, truth)


def _code() -> str:
    """Of what turns pictures into detections beside the model: other code finds other objects."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in (pixels, boxes, nanodet))
    return hashlib.sha256(text).hexdigest()


def _detect(source: Path, package: ModelPackage, size_px: tuple[int, int], target: Path, progress: Progress) -> None:
    document = package.document
    head = find_head(document.head)
    rows: list[Any] = []
    with av.open(str(source)) as container:
        video = container.streams.video[0]
        width, height = video.width, video.height
        fps = float(video.average_rate or 25)
        session = open_session(package, threads=2, size_px=size_px)
        total = video.frames or 1000
        number = 0
        for number, frame in enumerate(container.decode(video), start=1):
            input_height, input_width = session.input_px
            picture = frame.to_ndarray(format=f"{document.input.order}24", width=input_width, height=input_height)
            found = head(
                session.run(picture.astype(np.uint8, copy=False)),
                labels=document.labels,
                score_threshold=LEAST_SCORE,
                capture_ns=round((number - 1) * NS_PER_S / fps),
                aspect=width / height,
                input_px=session.input_px,
            )
            rows += _people(found, number - 1, document.labels, width, height)
            progress.fraction(number / total)
        session.close()
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part.npz")
    np.savez_compressed(part, table=np.array(rows).reshape(-1, 6), size=[width, height, number], fps=fps)
    part.rename(target)


def _people(found: Detections, number: int, labels: Any, width: int, height: int) -> list[list[float]]:
    person = list(labels).index("person")
    here = found.labels == person
    boxes = found.boxes[here] * np.array([width, height, width, height])
    return [[number, *box, score] for box, score in zip(boxes.tolist(), found.scores[here].tolist(), strict=True)]


def synthetic_clips() -> dict[str, Clip]:
    """Four synthetic scenes, each with its own frame rate, shape, sizes and speeds."""
    return {kind.name: _from_scene(scene(kind, seed=7), kind.fps) for kind in KINDS}


def _from_scene(made: Scene, fps: float) -> Clip:
    height = SCENE_HEIGHT_PX
    width = round(made.aspect * height)
    truth: Rows = [[row[0], row[1], *(value * height for value in row[2:])] for row in made.truth]
    job = {"fps": fps, "width": width, "height": height, "frames": [_table(d, width, height) for d in made.detections]}
    return Clip(job, truth)


def _table(found: Detections, width: int, height: int) -> Rows:
    rows: Rows = np.column_stack((found.boxes * np.array([width, height, width, height]), found.scores)).tolist()
    return rows


def speed_clip(objects: int) -> dict[str, Any]:
    """A clip for timing: ``objects`` that drift across the picture, all detected in every frame."""
    random = np.random.default_rng(objects)
    width, height, fps = 1920, 1080, 10.0
    frames = 300 if objects < 50 else 60 if objects < 200 else 20
    tall = 130.0 if objects < 50 else 40.0
    columns = int(np.ceil((objects * 16 / 9) ** 0.5))
    grid = np.arange(objects)
    centres = np.stack((grid % columns + 0.5, grid // columns + 0.5), axis=1) * [width / columns, width / columns]
    pace = random.normal(0.0, 0.15 * tall, (objects, 2))
    rows = []
    for frame in range(frames):
        here = centres + pace * frame / fps + random.normal(0.0, 0.02 * tall, centres.shape)
        size = np.array([0.4 * tall, tall]) / 2
        table = np.column_stack((here - size, here + size, random.uniform(0.45, 0.9, objects)))
        rows.append(table.tolist())
    return {"fps": fps, "width": width, "height": height, "frames": rows}
