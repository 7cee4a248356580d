"""Turns a TensorFlow.js graph model into ONNX nodes: one small function an operation.

Every value keeps TensorFlow's own layout; a convolution stands between two transposes. Transposes that undo each other
vanish at once, a bias moves into its convolution, and ``onnxslim`` does the rest. Operations on constants alone
(shapes, paddings) are worked out here and leave no trace in the graph.
Owns the mapping of operations; does not own what a model's inputs and outputs mean (``zoo.nanodet``).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from eyespot.infer.zoo.tfjs import GraphModel, Node
from eyespot.kernel.errors import invalid

NHWC_TO_NCHW = (0, 3, 1, 2)
NCHW_TO_NHWC = (0, 2, 3, 1)
HWIO_TO_OIHW = (3, 2, 0, 1)


class Converter:
    """Builds the ONNX graph of ``model``; ``value`` pulls a TensorFlow tensor in with all it depends on."""

    def __init__(self, model: GraphModel) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._model = model
        self._constants: dict[str, NDArray[Any]] = dict(model.weights)
        self._names: dict[str, str] = {}
        self._transposed: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._plain_convolutions: dict[str, onnx.NodeProto] = {}
        self._count = 0

    def bind(self, tensor: str, onnx_name: str) -> None:
        """Say that ONNX value ``onnx_name`` stands for TensorFlow tensor ``tensor`` (a placeholder, usually)."""
        self._names[tensor] = onnx_name

    def value(self, tensor: str) -> str:
        """The ONNX name of TensorFlow tensor ``tensor``; raises ``INVALID`` on an operation it does not know."""
        for name in self._order(tensor):
            self._convert(self._model.nodes[name])
        if tensor in self._names:
            return self._names[tensor]
        self._names[tensor] = self.constant(self._constants[tensor])
        return self._names[tensor]

    def is_constant(self, tensor: str) -> bool:
        """True for a tensor that does not depend on the model's input."""
        return tensor in self._constants

    def constant_of(self, tensor: str) -> NDArray[Any]:
        """The value of a tensor that does not depend on the model's input; raises ``INVALID`` when it does."""
        if tensor not in self._constants:
            raise invalid(f"{tensor} should be constant and is not.")
        return self._constants[tensor]

    def constant(self, array: NDArray[Any]) -> str:
        """A new initializer that holds ``array``."""
        name = self._new("c")
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def emit(self, op: str, inputs: Sequence[str], *, outputs: int = 1, **attributes: Any) -> str:
        """Add one ONNX node and return its (first) output's name; further outputs end in ``:1``, ``:2``…"""
        first = self._new(op.lower())
        names = [first, *(f"{first}:{index}" for index in range(1, outputs))]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=f"{first}_node", **attributes))
        return first

    def transpose(self, value: str, permutation: Sequence[int]) -> str:
        """``value`` with its axes permuted; no node where it only undoes the transpose that made ``value``."""
        source, before = self._transposed.get(value, (value, tuple(range(len(permutation)))))
        total = tuple(before[axis] for axis in permutation)
        if total == tuple(sorted(total)):
            return source
        result = self.emit("Transpose", [source], perm=list(total))
        self._transposed[result] = (source, total)
        return result

    def convolution(self, value: str, weights: NDArray[Any], **attributes: Any) -> str:
        """A convolution of NCHW ``value`` with ``(out, in, height, width)`` weights, to which a bias may be added."""
        result = self.emit("Conv", [value, self.constant(weights)], kernel_shape=list(weights.shape[2:]), **attributes)
        self._plain_convolutions[result] = self.nodes[-1]
        return result

    def add_bias(self, value: str, bias: NDArray[Any]) -> bool:
        """Fold a bias per channel into the convolution that ``value`` is the NHWC form of; False where it is none."""
        source, permutation = self._transposed.get(value, (value, ()))
        if bias.ndim != 1 or permutation != NCHW_TO_NHWC or source not in self._plain_convolutions:
            return False
        self._plain_convolutions.pop(source).input.append(self.constant(bias))
        return True

    def _new(self, stem: str) -> str:
        self._count += 1
        return f"{stem}_{self._count}"

    def _order(self, tensor: str) -> list[str]:
        """Node names ``tensor`` needs that are not converted yet, inputs before users."""
        order: list[str] = []
        seen: set[str] = set()
        stack: list[tuple[str, bool]] = [(tensor.split(":")[0], False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                order.append(name)
            elif name not in seen and name not in self._names and name not in self._constants:
                seen.add(name)
                stack.append((name, True))
                stack.extend((source.split(":")[0], False) for source in self._model.nodes[name].inputs)
        return order

    def _convert(self, node: Node) -> None:
        if node.op in _ON_CONSTANTS and all(name in self._constants for name in node.inputs):
            self._constants[node.name] = _ON_CONSTANTS[node.op](*(self._constants[name] for name in node.inputs))
            return
        operation = _OPERATIONS.get(node.op)
        if operation is None:
            raise invalid(f"The converter does not know operation {node.op} ({node.name}).")
        name = operation(self, node)
        self._names[node.name] = name
        for index in range(1, node.attributes.get("num_split", 1)):
            self._names[f"{node.name}:{index}"] = f"{name}:{index}"


def _sparse_to_dense(
    indices: NDArray[Any], shape: NDArray[Any], values: NDArray[Any], default: NDArray[Any]
) -> NDArray[Any]:
    dense = np.full(shape.reshape(-1), default, dtype=values.dtype)
    dense[tuple(indices.reshape(-1, dense.ndim).T)] = values
    return dense


_ON_CONSTANTS: Mapping[str, Callable[..., NDArray[Any]]] = {
    "SparseToDense": _sparse_to_dense,
    "Add": np.add,
    "AddV2": np.add,
    "Identity": np.asarray,
}


def _nhwc(node: Node) -> None:
    if node.attributes.get("data_format", "NHWC") != "NHWC":
        raise invalid(f"{node.name} is not NHWC, the only layout the converter knows.")


def _auto_pad(node: Node) -> str:
    padding = node.attributes["padding"]
    if padding not in ("SAME", "VALID"):
        raise invalid(f"{node.name} has padding {padding}, which the converter does not know.")
    return "SAME_UPPER" if padding == "SAME" else "VALID"


def _conv2d(to: Converter, node: Node) -> str:
    _nhwc(node)
    weights = to.constant_of(node.inputs[1]).transpose(HWIO_TO_OIHW)
    source = to.transpose(to.value(node.inputs[0]), NHWC_TO_NCHW)
    result = to.convolution(
        source,
        weights,
        strides=node.attributes["strides"][1:3],
        dilations=node.attributes.get("dilations", [1, 1, 1, 1])[1:3],
        auto_pad=_auto_pad(node),
    )
    return to.transpose(result, NCHW_TO_NHWC)


def _max_pool(to: Converter, node: Node) -> str:
    _nhwc(node)
    source = to.transpose(to.value(node.inputs[0]), NHWC_TO_NCHW)
    result = to.emit(
        "MaxPool",
        [source],
        kernel_shape=node.attributes["ksize"][1:3],
        strides=node.attributes["strides"][1:3],
        auto_pad=_auto_pad(node),
    )
    return to.transpose(result, NCHW_TO_NHWC)


def _pad(to: Converter, node: Node) -> str:
    before, after = to.constant_of(node.inputs[1]).reshape(-1, 2).T.astype(np.int64)
    inputs = [to.value(node.inputs[0]), to.constant(np.concatenate([before, after]))]
    if node.op == "PadV2":
        inputs.append(to.constant(to.constant_of(node.inputs[2]).reshape(())))
    return to.emit("Pad", inputs, mode="constant")


def _resize(to: Converter, node: Node) -> str:
    if node.attributes.get("align_corners"):
        mode = "align_corners"
    else:
        mode = "half_pixel" if node.attributes.get("half_pixel_centers") else "asymmetric"
    height, width = (int(size) for size in to.constant_of(node.inputs[1]))
    source = to.transpose(to.value(node.inputs[0]), NHWC_TO_NCHW)
    sizes = to.constant(np.array([height, width], np.int64))
    result = to.emit("Resize", [source, "", "", sizes], mode="linear", coordinate_transformation_mode=mode, axes=[2, 3])
    return to.transpose(result, NCHW_TO_NHWC)


def _split(to: Converter, node: Node) -> str:
    sizes = to.constant(to.constant_of(node.inputs[1]).astype(np.int64))
    axis = int(to.constant_of(node.inputs[2]))
    return to.emit("Split", [to.value(node.inputs[0]), sizes], outputs=node.attributes["num_split"], axis=axis)


def _concat(to: Converter, node: Node) -> str:
    *sources, axis = node.inputs
    return to.emit("Concat", [to.value(name) for name in sources], axis=int(to.constant_of(axis)))


def _reshape(to: Converter, node: Node) -> str:
    shape = to.constant(to.constant_of(node.inputs[1]).astype(np.int64))
    return to.emit("Reshape", [to.value(node.inputs[0]), shape])


def _transpose(to: Converter, node: Node) -> str:
    return to.transpose(to.value(node.inputs[0]), [int(axis) for axis in to.constant_of(node.inputs[1])])


def _leaky_relu(to: Converter, node: Node) -> str:
    return to.emit("LeakyRelu", [to.value(node.inputs[0])], alpha=float(node.attributes["alpha"]))


def _add(to: Converter, node: Node) -> str:
    left, right = node.inputs
    if to.is_constant(right) and to.add_bias(to.value(left), to.constant_of(right)):
        return to.value(left)
    return to.emit("Add", [to.value(left), to.value(right)])


def _simple(op: str) -> Callable[[Converter, Node], str]:
    return lambda to, node: to.emit(op, [to.value(name) for name in node.inputs])


_OPERATIONS: Mapping[str, Callable[[Converter, Node], str]] = {
    "Conv2D": _conv2d,
    "MaxPool": _max_pool,
    "Pad": _pad,
    "PadV2": _pad,
    "ResizeBilinear": _resize,
    "SplitV": _split,
    "ConcatV2": _concat,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "LeakyRelu": _leaky_relu,
    "Add": _add,
    "AddV2": _add,
    "BiasAdd": _add,
    "Sigmoid": _simple("Sigmoid"),
    "Relu": _simple("Relu"),
    "Identity": _simple("Identity"),
}
