"""An accelerator without silicon: fixed outputs, settable delay and faults, for tests of everything above."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from eyespot.hal.accelerators.checks import check_inputs
from eyespot.hal.accelerators.contract import Loaded, TensorSpec
from eyespot.kernel.errors import EyespotError, Kind, invalid

Compute = Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]


@dataclass
class FakeAccelerator:
    """Runs ``compute`` in place of a model.

    Attributes:
        inputs, outputs: what the model would declare.
        compute: from inputs to outputs.
        delay_s: how long each run takes.
        fail_load: refuse to load.
        fail_after: runs that succeed before every further one fails; None: never fail.
        runs: runs made so far, of all loaded models together.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    compute: Compute
    name: str = "fake"
    delay_s: float = 0.0
    fail_load: bool = False
    fail_after: int | None = None
    runs: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def available(self) -> bool:
        return True

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        if self.fail_load or not model_path.is_file():
            raise invalid(f"The fake accelerator does not accept {model_path.name}.")
        return _Loaded(self)

    def count(self) -> int:
        """Note one more run; returns how many were made before it."""
        with self._lock:
            self.runs += 1
            return self.runs - 1


class _Loaded:
    def __init__(self, accelerator: FakeAccelerator) -> None:
        self._accelerator = accelerator
        self._closed = threading.Event()
        self.inputs = accelerator.inputs
        self.outputs = accelerator.outputs

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        check_inputs(self.inputs, inputs)
        before = self._accelerator.count()
        if self._accelerator.delay_s:
            self._closed.wait(self._accelerator.delay_s)
        if self._accelerator.fail_after is not None and before >= self._accelerator.fail_after:
            raise EyespotError(Kind.INTERNAL, "The fake accelerator fails, as it was told to.")
        return self._accelerator.compute(inputs)

    def close(self) -> None:
        self._closed.set()
