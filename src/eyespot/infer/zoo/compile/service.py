"""Compiles one package for several targets, reads top to bottom in ``compile_package``.

Everything is made in a folder of its own; the package changes in one step at the end, or not at all.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.hal.board import read_board
from eyespot.infer.package import Accuracy, Latency, ModelPackage, Variant
from eyespot.infer.zoo.build import Footage, Tools, judge_variant, latencies
from eyespot.infer.zoo.compile.litert import to_litert
from eyespot.infer.zoo.compile.package import NewVariant, add_variants, digest_of
from eyespot.infer.zoo.compile.targets import LITERT, NPUS, OPENVINO
from eyespot.infer.zoo.compile.toolchain import toolchain
from eyespot.infer.zoo.compile.vela import to_ethos_u
from eyespot.kernel.errors import invalid, unavailable

SOURCE = "onnx-fp32"
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True)
class Job:
    """A package, the targets' full names, and where toolchains live."""

    package: ModelPackage
    targets: Sequence[str]
    cache: Path


def compile_package(job: Job, tools: Tools) -> ModelPackage:
    """The package with a new variant for each target, replaced where there was one.

    ``ethos-u…`` is made from ``litert-int8``, which is made (and added) first where the package lacks it at that size.

    Raises:
        EyespotError: ``UNAVAILABLE`` when there is no footage or a toolchain fails (it names the step), ``INVALID``
            when the model cannot be compiled or the quality gate refuses the result; the package is as it was.
    """
    package = job.package
    source = package.verify(_source(package))
    tools.step("reading footage", 0.0)
    footage = tools.footage()
    if footage is None:
        raise unavailable("Compiling to integers needs real footage.", "Run scripts/sample-clip and try again.")
    parent = job.cache / "compile"
    parent.mkdir(parents=True, exist_ok=True)
    added: list[NewVariant] = []
    with tempfile.TemporaryDirectory(dir=parent, prefix=".work-") as name:
        work = Path(name)
        if OPENVINO in job.targets:
            added.append(_openvino(source, work, footage, tools))
        npus = [NPUS[target] for target in job.targets if target in NPUS]
        if LITERT in job.targets or npus:
            lite = None if LITERT in job.targets else _there(package, footage)
            if lite is None:
                lite = _litert(job, source, work, footage, tools)
                added.append(lite)
            for number, npu in enumerate(npus):
                added.append(_ethos_u(job, lite, npu.name, work, tools, at=0.8 + 0.2 * number / len(npus)))
        tools.step("writing the package", 1.0)
        return add_variants(package, added)


def _source(package: ModelPackage) -> Variant:
    for variant in package.document.variants:
        if variant.name == SOURCE:
            return variant
    raise invalid(
        f"Model package {package.name} has no variant {SOURCE}: there is nothing to compile from.",
        "Only a package with its float32 network can be compiled.",
    )


def _there(package: ModelPackage, footage: Footage) -> NewVariant | None:
    """The package's own INT8 variant for LiteRT, if it is for this size."""
    height_px, width_px = footage.judging[0].shape[:2]
    for variant in package.document.variants:
        if variant.name == LITERT and (variant.height_px, variant.width_px) == (height_px, width_px):
            return NewVariant(package.verify(variant), variant)
    return None


def _litert(job: Job, source: Path, work: Path, footage: Footage, tools: Tools) -> NewVariant:
    def say(text: str) -> None:
        tools.step(text, 0.3)

    made = to_litert(source, work, footage, tools.judge, toolchain(job.cache, "litert", say), say)
    height_px, width_px = footage.judging[0].shape[:2]
    row = Latency(
        accelerator="litert",
        width_px=width_px,
        height_px=height_px,
        ms=round(float(made.figures["ms"]), 3),
        cpu=read_board().cpu,
    )
    return NewVariant(made.path, _described(LITERT, footage, made.agreement, (row,)))


def _ethos_u(job: Job, lite: NewVariant, name: str, work: Path, tools: Tools, *, at: float) -> NewVariant:
    def say(text: str) -> None:
        tools.step(text, at)

    npu = NPUS[name]
    made = to_ethos_u(lite.path, digest_of(lite.path), npu, work, toolchain(job.cache, "vela", say), say)
    known = lite.described
    width_px, height_px = known.width_px or 0, known.height_px or 0
    row = Latency(accelerator=name, width_px=width_px, height_px=height_px, ms=made.ms, origin="estimated")
    described = known.model_copy(update={"name": name, "latency": (row,), "estimate": made.estimate})
    return NewVariant(made.path, described)


def _openvino(source: Path, work: Path, footage: Footage, tools: Tools) -> NewVariant:
    from eyespot.infer.zoo.quantise import quantise

    tools.step(f"quantising {OPENVINO}", 0.1)
    path = work / f"{OPENVINO}.onnx"
    quantise(source, path, footage.calibration, outputs=False)
    agreement = judge_variant(OPENVINO, path, source, footage, tools.judge)
    height_px, width_px = footage.judging[0].shape[:2]
    rows = latencies([path], height_px, width_px, tools)[path]
    described = _described(OPENVINO, footage, agreement, rows)
    return NewVariant(path, described.model_copy(update={"width_px": None, "height_px": None}))


def _described(name: str, footage: Footage, agreement: float, rows: tuple[Latency, ...]) -> Variant:
    height_px, width_px = footage.judging[0].shape[:2]
    accuracy = Accuracy(
        footage=footage.name, frames=len(footage.judging), agreement_ap50=round(agreement, 4), label="person"
    )
    return Variant(
        name=name,
        file=name,
        sha256=_NO_DIGEST,
        size_bytes=1,
        width_px=width_px,
        height_px=height_px,
        accuracy=accuracy,
        latency=rows,
    )
