"""Reading an ONNX graph as steps: nothing of its meaning is lost, and what is not understood is refused by name."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from eyespot.infer.package import ModelPackage
from eyespot.infer.zoo.compile.steps import STEPS_FILE, WEIGHTS_FILE, Graph, Step, read_graph
from eyespot.kernel.errors import EyespotError, Kind

KINDS = {
    "add": "Add", "sub": "Sub", "float": "Cast", "concat": "Concat", "conv": "Conv", "leaky_relu": "LeakyRelu",
    "max_pool": "MaxPool", "reduce_max": "ReduceMax", "relu": "Relu", "reshape": "Reshape", "resize": "Resize",
    "sigmoid": "Sigmoid", "slice": "Slice", "transpose": "Transpose",
}  # fmt: skip


def saved(path: Path, nodes: list[onnx.NodeProto], **arrays: np.ndarray) -> Path:
    """A model that takes a picture ``image`` and gives the last node's output."""
    picture = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 8, 8, 3])
    result = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "g", [picture], [result], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(path))
    return path


def floats() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Transpose", ["image"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["t"], ["f"], to=TensorProto.FLOAT),
    ]


def written(folder: Path) -> onnx.ModelProto:
    """The model that the files in ``folder`` tell, made from them alone."""
    document = json.loads((folder / STEPS_FILE).read_text("utf-8"))
    with np.load(folder / WEIGHTS_FILE, allow_pickle=False) as weights:
        nodes, constants = [], [numpy_helper.from_array(weights[key], key) for key in weights.files]

    def add(step: dict, extra: list[np.ndarray], places: int = 0, **attributes: object) -> None:
        names = [f"{step['output']}_{number}" for number in range(len(extra))]
        constants.extend(numpy_helper.from_array(array, name) for array, name in zip(extra, names, strict=True))
        inputs = [*step["inputs"], *step["weights"].values(), *[""] * places, *names]
        nodes.append(helper.make_node(KINDS[step["kind"]], inputs, [step["output"]], **attributes))

    for step in document["steps"]:
        facts, kind = step["facts"], step["kind"]
        if kind == "reshape":
            add(step, [np.array(facts["shape"], np.int64)])
        elif kind == "slice":
            add(step, [np.array([facts[name]], np.int64) for name in ("start", "end", "axis")])
        elif kind == "reduce_max":
            add(step, [np.array([facts["axis"]], np.int64)], keepdims=int(facts["keep"]))
        elif kind == "resize":
            add(step, [np.array([1, 1, *facts["scales"]], np.float32)], 1, mode="linear")
        elif kind == "float":
            add(step, [], to=TensorProto.FLOAT)
        elif kind == "max_pool":
            add(step, [], kernel_shape=facts["kernel"], strides=facts["strides"], pads=facts["pads"])
        else:
            add(step, [], **facts)
    picture = helper.make_tensor_value_info(document["input"], TensorProto.UINT8, None)
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in document["outputs"]]
    graph = helper.make_graph(nodes, "again", [picture], results, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def run(model: bytes, picture: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: picture})


@pytest.mark.footage
def test_the_zoos_network_is_told_whole(model_dir: Path, tmp_path: Path) -> None:
    package = ModelPackage.load(model_dir / "nanodet-g")
    path = package.path(package.variant("onnx-fp32"))
    read_graph(path).save(tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (1, 96, 128, 3), np.uint8)
    originals = run(path.read_bytes(), picture)
    for told, original in zip(run(written(tmp_path).SerializeToString(), picture), originals, strict=True):
        np.testing.assert_allclose(told, original, atol=1e-4)


def test_defaults_and_constants_are_resolved(tmp_path: Path) -> None:
    weight = np.ones((2, 3, 1, 1), np.float32)
    nodes = [
        *floats(),
        helper.make_node("Sub", ["f", "mean"], ["s"]),
        helper.make_node("Conv", ["s", "w"], ["c"], auto_pad="VALID"),
        helper.make_node("Add", ["c", "c"], ["a"]),
    ]
    graph = read_graph(saved(tmp_path / "m.onnx", nodes, w=weight, mean=np.float32(3)))
    assert isinstance(graph, Graph)
    conv = {"strides": [1, 1], "dilations": [1, 1], "pads": [0, 0, 0, 0], "group": 1}
    assert graph.steps[2:] == (
        Step("sub", ("f",), "s", {}, {"constant": "mean"}),
        Step("conv", ("s",), "c", conv, {"weight": "w"}),
        Step("add", ("c", "c"), "a", {}, {}),
    )
    assert set(graph.arrays) == {"w", "mean"}


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (helper.make_node("Erf", ["f"], ["x"]), "Operation Erf"),
        (helper.make_node("Split", ["f"], ["x", "y"], num_outputs=2), "Operation Split"),
        (helper.make_node("Conv", ["f", "w"], ["x"], auto_pad="SAME_UPPER"), "automatic padding SAME_UPPER"),
        (helper.make_node("Conv", ["f", "f"], ["x"]), "input 1 is not a constant"),
        (helper.make_node("MaxPool", ["f"], ["x"], kernel_shape=[2, 2], ceil_mode=1), "rounding up"),
        (helper.make_node("Resize", ["f", "", "by"], ["x"], mode="cubic"), "only linear resizing"),
        (helper.make_node("Slice", ["f", "one", "two", "both"], ["x"]), "only a slice of one axis"),
        (helper.make_node("Cast", ["f"], ["x"], to=TensorProto.INT32), "only casts to float32"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.op_type,
)
def test_what_is_not_understood_is_refused(node: onnx.NodeProto, said: str, tmp_path: Path) -> None:
    arrays = {
        "w": np.ones((2, 3, 3, 3), np.float32),
        "by": np.array([1, 1, 2, 2], np.float32),
        "one": np.array([1, 1]),
        "two": np.array([2, 2]),
        "both": np.array([2, 3]),
    }
    with pytest.raises(EyespotError, match=said) as caught:
        read_graph(saved(tmp_path / "m.onnx", [*floats(), node], **arrays))
    assert caught.value.kind is Kind.INVALID
