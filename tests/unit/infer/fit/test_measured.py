"""Measuring on this board: in a process of its own, once, and anew when what is remembered is not whole."""

import hashlib
import json
from pathlib import Path

import pytest

from eyespot.cli.model_footage import PersonJudge
from eyespot.hal.accelerators.chooser import find_accelerator
from eyespot.infer.fit import measured
from eyespot.infer.fit.measured import Pair, Tools, measure, pairs
from eyespot.infer.package import ModelPackage, Variant
from eyespot.infer.zoo.document import to_toml


@pytest.mark.footage
def test_a_pair_is_measured_once(model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModelPackage.load(model_dir / "nanodet-g")
    silicon = find_accelerator("onnxruntime")
    all_pairs = pairs([package], [silicon])
    assert {item.accelerator.name for item in all_pairs} == {"onnxruntime"}
    assert len({(item.width_px, item.height_px) for item in all_pairs}) == 3
    one = Pair(package, package.variant("onnx-int8"), silicon, 192, 160)
    monkeypatch.setattr(measured, "pairs", lambda _: [one])
    monkeypatch.setattr(measured, "WINDOW_S", 0.05)
    said: list[str] = []
    tools = Tools(tmp_path, lambda *_: None, PersonJudge(), lambda text, _: said.append(text))
    (option,), failures = measure([package], tools)
    assert failures == []
    assert 0 < option.ms < 5000
    assert option.memory_bytes is not None
    assert option.memory_bytes > package.variant("onnx-int8").size_bytes
    assert (option.resource, option.agreement, option.origin) == ("cpu", None, "measured here")
    (path,) = (tmp_path / "fit").iterdir()
    facts = json.loads(path.read_text()) | {"ms": 123.0, "cpu_ms": 122.0}
    path.write_text(json.dumps(facts))
    assert measure([package], tools)[0][0].ms == 122.0
    path.write_text("{")
    assert measure([package], tools)[0][0].ms != 122.0
    assert said[0] == "nanodet-g: onnx-int8 on onnxruntime at 192x160"


@pytest.mark.footage
def test_what_does_not_run_is_said(model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModelPackage.load(model_dir / "nanodet-g")
    wrong = Pair(package, package.variant("onnx-int8"), find_accelerator("onnxruntime"), 200, 160)
    monkeypatch.setattr(measured, "pairs", lambda _: [wrong])
    tools = Tools(tmp_path, lambda *_: None, PersonJudge(), lambda *_: None)
    options, (failure,) = measure([package], tools)
    assert options == []
    assert "at 200x160 does not run" in failure
    assert not (tmp_path / "fit").exists()


@pytest.mark.footage
def test_an_open_axis_is_measured_with_several_pictures(
    model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx")
    from eyespot.bench.infer_batch import open_batch

    zoo = ModelPackage.load(model_dir / "nanodet-g")
    folder = tmp_path / "open"
    folder.mkdir()
    data = open_batch(zoo.path(zoo.variant("onnx-int8")), folder / "open.onnx").read_bytes()
    variant = Variant(
        name="open", file="open.onnx", sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data), batch=True
    )
    (folder / "model.toml").write_text(to_toml(zoo.document.model_copy(update={"variants": (variant,)})))
    package = ModelPackage.load(folder)
    one = Pair(package, variant, find_accelerator("onnxruntime"), 192, 160)
    monkeypatch.setattr(measured, "pairs", lambda _: [one])
    monkeypatch.setattr(measured, "WINDOW_S", 0.05)
    tools = Tools(tmp_path, lambda *_: None, PersonJudge(), lambda *_: None)
    (option,), failures = measure([package], tools)
    assert failures == []
    assert [count for count, _ in option.batch_ms] == [2, 4, 8]
    assert all(ms > option.ms for _, ms in option.batch_ms), "several pictures take longer than one"
    assert measure([package], tools)[0][0].batch_ms == option.batch_ms, "remembered"
