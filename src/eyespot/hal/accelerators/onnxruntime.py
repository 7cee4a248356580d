"""ONNX Runtime: on the CPU it runs everything and is the reference for every other accelerator.

One accelerator an execution provider. A provider that takes no part of a model is refused, so that what is called
``onnxruntime-cuda`` never runs on the CPU alone; the CPU still runs the nodes that a provider leaves.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from eyespot.hal.accelerators import onnxruntime_providers as providers
from eyespot.hal.accelerators.checks import check_inputs, first_line
from eyespot.hal.accelerators.contract import Loaded, Presence, Shape, TensorSpec
from eyespot.hal.accelerators.installed import not_imported
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

_DTYPES = {
    "tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(uint8)": "uint8",
    "tensor(int8)": "int8", "tensor(int32)": "int32", "tensor(int64)": "int64", "tensor(bool)": "bool",
}  # fmt: skip
_NO_FALLBACK = {"enable_fallback": 0}
"""Left on, the runtime would go on with the CPU, and print so, when a provider fails while it loads or runs."""


class OnnxRuntime:
    """One execution provider of the runtime; the CPU unless told otherwise."""

    formats = (".onnx",)

    def __init__(self, provider: providers.Provider = providers.CPU) -> None:
        self.name = provider.name
        self._provider = provider

    def presence(self) -> Presence:
        return providers.presence(self._provider)

    def available(self) -> bool:
        return self.presence().usable

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        try:
            import onnxruntime
        except ImportError as error:
            raise not_imported("ONNX Runtime", "onnxruntime", error, "eyespot[edge]") from error
        try:
            return _Loaded(self._session(onnxruntime, model_path, threads, input_shapes))
        except Exception as error:  # the runtime raises a private class per failure, all derived from Exception alone
            if isinstance(error, EyespotError):
                raise
            raise invalid(f"ONNX Runtime does not accept {model_path.name}: {first_line(error)}.") from error

    def _session(
        self, runtime: Any, model_path: Path, threads: int, input_shapes: Sequence[Sequence[int]] | None
    ) -> Any:
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.inter_op.allow_spinning", "0")
        if input_shapes:
            for name, size in _free_dimensions(runtime, model_path, input_shapes).items():
                options.add_free_dimension_override_by_name(name, size)
        wanted: list[Any] = [providers.CPU.execution]
        if self._provider != providers.CPU:
            if self._provider.execution not in runtime.get_available_providers():
                raise unavailable(f"The installed ONNX Runtime has no {self._provider.execution}.", self._provider.todo)
            wanted.insert(0, (self._provider.execution, dict(self._provider.options)))
        session = runtime.InferenceSession(str(model_path), options, providers=wanted, **_NO_FALLBACK)
        if session.get_providers()[0] != self._provider.execution:
            raise unavailable(f"{self._provider.execution} does not start here.", "Look at its driver and libraries.")
        return session


def _free_dimensions(runtime: Any, model_path: Path, input_shapes: Sequence[Sequence[int]]) -> dict[str, int]:
    """The named open sizes of the model's inputs, set to ``input_shapes``."""
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    probe = runtime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"], **_NO_FALLBACK)
    sizes: dict[str, int] = {}
    for item, shape in zip(probe.get_inputs(), input_shapes, strict=True):
        for axis, size in zip(item.shape, shape, strict=True):
            if isinstance(axis, str) and sizes.setdefault(axis, size) != size:
                raise invalid(f"Size '{axis}' of {model_path.name} cannot be {sizes[axis]} and {size} at once.")
            if isinstance(axis, int) and axis != size:
                raise invalid(
                    f"Input {item.name} of {model_path.name} has shape {item.shape}; it cannot be {list(shape)}."
                )
    return sizes


def _spec(item: Any) -> TensorSpec:
    shape: Shape = tuple(size if isinstance(size, int) else None for size in item.shape)
    return TensorSpec(item.name, _DTYPES.get(item.type, item.type), shape)


class _Loaded:
    def __init__(self, session: Any) -> None:
        self._session: Any = session
        self.inputs = tuple(_spec(item) for item in session.get_inputs())
        self.outputs = tuple(_spec(item) for item in session.get_outputs())
        self._output_names = [spec.name for spec in self.outputs]

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        check_inputs(self.inputs, inputs)
        feed = {spec.name: array for spec, array in zip(self.inputs, inputs, strict=True)}
        try:
            outputs: list[NDArray[Any]] = self._session.run(self._output_names, feed)
        except Exception as error:  # private classes per failure, as in load
            raise EyespotError(Kind.INTERNAL, f"ONNX Runtime failed: {first_line(error)}.") from error
        return outputs

    def close(self) -> None:
        self._session = None
