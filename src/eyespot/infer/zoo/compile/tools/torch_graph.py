"""Runs the steps of ``graph.json`` as a PyTorch module. Runs in the toolchain's environment, never in Eyespot's.

Weights are loaded from ``weights.npz``; nothing is trained. Values are NCHW as in the ONNX graph they came from.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class TorchGraph(nn.Module):
    """The network in ``folder``: picture ``(1, H, W, 3)`` float32 with values 0 to 255 in, a tuple of outputs out."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        document = json.loads((folder / "graph.json").read_text("utf-8"))
        self.input, self.results, self.steps = document["input"], document["outputs"], document["steps"]
        self.attribute_of = {}
        with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
            for number, key in enumerate(arrays.files):
                self.attribute_of[key] = f"weight_{number}"
                self.register_buffer(f"weight_{number}", torch.from_numpy(arrays[key].copy()))

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, ...]:
        values = {self.input: picture}
        for step in self.steps:
            weights = {name: getattr(self, self.attribute_of[key]) for name, key in step["weights"].items()}
            inputs = [values[name] for name in step["inputs"]]
            values[step["output"]] = OPERATIONS[step["kind"]](inputs, step["facts"], weights)
        return tuple(values[name] for name in self.results)


def _conv(inputs, facts, weights):
    top, left, bottom, right = facts["pads"]
    value, pads = inputs[0], [top, left]
    if (top, left) != (bottom, right):
        value, pads = functional.pad(value, (left, right, top, bottom)), [0, 0]
    return functional.conv2d(
        value, weights["weight"], weights.get("bias"), facts["strides"], pads, facts["dilations"], facts["group"]
    )


def _max_pool(inputs, facts, weights):
    """The largest of each window; what hangs over the edge is filled with the edge.

    The same as a padding with minus infinity, because the edge is in the window; and bytes can say it.
    """
    value = inputs[0]
    for axis, (before, after) in ((2, facts["pads"][0::2]), (3, facts["pads"][1::2])):
        size, window, stride = value.shape[axis], facts["kernel"][axis - 2], facts["strides"][axis - 2]
        after = min(after, max(0, (before + size + after - window) // stride * stride + window - before - size))
        first, last = value.narrow(axis, 0, 1), value.narrow(axis, size - 1, 1)
        value = torch.cat([first] * before + [value] + [last] * after, dim=axis)
    return functional.max_pool2d(value, facts["kernel"], facts["strides"])


def _resize(inputs, facts, weights):
    """Halving about the pixels' centres is the mean of four: said so, because chips know it by that name."""
    if facts["scales"] == [0.5, 0.5] and not any(size % 2 for size in inputs[0].shape[2:]):
        return functional.avg_pool2d(inputs[0], 2)
    height, width = inputs[0].shape[2:]
    size = [round(height * facts["scales"][0]), round(width * facts["scales"][1])]
    return functional.interpolate(inputs[0], size=size, mode="bilinear", align_corners=False)


def _slice(inputs, facts, weights):
    length = inputs[0].shape[facts["axis"]]
    return inputs[0].narrow(facts["axis"], facts["start"], min(facts["end"], length) - facts["start"])


def _other(inputs, weights):
    return weights["constant"] if "constant" in weights else inputs[1]


OPERATIONS = {
    "add": lambda inputs, facts, weights: inputs[0] + _other(inputs, weights),
    "sub": lambda inputs, facts, weights: inputs[0] - _other(inputs, weights),
    "float": lambda inputs, facts, weights: inputs[0],
    "concat": lambda inputs, facts, weights: torch.cat(inputs, dim=facts["axis"]),
    "conv": _conv,
    "leaky_relu": lambda inputs, facts, weights: functional.leaky_relu(inputs[0], facts["alpha"]),
    "max_pool": _max_pool,
    "reduce_max": lambda inputs, facts, weights: torch.amax(inputs[0], facts["axis"], keepdim=facts["keep"]),
    "relu": lambda inputs, facts, weights: functional.relu(inputs[0]),
    "reshape": lambda inputs, facts, weights: inputs[0].reshape(facts["shape"]),
    "resize": _resize,
    "sigmoid": lambda inputs, facts, weights: torch.sigmoid(inputs[0]),
    "slice": _slice,
    "transpose": lambda inputs, facts, weights: inputs[0].permute(facts["perm"]),
}
