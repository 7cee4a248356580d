"""LiteRT: TFLite models on the CPU through XNNPACK, and on NPUs through external delegates.

A delegate is a chip maker's shared library. Those with well-known names are offered when their file is there; others
are named by path in ``$EYESPOT_LITERT_DELEGATES`` (see docs/guide/hardware.md). Outputs are copies: LiteRT refuses to
run while anybody looks at its memory.
"""

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.accelerators.checks import check_inputs, first_line
from eyespot.hal.accelerators.contract import Loaded, Presence, Shape, TensorSpec
from eyespot.hal.accelerators.installed import folder_of, not_imported, version_of
from eyespot.kernel.config import read_env
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

DELEGATES = "LITERT_DELEGATES"
"""``$EYESPOT_LITERT_DELEGATES``: ``NAME=/path/to/lib.so``, several with commas between."""
WELL_KNOWN = {
    "ethosu": "libethosu_delegate.so",
    "vx": "libvx_delegate.so",
    "edgetpu": "libedgetpu.so.1",
    "armnn": "libarmnnDelegate.so",
    "teflon": "libteflon.so",
}
"""Name → file: Arm Ethos-U, VeriSilicon, Coral Edge TPU, Arm NN, and Mesa's NPU drivers."""
MAX_DELEGATES = 8
_FOLDERS = ("/usr/lib", "/usr/lib/aarch64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,30}")
_IDENTIFIER = b"TFL3"
_LEAST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Delegate:
    """An external delegate: ``name`` is part of the accelerator's, ``library`` where its code is."""

    name: str
    library: Path


class LiteRt:
    """The runtime, with a delegate or without."""

    formats = (".tflite",)

    def __init__(self, delegate: Delegate | None = None) -> None:
        self.name = f"litert-{delegate.name}" if delegate else "litert"
        self._delegate = delegate

    def presence(self) -> Presence:
        version = version_of("ai-edge-litert")
        tested = self._delegate is None
        if folder_of("ai_edge_litert") is None:
            return Presence(
                usable=False, why_not="LiteRT is not installed.", todo="Install eyespot[litert].", tested=tested
            )
        if self._delegate and not self._delegate.library.is_file():
            why_not = f"There is no delegate library {self._delegate.library}."
            return Presence(usable=False, version=version, why_not=why_not, todo=f"Correct EYESPOT_{DELEGATES}.")
        return Presence(usable=True, version=version, tested=tested)

    def available(self) -> bool:
        return self.presence().usable

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        try:
            from ai_edge_litert.interpreter import Interpreter, load_delegate
        except ImportError as error:
            raise not_imported("LiteRT", "ai_edge_litert", error, "eyespot[litert]") from error
        _check_file(model_path)
        delegates = []
        if self._delegate:
            try:
                ctypes.CDLL(str(self._delegate.library))  # LiteRT trips over its own clean-up when this fails
                delegates = [load_delegate(str(self._delegate.library))]
            except (ValueError, OSError, AttributeError) as error:
                raise unavailable(
                    f"Delegate {self._delegate.library} does not load: {first_line(error)}.", "Check its driver."
                ) from error
        try:
            interpreter = Interpreter(str(model_path), experimental_delegates=delegates or None, num_threads=threads)
            _resize(interpreter, input_shapes)
            interpreter.allocate_tensors()
            return _Loaded(interpreter, fixed=input_shapes is not None)
        except (ValueError, RuntimeError, TypeError) as error:
            raise invalid(f"LiteRT does not accept {model_path.name}: {first_line(error)}.") from error


def delegates(folders: Sequence[str] = _FOLDERS) -> list[Delegate]:
    """The delegates named in the environment, then the well-known that are installed; at most ``MAX_DELEGATES``."""
    found: dict[str, Delegate] = {}
    for word in (read_env(DELEGATES) or "").split(","):
        name, equals, path = word.strip().partition("=")
        if equals and _NAME.fullmatch(name) and Path(path).is_absolute():
            found.setdefault(name, Delegate(name, Path(path)))
    for name, file in WELL_KNOWN.items():
        for folder in folders:
            if (Path(folder) / file).is_file():
                found.setdefault(name, Delegate(name, Path(folder) / file))
    return list(found.values())[:MAX_DELEGATES]


def _check_file(path: Path) -> None:
    """Refuse what is no TFLite file at all before native code reads it: bytes 4 to 8 are the format's identifier."""
    try:
        with path.open("rb") as file:
            head = file.read(_LEAST_BYTES)
    except OSError as error:
        raise invalid(f"LiteRT does not accept {path.name}: {error.strerror}.") from error
    if len(head) < _LEAST_BYTES or head[4:8] != _IDENTIFIER:
        raise invalid(f"LiteRT does not accept {path.name}: it is no TFLite model.")


def _resize(interpreter: Any, input_shapes: Sequence[Sequence[int]] | None) -> None:
    """Set the open sizes; ``strict`` lets the runtime refuse to change a fixed one."""
    if input_shapes is None:
        return
    for item, shape in zip(interpreter.get_input_details(), input_shapes, strict=True):
        if tuple(item["shape"]) != tuple(shape):
            interpreter.resize_tensor_input(item["index"], list(shape), strict=True)


def _spec(item: Any, *, fixed: bool) -> TensorSpec:
    sizes = item["shape"] if fixed else item["shape_signature"]
    shape: Shape = tuple(int(size) if size >= 0 else None for size in sizes)
    return TensorSpec(str(item["name"]), np.dtype(item["dtype"]).name, shape)


class _Loaded:
    def __init__(self, interpreter: Any, *, fixed: bool) -> None:
        self._interpreter: Any = interpreter
        details, results = interpreter.get_input_details(), interpreter.get_output_details()
        self.inputs = tuple(_spec(item, fixed=fixed) for item in details)
        self.outputs = tuple(_spec(item, fixed=fixed) for item in results)
        self._input_at = [item["index"] for item in details]
        self._output_at = [item["index"] for item in results]
        self._shapes = [tuple(item["shape"]) for item in details]

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        check_inputs(self.inputs, inputs)
        interpreter = self._interpreter
        try:
            self._follow([array.shape for array in inputs])
            for index, array in zip(self._input_at, inputs, strict=True):
                interpreter.set_tensor(index, array)
            interpreter.invoke()
            return [interpreter.get_tensor(index) for index in self._output_at]
        except (ValueError, RuntimeError) as error:
            raise EyespotError(Kind.INTERNAL, f"LiteRT failed: {first_line(error)}.") from error

    def _follow(self, shapes: list[tuple[int, ...]]) -> None:
        """Give open sizes the values of this run."""
        if shapes == self._shapes:
            return
        for index, shape in zip(self._input_at, shapes, strict=True):
            self._interpreter.resize_tensor_input(index, list(shape), strict=True)
        self._interpreter.allocate_tensors()
        self._shapes = shapes

    def close(self) -> None:
        self._interpreter = None
