"""Sessions over a person's own package: a small graph made here, right and wrong."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from typer.testing import CliRunner

from eyespot.cli.models import app
from eyespot.infer.package import Input, ModelDocument, ModelPackage, Variant
from eyespot.infer.session import open_session
from eyespot.infer.zoo.document import to_toml
from eyespot.kernel.errors import EyespotError


def _package(folder: Path, *, dtype: int = TensorProto.UINT8, head: str = "nanodet", name: str = "own") -> Path:
    """A package whose graph finds nothing: 21 cells of two classes for 32 × 32 pixels."""
    folder = folder / name
    folder.mkdir()
    zeros = {"best": (1, 21), "raw": (1, 21, 46)}
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[0, 1, 2, 3], keepdims=0),
    ]
    for output, shape in zeros.items():
        tensor = helper.make_tensor(f"{output}_zeros", TensorProto.FLOAT, shape, np.zeros(shape, np.float32).ravel())
        nodes.append(helper.make_node("Constant", [], [f"{output}_0"], value=tensor))
        nodes.append(helper.make_node("Mul", ["mean", f"{output}_0"], [output]))
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("image", dtype, [1, 32, 32, 3])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, shape) for output, shape in zeros.items()],
    )
    path = folder / "own.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    data = path.read_bytes()
    variant = Variant(name="float", file=path.name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data))
    document = ModelDocument(
        format=1,
        name=name,
        task="detection",
        head=head,
        labels=("person", "car"),
        licence="own",
        input=Input(width_px=32, height_px=32),
        variants=(variant,),
    )
    (folder / "model.toml").write_text(to_toml(document))
    return folder


@pytest.mark.parametrize("accelerator", [None, "onnxruntime", "openvino"])
def test_runs_a_package_of_ones_own(tmp_path: Path, accelerator: str | None) -> None:
    session = open_session(ModelPackage.load(_package(tmp_path)), accelerator=accelerator)
    assert session.input_px == (32, 32)
    best, raw = session.run(np.ones((32, 32, 3), np.uint8))
    assert (best.shape, raw.shape) == ((1, 21), (1, 21, 46))
    assert "usual order" in session.choice.reason
    session.close()


def test_says_which_input_is_wrong(tmp_path: Path) -> None:
    package = ModelPackage.load(_package(tmp_path, dtype=TensorProto.FLOAT))
    with pytest.raises(EyespotError, match=r"own\.onnx of model package own takes image \[1, 32, 32, 3\] float32"):
        open_session(package)


def test_refuses_a_size_the_package_does_not_leave_open(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="32x32 only"):
        open_session(ModelPackage.load(_package(tmp_path)), size_px=(64, 64))


def test_commands_list_show_and_verify(tmp_path: Path) -> None:
    folder = _package(tmp_path)
    run = CliRunner().invoke
    listed = run(app, ["list", "--dir", str(tmp_path)])
    assert listed.exit_code == 0
    assert "own" in listed.output
    shown = run(app, ["show", str(folder)])
    assert shown.exit_code == 0
    assert "head nanodet" in shown.output
    verified = run(app, ["verify", "--dir", str(tmp_path)])
    assert "own: float is well" in verified.output
    (folder / "own.onnx").write_bytes(b"x" * (folder / "own.onnx").stat().st_size)
    broken = run(app, ["verify", str(folder)])
    assert isinstance(broken.exception, EyespotError)
    assert "digest" in broken.exception.what


def test_verify_names_an_unknown_head(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["verify", str(_package(tmp_path, head="yolo"))])
    assert isinstance(result.exception, EyespotError)
    assert "There is no head 'yolo'" in result.exception.what
