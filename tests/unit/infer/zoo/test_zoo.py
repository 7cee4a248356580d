"""The zoo's own package on real frames, its proof of conversion, and the gate that refuses a broken variant."""

import base64
import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from eyespot.cli.model_footage import PersonJudge, sample_footage
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import choices, open_session
from eyespot.infer.zoo.build import judge_variant
from eyespot.infer.zoo.document import to_toml
from eyespot.infer.zoo.fetch import NpmPackage, fetch
from eyespot.infer.zoo.gate import judge
from eyespot.infer.zoo.quantise import quantise
from eyespot.infer.zoo.recipe import is_built
from eyespot.infer.zoo.reference import check_against_reference, made_up_picture
from eyespot.kernel.errors import EyespotError, Kind


@pytest.fixture(scope="module")
def package(model_dir: Path) -> ModelPackage:
    return ModelPackage.load(model_dir / "nanodet-g")


@pytest.mark.footage
@pytest.mark.parametrize("accelerator", ["onnxruntime", "openvino"])
def test_the_float_model_is_what_tensorflow_js_computes(package: ModelPackage, accelerator: str) -> None:
    session = open_session(package, variant="onnx-fp32", accelerator=accelerator)
    picture = made_up_picture(*session.input_px)
    best, raw = session.run(picture[..., ::-1])
    assert check_against_reference("nanodet-g", raw) < 1e-3
    np.testing.assert_allclose(best[0], 1 / (1 + np.exp(-raw[0, :, :80].max(axis=1))), atol=1e-5)
    with pytest.raises(EyespotError, match="differs from its source"):
        check_against_reference("nanodet-g", session.run(picture)[1])


def _pad_before_pooling(source: Path, target: Path) -> None:
    """The graph as its makers wrote it: a padding with minus infinity of its own before the max pooling."""
    model = onnx.load(str(source))
    nodes = list(model.graph.node)
    place, pool = next((index, node) for index, node in enumerate(nodes) if node.op_type == "MaxPool")
    pads = next(item for item in pool.attribute if item.name == "pads")
    top, left, bottom, right = pads.ints
    pool.attribute.remove(pads)
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), "pads"),
            numpy_helper.from_array(np.array(-np.inf, np.float32), "lowest"),
        ]
    )
    nodes.insert(place, helper.make_node("Pad", [pool.input[0], "pads", "lowest"], ["padded"], name="padding"))
    pool.input[0] = "padded"
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, str(target))


@pytest.mark.footage
def test_the_gate_takes_convolutions_and_refuses_all_operations(
    package: ModelPackage, tmp_path: Path, sample_avi: Path
) -> None:
    footage = sample_footage(sample_avi)
    assert footage is not None
    reference = package.path(package.variant("onnx-fp32"))
    for name in ("onnx-int8", "openvino-int8"):
        assert judge_variant(name, package.path(package.variant(name)), reference, footage, PersonJudge()) > 0.98
    padded, broken = tmp_path / "padded.onnx", tmp_path / "all.onnx"
    _pad_before_pooling(reference, padded)
    assert judge_variant("padded", padded, reference, footage, PersonJudge()) == 1.0
    with np.errstate(all="ignore"):  # the infinite scale itself
        quantise(padded, broken, footage.calibration[:8], op_types=None)
    with pytest.raises(EyespotError, match="Variant all loses") as caught:
        judge_variant("all", broken, reference, footage, PersonJudge())
    assert caught.value.kind is Kind.INVALID


@pytest.mark.footage
def test_the_choice_is_the_fastest_and_says_so(package: ModelPackage) -> None:
    ranked = choices(package)
    times = [
        min(row.ms for row in choice.variant.latency if row.accelerator == choice.accelerator.name) for choice in ranked
    ]
    assert times == sorted(times)
    assert "ms a run" in ranked[0].reason
    assert {choice.variant.name for choice in choices(package, variant="onnx-fp32")} == {"onnx-fp32"}


@pytest.mark.footage
def test_sessions_run_at_other_sizes_and_refuse_odd_ones(package: ModelPackage) -> None:
    session = open_session(package, size_px=package.document.input.fit(16 / 9))
    assert session.input_px == (224, 416)
    assert session.run(np.zeros((224, 416, 3), np.uint8))[0].shape == (1, 224 * 416 * 21 // 1024)
    with pytest.raises(EyespotError, match="takes shape"):
        session.run(np.zeros((416, 416, 3), np.uint8))
    with pytest.raises(EyespotError, match="multiples of 32"):
        open_session(package, size_px=(250, 416))


@pytest.mark.footage
def test_packages_say_where_they_are_from(package: ModelPackage) -> None:
    document = package.document
    assert document.licence == "Apache-2.0"
    assert "human-models@3.0.4" in document.provenance.source
    assert len(document.labels) == 80
    for variant in document.variants:
        assert variant.accuracy is not None
        assert variant.accuracy.agreement_ap50 is not None
        assert {row.origin for row in variant.latency} == {"measured here"}


@pytest.mark.footage
def test_a_package_without_int8_is_not_the_whole_build(package: ModelPackage, tmp_path: Path) -> None:
    assert is_built(package.folder)
    assert not is_built(tmp_path)
    variants = tuple(item for item in package.document.variants if item.name == "onnx-fp32")
    (tmp_path / "onnx-fp32.onnx").write_bytes(package.path(variants[0]).read_bytes())
    (tmp_path / "model.toml").write_text(to_toml(package.document.model_copy(update={"variants": variants})))
    assert is_built(tmp_path, with_int8=False)
    assert not is_built(tmp_path)


def test_gate_allows_two_points_and_no_more() -> None:
    judge("v", agreement=0.981, ap50=0.89, reference_ap50=0.905)
    with pytest.raises(EyespotError, match=r"loses 2\.5 points"):
        judge("v", agreement=0.975)
    with pytest.raises(EyespotError, match="against ground truth"):
        judge("v", agreement=0.99, ap50=0.87, reference_ap50=0.90)
    with pytest.raises(EyespotError):
        judge("v", agreement=float("nan"))


def test_fetch_offline_trusts_the_pinned_digest_alone(tmp_path: Path) -> None:
    digest = "sha512-" + base64.b64encode(hashlib.sha512(b"tarball").digest()).decode()
    package = NpmPackage("@scope/thing", "1.2.3", digest, 7)
    assert package.tarball == "scope-thing-1.2.3.tgz"
    (tmp_path / package.tarball).write_bytes(b"tarball")
    assert fetch(package, tmp_path, offline=True, progress=lambda part: None).read_bytes() == b"tarball"
    (tmp_path / package.tarball).write_bytes(b"another")
    with pytest.raises(EyespotError, match="not in the cache") as caught:
        fetch(package, tmp_path, offline=True, progress=lambda part: None)
    assert caught.value.kind is Kind.UNAVAILABLE
