"""An accelerator without silicon: settable speed and faults, for tests of everything above.

In a test's own process it is made by hand. In another process it appears as ``fake`` when ``$EYESPOT_FAKE_ACCELERATOR``
is set, to faults such as ``delay_ms=20,crash_after=100`` or to ``on``; it then reads ``.fake`` files, JSON documents of
the inputs and outputs, and answers with the mean of each colour.
"""

import json
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.accelerators.checks import check_inputs
from eyespot.hal.accelerators.contract import Loaded, Presence, TensorSpec
from eyespot.kernel.config import read_env
from eyespot.kernel.errors import EyespotError, Kind, invalid

Compute = Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]]]
ENVIRONMENT = "FAKE_ACCELERATOR"
FORMAT = ".fake"
_MAX_FILE_BYTES = 1 << 16
_COUNTS = ("fail_after", "misshape_after", "crash_after")


@dataclass
class FakeAccelerator:
    """Runs ``compute`` in place of a model.

    Attributes:
        inputs, outputs: what the model declares; None: what its ``.fake`` file says.
        compute: from inputs to outputs; None: the mean of each colour, spread over each output's shape.
        delay_s: how long each run takes.
        fail_load: refuse to load.
        fail_after: runs that succeed before every further one fails; None: never fail.
        misshape_after: runs before every further one returns one row too many; None: never.
        crash_after: runs before the next one kills the whole process as a driver's fault would; None: never.
        runs: runs made so far, of all loaded models together.
    """

    inputs: tuple[TensorSpec, ...] | None = None
    outputs: tuple[TensorSpec, ...] | None = None
    compute: Compute | None = None
    name: str = "fake"
    delay_s: float = 0.0
    fail_load: bool = False
    fail_after: int | None = None
    misshape_after: int | None = None
    crash_after: int | None = None
    runs: int = 0
    formats: tuple[str, ...] = (FORMAT, ".onnx", ".tflite")
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def presence(self) -> Presence:
        return Presence(usable=True, version="without silicon", tested=True)

    def available(self) -> bool:
        return True

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        if self.fail_load or not model_path.is_file():
            raise invalid(f"The fake accelerator does not accept {model_path.name}.")
        inputs, outputs = self.inputs, self.outputs
        if inputs is None or outputs is None:
            inputs, outputs = read_model(model_path)
        return _Loaded(self, _sized(inputs, input_shapes, model_path), outputs)

    def count(self) -> int:
        """Note one more run; returns how many were made before it."""
        with self._lock:
            self.runs += 1
            return self.runs - 1


def told_fake() -> FakeAccelerator | None:
    """The fake that the environment asks for, the same one every time, or None."""
    text = read_env(ENVIRONMENT)
    return _told(text) if text else None


@cache
def _told(text: str) -> FakeAccelerator:
    return from_words(text)


def from_words(text: str) -> FakeAccelerator:
    """A fake from ``delay_ms=20,fail_load,fail_after=3``; raises ``INVALID`` on a word that it does not know."""
    fake = FakeAccelerator(formats=(FORMAT,))
    for word in text.split(","):
        name, _, value = word.strip().partition("=")
        if name == "fail_load":
            fake.fail_load = True
        elif name == "delay_ms" and value.replace(".", "", 1).isdigit():
            fake.delay_s = float(value) / 1000
        elif name in _COUNTS and value.isdigit():
            setattr(fake, name, int(value))
        elif name != "on":
            known = ", ".join(("on", "delay_ms=N", "fail_load", *(f"{item}=N" for item in _COUNTS)))
            raise invalid(f"EYESPOT_{ENVIRONMENT} has '{word}'.", f"It may have: {known}.")
    return fake


def read_model(path: Path) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """The inputs and outputs that a ``.fake`` file declares; raises ``INVALID`` when it is none."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_MAX_FILE_BYTES))
        inputs, outputs = (
            tuple(TensorSpec(str(item["name"]), np.dtype(item["dtype"]).name, _shape(item)) for item in document[side])
            for side in ("inputs", "outputs")
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise invalid(f"The fake accelerator does not accept {path.name}: {type(error).__name__}.") from error
    return inputs, outputs


def _shape(item: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(None if size is None else int(size) for size in item["shape"])


def _sized(
    inputs: tuple[TensorSpec, ...], shapes: Sequence[Sequence[int]] | None, path: Path
) -> tuple[TensorSpec, ...]:
    """``inputs`` with their open sizes set."""
    if shapes is None:
        return inputs
    sized = tuple(TensorSpec(spec.name, spec.dtype, tuple(shape)) for spec, shape in zip(inputs, shapes, strict=True))
    for before, after in zip(inputs, sized, strict=True):
        fits = len(before.shape) == len(after.shape) and all(
            size in (None, wish) for size, wish in zip(before.shape, after.shape, strict=True)
        )
        if not fits:
            raise invalid(f"The fake accelerator does not accept {path.name}: its input is {list(before.shape)}.")
    return sized


def _mean_of_each_colour(inputs: Sequence[NDArray[Any]], outputs: tuple[TensorSpec, ...]) -> list[NDArray[Any]]:
    mean = inputs[0].astype(np.float64).mean(axis=tuple(range(1, inputs[0].ndim - 1)))[0]
    return [np.resize(mean, tuple(size or 1 for size in spec.shape)).astype(spec.dtype) for spec in outputs]


class _Loaded:
    def __init__(
        self, accelerator: FakeAccelerator, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]
    ) -> None:
        self._accelerator = accelerator
        self._closed = threading.Event()
        self.inputs = inputs
        self.outputs = outputs

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        check_inputs(self.inputs, inputs)
        fake = self._accelerator
        before = fake.count()
        if fake.delay_s:
            self._closed.wait(fake.delay_s)
        if _due(fake.crash_after, before):
            os.kill(os.getpid(), signal.SIGKILL)
        if _due(fake.fail_after, before):
            raise EyespotError(Kind.INTERNAL, "The fake accelerator fails, as it was told to.")
        outputs = fake.compute(inputs) if fake.compute else _mean_of_each_colour(inputs, self.outputs)
        if _due(fake.misshape_after, before):
            outputs = [np.concatenate([array, array[:1]]) for array in outputs]
        return outputs

    def close(self) -> None:
        self._closed.set()


def _due(after: int | None, runs: int) -> bool:
    return after is not None and runs >= after
