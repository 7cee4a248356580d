"""INT8 variants: static quantisation per channel with QDQ nodes around the convolutions.

Only convolutions by default. Quantising every operation looks like more speed and breaks detectors in ways that no
average of the outputs shows (a padding with minus infinity gets an infinite scale), so ``zoo.gate`` judges each one.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

CONVOLUTIONS = ("Conv",)
MAX_FRAMES = 64


def quantise(
    source: Path,
    target: Path,
    frames: Iterable[NDArray[np.uint8]],
    *,
    op_types: tuple[str, ...] | None = CONVOLUTIONS,
    outputs: bool = True,
) -> None:
    """Write the INT8 form of the ONNX model at ``source`` to ``target``.

    Args:
        source: float32 model with one image input.
        target: file to write.
        frames: pictures ``(H, W, 3)`` uint8 at the model's input size, from which value ranges are measured; at most
            ``MAX_FRAMES`` are used.
        op_types: operations to quantise; None means all that the quantiser knows.
        outputs: quantise what comes out of a convolution too. ONNX Runtime needs it to run the convolution in bytes;
            OpenVINO computes the activation with the convolution and is faster, and exacter, without.
    """
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantiser recommends its own pre-processing through the root logger
    try:
        quantize_static(
            str(source),
            str(target),
            _Frames(_input_name(source), iter(frames)),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(op_types) if op_types is not None else None,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={} if outputs else {"OpTypesToExcludeOutputQuantization": list(CONVOLUTIONS)},
        )
    finally:
        root.setLevel(level)


class _Frames(CalibrationDataReader):  # type: ignore[misc]  # the base class has no types
    def __init__(self, name: str, frames: Iterator[NDArray[np.uint8]]) -> None:
        self._name = name
        self._frames = frames
        self._left = MAX_FRAMES

    def get_next(self) -> dict[str, Any] | None:
        frame = next(self._frames, None) if self._left > 0 else None
        if frame is None:
            return None
        self._left -= 1
        return {self._name: np.ascontiguousarray(frame)[None]}


def _input_name(source: Path) -> str:
    return str(onnx.load(str(source)).graph.input[0].name)
