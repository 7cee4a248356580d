"""Refuses wrong inputs in the same words for every accelerator."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from eyespot.hal.accelerators.contract import TensorSpec
from eyespot.kernel.errors import invalid


def check_inputs(specs: Sequence[TensorSpec], inputs: Sequence[NDArray[Any]]) -> None:
    """Raise ``INVALID`` unless ``inputs`` fit ``specs`` in count, type and shape."""
    if len(inputs) != len(specs):
        raise invalid(f"The model takes {len(specs)} inputs, {len(inputs)} were given.")
    for spec, array in zip(specs, inputs, strict=True):
        if array.dtype.name != spec.dtype:
            raise invalid(f"Input {spec.name} takes {spec.dtype}, {array.dtype.name} was given.")
        fits = len(array.shape) == len(spec.shape) and all(
            wanted is None or size == wanted for size, wanted in zip(array.shape, spec.shape, strict=True)
        )
        if not fits:
            raise invalid(f"Input {spec.name} takes shape {list(spec.shape)}, {list(array.shape)} was given.")
