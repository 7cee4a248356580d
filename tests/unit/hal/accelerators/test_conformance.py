"""Every accelerator keeps the contract: the same tests on each."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from eyespot.hal.accelerators.chooser import find_accelerator, known
from eyespot.hal.accelerators.contract import Accelerator, TensorSpec
from eyespot.hal.accelerators.fake import FakeAccelerator
from eyespot.kernel.errors import EyespotError, Kind

SHAPE = (1, 4, 6, 3)


def _fake() -> FakeAccelerator:
    return FakeAccelerator(
        inputs=(TensorSpec("image", "uint8", SHAPE),),
        outputs=(TensorSpec("mean", "float32", (1, 3)),),
        compute=lambda inputs: [inputs[0].astype(np.float32).mean(axis=(1, 2))],
    )


@pytest.fixture(params=["onnxruntime", "openvino", "fake"])
def accelerator(request: pytest.FixtureRequest) -> Accelerator:
    return _fake() if request.param == "fake" else find_accelerator(request.param)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A graph of open size: mean of each colour."""
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 3])],
    )
    path = tmp_path / "mean.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def test_fixes_open_sizes_and_runs(accelerator: Accelerator, model: Path) -> None:
    loaded = accelerator.load(model, 1, input_shapes=[SHAPE])
    assert loaded.inputs == (TensorSpec("image", "uint8", SHAPE),)
    assert [spec.name for spec in loaded.outputs] == ["mean"]
    image = np.arange(72, dtype=np.uint8).reshape(SHAPE)
    np.testing.assert_allclose(loaded.run([image])[0], image.astype(np.float32).mean(axis=(1, 2)), rtol=1e-6)
    loaded.close()
    loaded.close()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([], "takes 1 inputs, 0"),
        ([np.zeros(SHAPE, np.float32)], "takes uint8"),
        ([np.zeros((1, 4, 5, 3), np.uint8)], "takes shape"),
        ([np.zeros((4, 6, 3), np.uint8)], "takes shape"),
    ],
)
def test_refuses_wrong_inputs(accelerator: Accelerator, model: Path, inputs: list[np.ndarray], words: str) -> None:
    loaded = accelerator.load(model, 1, input_shapes=[SHAPE])
    with pytest.raises(EyespotError, match=words) as caught:
        loaded.run(inputs)
    assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_refuses_a_file_that_is_no_model(name: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"\x08\x07 this is not a model")
    with pytest.raises(EyespotError, match=r"does not accept broken\.onnx") as caught:
        find_accelerator(name).load(path, 1)
    assert caught.value.kind is Kind.INVALID


def test_unknown_name_lists_the_known() -> None:
    with pytest.raises(EyespotError, match="openvino, onnxruntime"):
        find_accelerator("tpu")
    assert {"openvino", "onnxruntime"} <= {item.name for item in known() if item.available()}


def test_fake_fails_when_told(model: Path) -> None:
    fake = _fake()
    fake.fail_after = 1
    loaded = fake.load(model, 1)
    image = np.zeros(SHAPE, np.uint8)
    loaded.run([image])
    with pytest.raises(EyespotError, match="told to"):
        loaded.run([image])
    assert fake.runs == 2
    fake.fail_load = True
    with pytest.raises(EyespotError, match="does not accept"):
        fake.load(model, 1)
