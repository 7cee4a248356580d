"""The batch rows of `bench infer`: does one run of N pictures cost less a picture than N runs do?

The zoo's graphs take one picture. Each ONNX variant is copied with its first axis left open, which changes no number in
it, and runs N pictures at a time beside the single runs, turn by turn. Outputs must equal those of single runs.
"""

import importlib.util
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from eyespot.bench.report import Progress, Report
from eyespot.hal.accelerators.chooser import known
from eyespot.hal.accelerators.contract import Accelerator, Loaded
from eyespot.infer.fit.measured import ON_CPU
from eyespot.infer.fit.speed import measure
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Image
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, corrupt

SIZES = (2, 4, 8)
ENDING = ".onnx"
NEARLY = 1e-4
"""Outputs are sums of floats, and a runtime may add in another order for several pictures."""


def add(
    report: Report, package: ModelPackage, size_px: tuple[int, int], turns: int, window_s: float, progress: Progress
) -> None:
    """Figures ``batch_N_VARIANT_ACCELERATOR``: time of N single runs by that of one run of N, medians.

    Above 1 the batch is the faster one. On the processor it is processor time, so that other load hardly counts.
    ``turns`` pairs of windows of ``window_s`` are taken, one lane of one thread.
    """
    if importlib.util.find_spec("onnx") is None:
        report.notes.append("Batches were left out: onnx is not installed. Install eyespot[zoo].")
        return
    progress.step("batches")
    variants = [item for item in package.document.variants if item.estimate is None and item.file.endswith(ENDING)]
    usable = [item for item in known() if item.available() and ENDING in item.formats]
    with tempfile.TemporaryDirectory() as folder:
        for place, variant in enumerate(variants):
            opened = open_batch(package.verify(variant), Path(folder) / variant.file)
            for silicon in usable:
                try:
                    gains = {count: gain(silicon, opened, size_px, count, turns, window_s) for count in SIZES}
                except EyespotError as error:
                    report.notes.append(f"{variant.name} on {silicon.name} runs no batches: {error.what}")
                    continue
                name = f"{variant.name}_{silicon.name}".replace("-", "_")
                report.figures |= {f"batch_{count}_{name}": value for count, value in gains.items()}
                told = ", ".join(f"{value:.2f} for {count}" for count, value in gains.items())
                report.notes.append(f"batches, {variant.name} on {silicon.name}: gain {told} pictures a run")
            progress.fraction((place + 1) / len(variants))


def open_batch(source: Path, target: Path) -> Path:
    """A copy of the ONNX file at ``source`` whose first axis is open; ``target``."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(source)
    for item in (*model.graph.input, *model.graph.output):
        item.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for tensor in model.graph.initializer:
        if tensor.name in shapes:
            shape = numpy_helper.to_array(tensor).copy()
            shape[0] = 0  # as in the input
            tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))
    onnx.save(model, target)
    return target


def gain(silicon: Accelerator, path: Path, size_px: tuple[int, int], count: int, turns: int, window_s: float) -> float:
    """See ``add``; raises ``CORRUPT`` when a batch's outputs are others than single runs'."""
    pictures = np.random.default_rng(count).integers(0, 256, (count, *size_px, 3), np.uint8)
    one = silicon.load(path, 1, input_shapes=[(1, *pictures.shape[1:])])
    many = silicon.load(path, 1, input_shapes=[pictures.shape])
    try:
        check_equal(one, many, pictures)
        ratios = []
        for _ in range(turns):
            single = measure([lambda: one.run([pictures[:1]])], window_s, SystemClock())
            batch = measure([lambda: many.run([pictures])], window_s, SystemClock())
            on_cpu = silicon.name in ON_CPU
            ratios.append(count * (single.cpu_ms / batch.cpu_ms if on_cpu else single.ms / batch.ms))
        return round(median(ratios), 3)
    finally:
        one.close()
        many.close()


def check_equal(one: Loaded, many: Loaded, pictures: Image) -> None:
    """Raise ``CORRUPT`` unless one run of all ``pictures`` gives what a run of each gives."""
    together = [array.copy() for array in many.run([pictures])]
    for place in range(len(pictures)):
        alone = one.run([pictures[place : place + 1]])
        for all_of_it, part in zip(together, alone, strict=True):
            if not np.allclose(all_of_it[place], part[0], rtol=NEARLY, atol=NEARLY):
                raise corrupt("A batch gives other outputs than single runs.")
