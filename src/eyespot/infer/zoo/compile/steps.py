"""An ONNX graph as plain steps that an environment without ONNX can build a network from.

Owns the reading: which operations there are, with every default and automatic padding resolved, and the files that
carry steps and weights into a toolchain's environment. A graph with anything else in it is refused by name. What runs
the steps is ``tools/torch_graph.py``. Operations: https://onnx.ai/onnx/operators/, opset 18.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from eyespot.kernel.errors import invalid

STEPS_FILE, WEIGHTS_FILE = "graph.json", "weights.npz"
MAX_STEPS = 10_000
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One operation: ``kind`` on the values named ``inputs`` gives the value named ``output``.

    ``facts`` are JSON values; ``weights`` maps a parameter's name to the key of an array.
    """

    kind: str
    inputs: tuple[str, ...]
    output: str
    facts: Mapping[str, Any]
    weights: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Graph:
    """A network with one picture in, ``(1, H, W, 3)``, and named outputs."""

    input: str
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]
    arrays: Mapping[str, Array]

    def save(self, folder: Path) -> None:
        """Write ``STEPS_FILE`` and ``WEIGHTS_FILE`` into ``folder``."""
        document = {"input": self.input, "outputs": self.outputs, "steps": [asdict(step) for step in self.steps]}
        (folder / STEPS_FILE).write_text(json.dumps(document), "utf-8")
        np.savez(folder / WEIGHTS_FILE, allow_pickle=False, **self.arrays)


def read_graph(path: Path) -> Graph:
    """The float32 model at ``path`` as steps; raises ``INVALID`` naming what is not understood."""
    model = onnx.load(str(path))
    graph = model.graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    if len(graph.input) != 1:
        raise invalid(f"{path.name} has {len(graph.input)} inputs; a picture alone can be compiled.")
    if len(graph.node) > MAX_STEPS:
        raise invalid(f"{path.name} has {len(graph.node)} operations; {MAX_STEPS} are allowed.")
    steps = tuple(_step(node, arrays) for node in graph.node)
    used = {key for step in steps for key in step.weights.values()}
    return Graph(
        graph.input[0].name,
        tuple(item.name for item in graph.output),
        steps,
        {key: arrays[key] for key in used},
    )


def _step(node: onnx.NodeProto, arrays: Mapping[str, Array]) -> Step:
    reader = _READERS.get(node.op_type)
    if reader is None or len(node.output) != 1:
        raise invalid(
            f"Operation {node.op_type} ({node.name or node.output[0]}) is not among those that can be compiled.",
            f"Known are: {', '.join(sorted(_READERS))}.",
        )
    return reader(_Node(node, arrays))


class _Node:
    """A node with its attributes and constants at hand."""

    def __init__(self, node: onnx.NodeProto, arrays: Mapping[str, Array]) -> None:
        self.kind = node.op_type
        self.inputs = list(node.input)
        self.output = node.output[0]
        self.attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
        self._arrays = arrays

    def constant(self, place: int) -> Array:
        """The constant given as input ``place``."""
        name = self.inputs[place] if place < len(self.inputs) else ""
        if name not in self._arrays:
            raise self.refused(f"its input {place} is not a constant")
        return self._arrays[name]

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def whole(self, name: str, default: list[int]) -> list[int]:
        return [int(value) for value in self.attributes.get(name, default)]

    def refused(self, why: str) -> Exception:
        return invalid(f"Operation {self.kind} ({self.output}) cannot be compiled: {why}.")

    def step(self, kind: str, count: int, facts: Mapping[str, Any], **weights: int) -> Step:
        """A step on the first ``count`` inputs; ``weights`` are the places of its constants."""
        keys = {name: self.inputs[place] for name, place in weights.items() if place < len(self.inputs)}
        return Step(kind, tuple(self.inputs[:count]), self.output, facts, keys)

    def pads(self, kernel: list[int]) -> list[int]:
        """Padding top, left, bottom, right; raises where it depends on the picture's size."""
        automatic = self.text("auto_pad", "NOTSET")
        if automatic == "VALID":
            return [0, 0, 0, 0]
        if automatic != "NOTSET":
            raise self.refused(f"automatic padding {automatic} depends on the size")
        if len(kernel) != 2:
            raise self.refused("it is not over pictures")
        return self.whole("pads", [0, 0, 0, 0])


def _conv(node: _Node) -> Step:
    kernel = list(node.constant(1).shape[2:])
    facts = {
        "strides": node.whole("strides", [1, 1]),
        "dilations": node.whole("dilations", [1, 1]),
        "pads": node.pads(kernel),
        "group": int(node.attributes.get("group", 1)),
    }
    return node.step("conv", 1, facts, weight=1, bias=2)


def _max_pool(node: _Node) -> Step:
    kernel = node.whole("kernel_shape", [])
    if node.attributes.get("ceil_mode", 0) or node.whole("dilations", [1, 1]) != [1, 1]:
        raise node.refused("rounding up and dilation are not known")
    facts = {"kernel": kernel, "strides": node.whole("strides", [1, 1]), "pads": node.pads(kernel)}
    return node.step("max_pool", 1, facts)


def _resize(node: _Node) -> Step:
    scales = [float(value) for value in node.constant(2)]
    shape = (node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel"))
    if shape != ("linear", "half_pixel") or scales[:2] != [1.0, 1.0]:
        raise node.refused("only linear resizing of height and width about pixels' centres is known")
    return node.step("resize", 1, {"scales": scales[2:]})


def _slice(node: _Node) -> Step:
    starts, ends, axes = (node.constant(place).tolist() for place in (1, 2, 3))
    if len(axes) != 1 or (len(node.inputs) > 4 and node.constant(4).tolist() != [1]):
        raise node.refused("only a slice of one axis without gaps is known")
    return node.step("slice", 1, {"axis": axes[0], "start": starts[0], "end": ends[0]})


def _reduce_max(node: _Node) -> Step:
    axes = node.constant(1).tolist()
    if len(axes) != 1:
        raise node.refused("only one axis can be reduced")
    return node.step("reduce_max", 1, {"axis": axes[0], "keep": bool(node.attributes.get("keepdims", 1))})


def _cast(node: _Node) -> Step:
    if node.attributes.get("to") != onnx.TensorProto.FLOAT:
        raise node.refused("only casts to float32 are known")
    return node.step("float", 1, {})


def _binary(kind: str) -> Callable[[_Node], Step]:
    def read(node: _Node) -> Step:
        if node.inputs[1] in node._arrays:
            return node.step(kind, 1, {}, constant=1)
        return node.step(kind, 2, {})

    return read


_READERS: dict[str, Callable[[_Node], Step]] = {
    "Add": _binary("add"),
    "Sub": _binary("sub"),
    "Cast": _cast,
    "Concat": lambda node: node.step("concat", len(node.inputs), {"axis": int(node.attributes["axis"])}),
    "Conv": _conv,
    "LeakyRelu": lambda node: node.step("leaky_relu", 1, {"alpha": float(node.attributes.get("alpha", 0.01))}),
    "MaxPool": _max_pool,
    "ReduceMax": _reduce_max,
    "Relu": lambda node: node.step("relu", 1, {}),
    "Reshape": lambda node: node.step("reshape", 1, {"shape": node.constant(1).tolist()}),
    "Resize": _resize,
    "Sigmoid": lambda node: node.step("sigmoid", 1, {}),
    "Slice": _slice,
    "Transpose": lambda node: node.step("transpose", 1, {"perm": node.whole("perm", [])}),
}
