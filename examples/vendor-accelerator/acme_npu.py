"""The Acme NPU for Eyespot: one class with a name, the endings of its model files, `available` and `load`.

Nothing of Eyespot is imported or inherited. Whatever this file raises is turned into errors of the contract, and
inputs and outputs are checked, before anybody sees them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

MAGIC = "ACME1"
MAX_MODEL_BYTES = 1 << 20


@dataclass(frozen=True)
class Spec:
    """One input or output; None is a size known at run time only."""

    name: str
    dtype: str
    shape: tuple


class AcmeNpu:
    """What the entry point in pyproject.toml names. Making it must be cheap: it happens in every process."""

    name = "acme-npu"
    formats = (".acme",)

    def available(self):
        """A real chip looks for its device node, such as /dev/acme0, and for its driver library."""
        return True

    def load(self, model_path, threads, *, input_shapes=None):
        """A real chip hands the file to its driver; `threads` are host threads, for what the chip leaves over."""
        words = Path(model_path).read_bytes()[:MAX_MODEL_BYTES].decode("ascii").split()
        if words[:2] != [MAGIC, "mean"]:
            raise ValueError("not a model compiled for the Acme NPU")
        inputs, outputs = _specs(words[2:])
        if input_shapes is not None:
            inputs = tuple(_sized(spec, tuple(shape)) for spec, shape in zip(inputs, input_shapes, strict=True))
        return Loaded(inputs, outputs)


class Loaded:
    """A model on the chip."""

    def __init__(self, inputs, outputs):
        self.inputs = inputs
        self.outputs = outputs

    def run(self, inputs):
        """A real chip copies the bytes in, waits for its interrupt, and returns views of its output buffers."""
        return [np.asarray(inputs[0].mean(axis=(1, 2)), np.float32)]

    def close(self):
        """A real chip gives its memory back."""


def _specs(words):
    """Inputs and outputs from ``image uint8 1 ? ? 3 -> mean float32 1 3``."""
    arrow = words.index("->")
    return tuple(
        (Spec(side[0], side[1], tuple(None if word == "?" else int(word) for word in side[2:])),)
        for side in (words[:arrow], words[arrow + 1 :])
    )


def _sized(spec, shape):
    fits = len(shape) == len(spec.shape) and all(
        size in (None, wish) for size, wish in zip(spec.shape, shape, strict=True)
    )
    if not fits:
        raise ValueError(f"its input is {spec.shape}, not {shape}")
    return Spec(spec.name, spec.dtype, shape)
