"""What every accelerator is: it loads a model file and gives back something that runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

Shape = tuple[int | None, ...]
"""Sizes of a tensor's axes; None where the size is only known at run time."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: ``dtype`` is numpy's name, for example ``uint8``."""

    name: str
    dtype: str
    shape: Shape


class Loaded(Protocol):
    """A model ready to run. Used by one thread at a time."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def run(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run once. ``inputs`` in the order of ``self.inputs``, C-contiguous.

        The arrays returned may be the runtime's own memory: they hold until the next ``run`` or ``close``.

        Raises:
            EyespotError: ``INVALID`` on a wrong count, type or shape; ``INTERNAL`` when the runtime fails.
        """
        ...

    def close(self) -> None:
        """Give the memory back; ``run`` is not called afterwards. May be called twice."""
        ...


class Accelerator(Protocol):
    """A runtime on a piece of silicon."""

    @property
    def name(self) -> str:
        """Stable name used in configuration and in measured figures, for example ``openvino``."""
        ...

    def available(self) -> bool:
        """True when it can be used on this machine; cheap, never raises."""
        ...

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        """Load the ONNX model at ``model_path`` for ``threads`` threads that do not spin while idle.

        ``input_shapes`` fixes the sizes the model leaves open, one shape an input.

        Raises:
            EyespotError: ``INVALID`` when the runtime does not accept the model; ``UNAVAILABLE`` when the runtime is
                not installed.
        """
        ...
