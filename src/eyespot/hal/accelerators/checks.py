"""Refuses wrong inputs and outputs in the same words for every accelerator, and shortens runtimes' messages."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from eyespot.hal.accelerators.contract import TensorSpec
from eyespot.kernel.errors import EyespotError, Kind, invalid


def check_inputs(specs: Sequence[TensorSpec], inputs: Sequence[NDArray[Any]]) -> None:
    """Raise ``INVALID`` unless ``inputs`` fit ``specs`` in count, type and shape."""
    if len(inputs) != len(specs):
        raise invalid(f"The model takes {len(specs)} inputs, {len(inputs)} were given.")
    for spec, array in zip(specs, inputs, strict=True):
        if array.dtype.name != spec.dtype:
            raise invalid(f"Input {spec.name} takes {spec.dtype}, {array.dtype.name} was given.")
        if not _fits(array, spec):
            raise invalid(f"Input {spec.name} takes shape {list(spec.shape)}, {list(array.shape)} was given.")


def check_outputs(specs: Sequence[TensorSpec], outputs: Sequence[NDArray[Any]]) -> None:
    """Raise ``INTERNAL`` unless ``outputs`` are what ``specs`` promised."""
    if len(outputs) != len(specs):
        raise EyespotError(Kind.INTERNAL, f"The accelerator promised {len(specs)} outputs and gave {len(outputs)}.")
    for spec, array in zip(specs, outputs, strict=True):
        if array.dtype.name != spec.dtype or not _fits(array, spec):
            raise EyespotError(
                Kind.INTERNAL,
                f"The accelerator promised output {spec.name} as {spec.dtype} {list(spec.shape)} "
                f"and gave {array.dtype.name} {list(array.shape)}.",
            )


def first_line(error: BaseException) -> str:
    """A runtime's message cut to its first line, without a full stop."""
    text = str(error).strip()
    return text.splitlines()[0][:300].rstrip(". ") if text else type(error).__name__


def _fits(array: NDArray[Any], spec: TensorSpec) -> bool:
    return len(array.shape) == len(spec.shape) and all(
        wanted is None or size == wanted for size, wanted in zip(array.shape, spec.shape, strict=True)
    )
