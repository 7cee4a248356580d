"""Doctor: runtimes are really loaded, elsewhere, and what fails is said."""

import hashlib
import json
from pathlib import Path

import pytest

from eyespot.edge.doctor import examine
from eyespot.edge.doctor_trial import try_package, try_runtime
from eyespot.kernel.errors import EyespotError, Kind

BROKEN = {
    "missing library": ("raise ImportError('libtbb.so.12: cannot open shared object file')", "libtbb.so.12"),
    "crash": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "signal SEGV"),
    "numpy": ("raise AttributeError('_ARRAY_API not found')", "_ARRAY_API not found"),
}


def break_runtime(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, source: str) -> None:
    """A package called ``module`` that child processes find before the real one."""
    (folder / module).mkdir(parents=True)
    (folder / module / "__init__.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")


def test_a_runtime_that_loads_is_left_at_that() -> None:
    try_runtime("onnxruntime")


@pytest.mark.parametrize("how", BROKEN)
def test_a_runtime_that_is_there_but_broken_is_told(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, said = BROKEN[how]
    break_runtime(tmp_path, monkeypatch, "onnxruntime", source)
    with pytest.raises(EyespotError) as caught:
        try_runtime("onnxruntime")
    assert caught.value.kind is Kind.UNAVAILABLE
    assert said in caught.value.what
    assert "not installed" not in caught.value.what


def test_a_runtime_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_runtime(tmp_path, monkeypatch, "onnxruntime", "import threading\nthreading.Event().wait()")
    with pytest.raises(EyespotError, match="did not load within"):
        try_runtime("onnxruntime", limit_s=2.0)


def test_doctor_goes_on_to_the_next_runtime_and_tells_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_runtime(tmp_path / "broken", monkeypatch, "openvino", BROKEN["crash"][0])
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    found = [item for item in examine(None, tmp_path) if item.name == "accelerators"]
    assert [item.level for item in found] == ["ok", "warning"]
    assert found[0].what.startswith("onnxruntime loads")
    assert "openvino: Its process ended unasked (signal SEGV)" in found[1].what
    assert found[1].todo


def test_the_runtime_that_the_config_names_must_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_runtime(tmp_path / "broken", monkeypatch, "openvino", BROKEN["missing library"][0])
    config = tmp_path / "c.toml"
    config.write_text('[vision]\naccelerator = "openvino"\n')
    found = [item for item in examine(config, tmp_path) if item.name == "accelerators"]
    assert {item.level for item in found} == {"error", "warning"}
    assert any("libtbb.so.12" in item.what for item in found)


def fake_package(folder: Path) -> Path:
    """A package of one ``.fake`` file."""
    folder.mkdir()
    spec = {"name": "image", "dtype": "uint8", "shape": [1, 32, 32, 3]}
    data = json.dumps({"inputs": [spec], "outputs": [{"name": "out", "dtype": "float32", "shape": [1, 3]}]}).encode()
    (folder / "m.fake").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    (folder / "model.toml").write_text(
        'format = 1\nname = "m"\ntask = "detection"\nhead = "nanodet"\nlabels = ["person"]\nlicence = "CC0-1.0"\n'
        "[input]\nwidth_px = 32\nheight_px = 32\n"
        f'[[variants]]\nname = "fake"\nfile = "m.fake"\nsha256 = "{digest}"\nsize_bytes = {len(data)}\n'
    )
    return folder


def test_a_package_is_run_and_says_why_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "on")
    assert "fake on fake" in try_package(fake_package(tmp_path / "m"), "", "")


@pytest.mark.parametrize(
    ("fault", "said"), [("fail_load", "does not accept"), ("fail_after=0", "fails"), ("crash_after=0", "signal KILL")]
)
def test_a_package_that_cannot_be_run_is_told(
    fault: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", fault)
    with pytest.raises(EyespotError, match=said):
        try_package(fake_package(tmp_path / "m"), "", "fake")
