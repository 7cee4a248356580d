"""Requests of the Open Inference Protocol and their answers, whatever carries them, and what fits a model. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from eyespot.kernel.errors import invalid

VERSION = "1"
"""The one version of every model."""
Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as metadata show it; -1 is an open size."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model as metadata show it."""

    name: str
    platform: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True, slots=True)
class GivenInput:
    """An input of a request: ``array`` where the data came along, else ``parameters`` name shared memory."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    parameters: Parameters
    array: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """An output that was asked for."""

    name: str
    parameters: Parameters = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuestRequest:
    """One inference; no outputs named means all."""

    guest: str
    model: str
    version: str
    id: str
    inputs: tuple[GivenInput, ...]
    outputs: tuple[WantedOutput, ...]
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class GivenOutput:
    """An output of an answer; ``array`` is None where it was written to shared memory."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    wanted: WantedOutput
    array: NDArray[Any] | None


def the_input(info: ModelInfo, request: GuestRequest) -> GivenInput:
    """The one input that a model package has; raises ``INVALID`` for another name, type or shape."""
    spec = info.inputs[0]
    if len(request.inputs) != 1 or request.inputs[0].name != spec.name:
        raise invalid(f"Model '{info.name}' takes one input, '{spec.name}'.")
    given = request.inputs[0]
    if given.datatype != spec.datatype:
        raise invalid(f"Input '{spec.name}' takes {spec.datatype}, {given.datatype[:32]} was given.")
    if given.shape != spec.shape:
        raise invalid(f"Input '{spec.name}' takes shape {list(spec.shape)}, {list(given.shape)} was given.")
    return given


def wanted_outputs(info: ModelInfo, outputs: Sequence[WantedOutput]) -> tuple[WantedOutput, ...]:
    """The outputs that were asked for, all where none was named; raises ``INVALID`` for one that there is not."""
    names = [item.name for item in info.outputs]
    for output in outputs:
        if output.name not in names:
            raise invalid(f"Model '{info.name}' has no output {output.name[:64]!r}.", f"It has: {', '.join(names)}.")
        if output.parameters.get("classification"):
            raise invalid("The classification extension is not offered.", "Ask for the tensor itself.")
    if len({output.name for output in outputs}) != len(outputs):
        raise invalid("An output was asked for twice.")
    return tuple(outputs) or tuple(WantedOutput(name) for name in names)
