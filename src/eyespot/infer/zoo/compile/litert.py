"""From ONNX float32 to LiteRT INT8: steps and frames out to a process of the toolchain's, a file and figures back.

The order of checks: the PyTorch network equals the ONNX original, the float TFLite model too, and the INT8 model finds
what the float32 model finds (``zoo.gate``).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.infer.zoo.build import Footage, Judge, run_all
from eyespot.infer.zoo.compile.steps import read_graph
from eyespot.infer.zoo.compile.toolchain import SCRIPTS, Say, Toolchain
from eyespot.infer.zoo.gate import judge
from eyespot.kernel.errors import unavailable


@dataclass(frozen=True, slots=True)
class LiteRtModel:
    """The result; ``figures`` are what the tool measured, ``agreement`` AP50 with the float32 model's detections."""

    path: Path
    agreement: float
    figures: dict[str, Any]


def to_litert(source: Path, work: Path, footage: Footage, judge_by: Judge, tools: Toolchain, say: Say) -> LiteRtModel:
    """Compile the float32 ONNX model ``source`` in folder ``work`` at the size of the footage's frames.

    Raises:
        EyespotError: ``INVALID`` when the graph has an operation that is not known or the gate refuses the result,
            ``UNAVAILABLE`` when the toolchain fails: it names the step.
    """
    say("reading the ONNX graph")
    read_graph(source).save(work)
    say("running the original")
    originals = run_all(source, "onnxruntime", footage.judging)
    np.savez(work / "frames.npz", calibration=np.stack(footage.calibration), judging=np.stack(footage.judging))
    first = {f"output_{place:02d}": array for place, array in enumerate(originals[0])}
    np.savez(work / "expected.npz", allow_pickle=False, **first)
    command = [tools.program("python"), str(SCRIPTS / "to_litert.py"), str(work)]
    printed = tools.run("compiling for LiteRT", command, say)
    try:
        figures: dict[str, Any] = json.loads(printed.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise unavailable(
            "Compiling for LiteRT ended without a result.", f"Remove {tools.folder} and try again."
        ) from error
    say("judging the integer model")
    size_px = footage.judging[0].shape[:2]
    reference = [judge_by.detect(outputs, size_px) for outputs in originals]
    with np.load(work / "found.npz", allow_pickle=False) as found:
        outputs = [[found[f"{number}_{place}"] for place in range(len(first))] for number in range(len(originals))]
    agreement = judge_by.agreement([judge_by.detect(each, size_px) for each in outputs], reference)
    judge("litert-int8", agreement=agreement)
    return LiteRtModel(work / "int8.tflite", agreement, figures)
