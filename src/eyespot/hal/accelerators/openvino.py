"""OpenVINO on the CPU: reads the same ONNX files; the fastest there for quantised models."""

import contextlib
import ctypes
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from eyespot.hal.accelerators.checks import check_inputs
from eyespot.hal.accelerators.contract import Loaded, Shape, TensorSpec
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

_DTYPES = {"f32": "float32", "f16": "float16", "f64": "float64", "u8": "uint8", "i8": "int8", "i32": "int32",
           "i64": "int64", "boolean": "bool"}  # fmt: skip


class OpenVino:
    """The CPU plugin, one stream, float32 where a model is not quantised, so that results do not depend on the CPU."""

    name = "openvino"

    def available(self) -> bool:
        return importlib.util.find_spec("openvino") is not None

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        try:
            import openvino
        except ImportError as error:
            raise unavailable("OpenVINO is not installed.", "Install eyespot[edge].") from error
        options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "f32",
            "CPU_RUNTIME_CACHE_CAPACITY": 0,
        }
        try:
            core = openvino.Core()
            model = core.read_model(model_path)
            if input_shapes:
                ports = {port: list(shape) for port, shape in zip(model.inputs, input_shapes, strict=True)}
                model.reshape(ports)
            compiled = core.compile_model(model, "CPU", options)
        except (RuntimeError, ValueError) as error:
            raise invalid(f"OpenVINO does not accept {model_path.name}: {_last_line(error)}.") from error
        del model
        _return_freed_memory()
        return _Loaded(compiled)


def _return_freed_memory() -> None:
    """Hand what compiling used and freed back to the system (about 10 MB); glibc alone would keep it."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:300].rstrip(".") if lines else type(error).__name__


def _spec(port: Any) -> TensorSpec:
    shape: Shape = tuple(axis.get_length() if axis.is_static else None for axis in port.get_partial_shape())
    kind = port.get_element_type().get_type_name()
    return TensorSpec(port.get_any_name(), _DTYPES.get(kind, kind), shape)


class _Loaded:
    def __init__(self, compiled: Any) -> None:
        self.inputs = tuple(_spec(port) for port in compiled.inputs)
        self.outputs = tuple(_spec(port) for port in compiled.outputs)
        self._request: Any = compiled.create_infer_request()
        self._order = range(len(self.outputs))

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        check_inputs(self.inputs, inputs)
        try:
            results = self._request.infer(list(inputs), share_inputs=True, share_outputs=True)
        except RuntimeError as error:
            raise EyespotError(Kind.INTERNAL, f"OpenVINO failed: {_last_line(error)}.") from error
        return [results[index] for index in self._order]

    def close(self) -> None:
        self._request = None
