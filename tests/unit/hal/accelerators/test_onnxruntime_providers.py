"""Providers are seen by their files and devices, without importing the runtime."""

import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.hal.accelerators import onnxruntime_providers as providers
from eyespot.hal.accelerators.onnxruntime_providers import CPU, OTHERS, presence


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a build of ONNX Runtime with CUDA, as the program would find it."""
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi/libonnxruntime_providers_cuda.so").touch()
    (tmp_path / "capi/build_and_package_info.py").write_text("package_name = 'onnxruntime'\n__version__ = '1'\n")
    monkeypatch.setattr(providers, "folder_of", lambda _: tmp_path)
    return tmp_path


def named(name: str) -> providers.Provider:
    return next(provider for provider in OTHERS if provider.name == name)


def test_a_provider_needs_its_library_and_its_device(build: Path, tmp_path: Path) -> None:
    dev = tmp_path / "dev"
    dev.mkdir()
    cuda = presence(named("onnxruntime-cuda"), dev)
    assert (cuda.usable, cuda.why_not) == (False, "There is no device for it: no /dev/nvidia[0-9]*.")
    (dev / "nvidia0").touch()
    assert presence(named("onnxruntime-cuda"), dev).usable
    assert not presence(named("onnxruntime-cuda"), dev).tested
    assert "has no TensorrtExecutionProvider" in presence(named("onnxruntime-tensorrt"), dev).why_not
    assert presence(CPU, dev).usable
    assert presence(CPU, dev).version == "1"
    (build / "capi/build_and_package_info.py").write_text("package_name = 'onnxruntime-gpu'\n__version__ = '2'\n")
    assert presence(CPU, dev).version == "2 (onnxruntime-gpu)"


def test_without_the_runtime_nothing_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "folder_of", lambda _: None)
    assert presence(CPU).why_not == "ONNX Runtime is not installed."
    assert not any(presence(provider).usable for provider in OTHERS)


def test_a_build_of_ones_own_is_asked_when_told_to(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_linked_in", lambda: frozenset({"XnnpackExecutionProvider"}))
    xnnpack = named("onnxruntime-xnnpack")
    assert presence(xnnpack).usable is (sys.platform == "darwin")
    monkeypatch.setenv("EYESPOT_ONNXRUNTIME_ASK", "1")
    assert presence(xnnpack).usable
    assert not presence(named("onnxruntime-acl")).usable


def test_looking_at_all_accelerators_imports_no_runtime() -> None:
    code = (
        "import sys; from eyespot.hal.accelerators.chooser import known; [item.available() for item in known()]\n"
        "print([m for m in ('onnxruntime', 'openvino', 'ai_edge_litert') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
