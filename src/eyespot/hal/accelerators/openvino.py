"""OpenVINO: reads the same ONNX files and TFLite too; on the CPU the fastest for quantised models.

One accelerator a device. The GPU and the NPU of Intel's chips are looked for by their device nodes alone.
"""

import contextlib
import ctypes
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.accelerators.checks import check_inputs
from eyespot.hal.accelerators.contract import Loaded, Presence, Shape, TensorSpec
from eyespot.hal.accelerators.installed import folder_of, not_imported, version_of
from eyespot.kernel.errors import EyespotError, Kind, invalid

_DTYPES = {"f32": "float32", "f16": "float16", "f64": "float64", "u8": "uint8", "i8": "int8", "i32": "int32",
           "i64": "int64", "boolean": "bool"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """One of OpenVINO's devices.

    Attributes:
        name: as an accelerator, for configuration and figures.
        device: OpenVINO's own name.
        nodes: pattern below ``/sys/class`` of its kernel devices, of which one must be Intel's; empty for the CPU.
        plugin: part of the file name of its plug-in in OpenVINO's folder.
        todo: how to get it.
    """

    name: str
    device: str
    nodes: str
    plugin: str
    todo: str
    tested: bool = False


CPU = Device("openvino", "CPU", "", "cpu_plugin", "Install eyespot[edge].", tested=True)
GPU = Device("openvino-gpu", "GPU", "drm/renderD*", "intel_gpu_plugin", "Needs an Intel GPU with its OpenCL driver.")
NPU = Device("openvino-npu", "NPU", "accel/accel*", "intel_npu_plugin", "Needs an Intel NPU with its driver.")
_CLASSES = Path("/sys/class")
_INTEL = "0x8086"
_CONVERTER = "openvino.tools.ovc"
_first_use = threading.Lock()


class OpenVino:
    """One device, one stream. The CPU runs float32 where a model is not quantised, so results do not depend on it."""

    formats = (".onnx", ".tflite")

    def __init__(self, device: Device = CPU) -> None:
        self.name = device.name
        self._device = device

    def presence(self) -> Presence:
        device = self._device
        folder = folder_of("openvino")
        version = version_of("openvino")
        if folder is None:
            why_not = "OpenVINO is not installed."
        elif device.plugin and not any((folder / "libs").glob(f"*{device.plugin}*")):
            why_not = f"The installed OpenVINO has no plug-in for the {device.device}."
        elif device.nodes and not has_intel(device.nodes):
            why_not = f"This machine has no {device.device} of Intel."
        else:
            return Presence(usable=True, version=version, tested=device.tested)
        return Presence(usable=False, version=version, why_not=why_not, todo=device.todo, tested=device.tested)

    def available(self) -> bool:
        return self.presence().usable

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        openvino = _bindings()
        try:
            core = openvino.Core()
            model = core.read_model(model_path)
            if input_shapes:
                _fix_shapes(model, input_shapes)
            loaded = _Loaded(core.compile_model(model, self._device.device, _options(self._device, threads)))
        except (RuntimeError, ValueError) as error:
            raise invalid(f"OpenVINO does not accept {model_path.name}: {_last_line(error)}.") from error
        del model
        _return_freed_memory()
        return loaded


def has_intel(nodes: str, classes: Path = _CLASSES) -> bool:
    """True when the kernel knows a device of Intel's by the pattern ``nodes``."""
    for node in classes.glob(nodes):
        with contextlib.suppress(OSError):
            if (node / "device" / "vendor").read_bytes()[:32].strip() == _INTEL.encode():
                return True
    return False


def _bindings() -> Any:
    """The module `openvino`, without its model converter, and past its first meeting with numpy.

    The converter is of no use on a camera, and to import it reports to Google Analytics from a forked process and
    writes an identifier into the home folder. The bindings look numpy up at their first array, behind a lock of C++
    that keeps the interpreter's: two lanes that came to their first run together waited for each other for ever.
    """
    with _first_use:
        unwanted = _CONVERTER not in sys.modules
        if unwanted:
            sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # the documented way to make an import fail
        try:
            import openvino

            openvino.Tensor(np.zeros(1, np.uint8), shared_memory=True)
        except ImportError as error:
            raise not_imported("OpenVINO", "openvino", error, "eyespot[edge]") from error
        finally:
            if unwanted:
                del sys.modules[_CONVERTER]
    return openvino


def _options(device: Device, threads: int) -> dict[str, Any]:
    if device != CPU:
        return {"PERFORMANCE_HINT": "LATENCY"}
    return {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",
        "CPU_RUNTIME_CACHE_CAPACITY": 0,
    }


def _fix_shapes(model: Any, input_shapes: Sequence[Sequence[int]]) -> None:
    """Set the model's open sizes; raises ``ValueError`` for a shape that contradicts a fixed one."""
    for port, shape in zip(model.inputs, input_shapes, strict=True):
        declared = _spec(port).shape
        if len(shape) != len(declared) or any(
            size not in (None, wish) for size, wish in zip(declared, shape, strict=True)
        ):
            raise ValueError(f"its input {port.get_any_name()} of shape {port.get_partial_shape()} cannot be {shape}")
    model.reshape({port: list(shape) for port, shape in zip(model.inputs, input_shapes, strict=True)})


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
