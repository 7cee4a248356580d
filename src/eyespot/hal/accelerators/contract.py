"""What every accelerator is: it loads a model file and gives back something that runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

Shape = tuple[int | None, ...]
"""Sizes of a tensor's axes; None where the size is only known at run time."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output: ``dtype`` is numpy's name, for example ``uint8``."""

    name: str
    dtype: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether an accelerator can be used here, for a person.

    Attributes:
        usable: a model can be loaded now.
        version: of the runtime, empty where it is absent or cannot be told.
        why_not: one sentence, empty when usable.
        todo: what would make it usable, empty when nothing would or nothing is needed.
        tested: the conformance suite has passed on it; False for those that the project never had the silicon for.
    """

    usable: bool
    version: str = ""
    why_not: str = ""
    todo: str = ""
    tested: bool = False


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
        """Stable name used in configuration and in measured figures, for example ``openvino``.

        Lower-case letters, digits, ``-`` and ``_``; it is written into model packages.
        """
        ...

    @property
    def formats(self) -> tuple[str, ...]:
        """Endings of the model files it reads, for example ``(".onnx",)``."""
        ...

    def available(self) -> bool:
        """True when it can be used on this machine; cheap, never raises."""
        ...

    def load(self, model_path: Path, threads: int, *, input_shapes: Sequence[Sequence[int]] | None = None) -> Loaded:
        """Load the model at ``model_path`` for ``threads`` threads that do not spin while idle.

        ``input_shapes`` fixes the sizes the model leaves open, one shape an input.

        Raises:
            EyespotError: ``INVALID`` when the runtime does not accept the model; ``UNAVAILABLE`` when the runtime is
                not installed or its device is gone.
        """
        ...


@runtime_checkable
class Explains(Protocol):
    """An accelerator that can say more than yes or no; all of the built-in ones do, a plug-in may."""

    def presence(self) -> Presence:
        """Cheap: imports no runtime, starts no process; never raises."""
        ...


def reads(accelerator: Accelerator, model_path: Path) -> bool:
    """True when the ending of ``model_path`` is one that ``accelerator`` reads."""
    return model_path.name.endswith(accelerator.formats)


def presence_of(accelerator: Accelerator) -> Presence:
    """What ``accelerator`` says of itself, or yes or no where it says no more."""
    if isinstance(accelerator, Explains):
        return accelerator.presence()
    usable = accelerator.available()
    return Presence(usable, why_not="" if usable else "It says that it cannot be used here.")
