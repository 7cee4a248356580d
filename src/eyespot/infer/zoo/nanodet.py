"""NanoDet-g (COCO-80, Apache-2.0) from the TF.js graph to the graph a camera runs.

Picture in, candidates out: bytes ``(1, H, W, 3)``, blue first, go in; layout, mean and scale are part of the graph,
the scale inside the first convolution's weights. Out come ``best`` ``(1, N)``, each cell's highest class score,
and ``raw`` ``(1, N, 124)``, each cell's 80 class logits and 4 × 11 side distributions, cells of strides 8, 16 and 32 in
that order, row by row.
A head so needs to look at the few good cells only. H and W are free multiples of 32; runtimes fix them at load.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxslim
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference

from eyespot.infer.zoo.tfjs import GraphModel
from eyespot.infer.zoo.to_onnx import NCHW_TO_NHWC, NHWC_TO_NCHW, Converter

SIDE_PX = 416
MULTIPLE_PX = 32
CLASSES = 80
CHANNELS = 124
MEAN_BGR = (103.53, 116.28, 123.675)
STD_BGR = (57.375, 57.12, 58.395)
LEVEL_NODES = tuple(f"PartitionedCall/transpose_{number}" for number in (99, 105, 111))
"""The head's convolutions by stride 8, 16, 32: ``(1, 124, h, w)``."""
_FIRST_WEIGHTS = "PartitionedCall/split"
_OPSET = 18
_IR_VERSION = 9


def build_graph(source: GraphModel) -> onnx.ModelProto:
    """The simplified float32 ONNX model described above."""
    to = Converter(_scaled(source))
    floats = to.emit("Cast", [to.transpose("image", NHWC_TO_NCHW)], to=TensorProto.FLOAT)
    mean = to.constant(np.array(MEAN_BGR, np.float32).reshape(1, 3, 1, 1))
    to.bind("input_1", to.emit("Sub", [floats, mean]))
    levels = [to.value(name) for name in LEVEL_NODES]
    _append_outputs(to, levels)
    picture = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, SIDE_PX, SIDE_PX, 3])
    outputs = [
        helper.make_tensor_value_info("best", TensorProto.FLOAT, [1, "cells"]),
        helper.make_tensor_value_info("raw", TensorProto.FLOAT, [1, "cells", CHANNELS]),
    ]
    graph = helper.make_graph(to.nodes, "nanodet-g", [picture], outputs, to.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    model = _slim(model)
    _pool_without_pad(model)
    _free_the_geometry(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def _slim(model: onnx.ModelProto) -> onnx.ModelProto:
    slimmed: onnx.ModelProto = onnxslim.slim(model)
    return slimmed


def _scaled(source: GraphModel) -> GraphModel:
    """``source`` with the division by the standard deviation moved into the first convolution.

    Exact, because the padding around the picture is zero either way.
    """
    weights: Mapping[str, NDArray[Any]] = source.weights
    first = weights[_FIRST_WEIGHTS] / np.array(STD_BGR, np.float32)[:, None]
    return replace(source, weights={**weights, _FIRST_WEIGHTS: first.astype(np.float32)})


def _append_outputs(to: Converter, levels: list[str]) -> None:
    """A cell's values lie side by side: what a head reads of a good cell is then a few lines of memory, not 124."""
    flat_shape = to.constant(np.array([1, -1, CHANNELS], np.int64))
    flat = [to.emit("Reshape", [to.transpose(level, NCHW_TO_NHWC), flat_shape]) for level in levels]
    raw = to.emit("Concat", flat, axis=1)
    start, end, axis = (to.constant(np.array([value], np.int64)) for value in (0, CLASSES, 2))
    logits = to.emit("Slice", [raw, start, end, axis])
    best = to.emit("ReduceMax", [logits, axis], keepdims=0)
    for value, name in ((to.emit("Sigmoid", [best]), "best"), (raw, "raw")):
        for node in to.nodes:
            node.output[:] = [name if item == value else item for item in node.output]
            node.input[:] = [name if item == value else item for item in node.input]


def _pool_without_pad(model: onnx.ModelProto) -> None:
    """Turn a padding with the lowest number before a max pooling into the pooling's own padding."""
    graph = model.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    pads = {node.output[0]: node for node in graph.node if node.op_type == "Pad"}
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        pad = pads.get(pool.input[0])
        if pad is None or constants[pad.input[2]] > np.finfo(np.float32).min / 2:
            continue
        before, after = constants[pad.input[1]].reshape(2, 4)
        kept = [item for item in pool.attribute if item.name not in ("auto_pad", "pads")]
        del pool.attribute[:]
        pool.attribute.extend([*kept, helper.make_attribute("pads", [*map(int, before[2:]), *map(int, after[2:])])])
        pool.input[0] = pad.input[0]
        graph.node.remove(pad)


def _free_the_geometry(model: onnx.ModelProto) -> None:
    """Replace fixed sizes by factors, and the input's height and width by names that a runtime fixes at load."""
    del model.graph.value_info[:]
    graph = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    shapes = {item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in graph.value_info}
    for number, node in enumerate(node for node in model.graph.node if node.op_type == "Resize"):
        before, after = shapes[node.input[0]], shapes[node.output[0]]
        scales = np.array([new / old for old, new in zip(before, after, strict=True)], np.float32)
        model.graph.initializer.append(numpy_helper.from_array(scales, f"scales_{number}"))
        node.input[:] = [node.input[0], "", f"scales_{number}"]
        kept = [item for item in node.attribute if item.name != "axes"]  # ONNX Runtime's layout pass trips over axes
        del node.attribute[:]
        node.attribute.extend(kept)
    dims = model.graph.input[0].type.tensor_type.shape.dim
    dims[1].dim_param, dims[2].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = "cells"
    used = {name for node in model.graph.node for name in node.input}
    constants = [item for item in model.graph.initializer if item.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(constants)
