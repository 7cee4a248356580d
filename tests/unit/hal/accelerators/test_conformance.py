"""Every accelerator keeps the contract: the same checks on each, on every file format it reads."""

from pathlib import Path

import pytest

from eyespot.hal.accelerators.chooser import find_accelerator, known
from eyespot.hal.accelerators.contract import Accelerator
from eyespot.hal.accelerators.fake import FakeAccelerator
from eyespot.hal.accelerators.guard import Guarded
from eyespot.hal.accelerators.onnxruntime_providers import OTHERS
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.accelerator_suite import CHECKS, Check
from eyespot.testing.tiny_models import write_model

CASES = [
    ("onnxruntime", ".onnx"),
    ("openvino", ".onnx"),
    ("openvino", ".tflite"),
    ("litert", ".tflite"),
    ("fake", ".fake"),
    ("guarded fake", ".fake"),
]
SILICON = [*(provider.name for provider in OTHERS), "openvino-gpu", "openvino-npu"]


def _accelerator(name: str) -> Accelerator:
    if name == "fake":
        return FakeAccelerator()
    if name == "guarded fake":
        return Guarded(FakeAccelerator(), "a wheel 1.0")
    accelerator = find_accelerator(name)
    if not accelerator.available():
        pytest.skip(f"{name} is not on this machine")
    return accelerator


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "ending"), CASES, ids=lambda word: word.strip("."))
def test_keeps_the_contract(check: Check, name: str, ending: str, tmp_path: Path) -> None:
    check(_accelerator(name), write_model(tmp_path, ending))


@pytest.mark.parametrize("name", SILICON)
def test_keeps_the_contract_where_the_silicon_is(name: str, tmp_path: Path) -> None:
    accelerator = _accelerator(name)
    for check in CHECKS:
        check(accelerator, write_model(tmp_path, ".onnx"))


def test_a_model_without_fixed_shapes_takes_any_size(tmp_path: Path) -> None:
    from eyespot.testing.accelerator_suite import picture

    for name, ending in (("onnxruntime", ".onnx"), ("openvino", ".onnx"), ("litert", ".tflite")):
        accelerator = find_accelerator(name)
        if not accelerator.available():
            continue
        loaded = accelerator.load(write_model(tmp_path, ending), 1)
        assert loaded.inputs[0].shape == (1, None, None, 3), name
        for shape in ((1, 4, 6, 3), (1, 9, 5, 3)):
            image = picture(1, shape)
            assert loaded.run([image])[0] == pytest.approx(image.mean(axis=(1, 2)), abs=0.01), name
        loaded.close()


def test_unknown_name_lists_what_can_be_used() -> None:
    with pytest.raises(EyespotError, match=r"openvino, onnxruntime|onnxruntime, openvino") as caught:
        find_accelerator("tpu")
    assert caught.value.kind is Kind.INVALID
    assert "onnxruntime-acl" not in caught.value.todo


def test_names_differ_and_the_absent_say_why_and_what_to_do() -> None:
    from eyespot.hal.accelerators.contract import presence_of

    names = [item.name for item in known()]
    assert len(set(names)) == len(names)
    for item in known():
        found = presence_of(item)
        assert found.usable is item.available()
        if not found.usable:
            assert found.why_not.endswith("."), item.name
            assert found.todo, item.name


def test_an_absent_provider_is_refused_never_replaced_by_the_cpu(tmp_path: Path) -> None:
    absent = next(provider for provider in OTHERS if not find_accelerator(provider.name).available())
    with pytest.raises(EyespotError, match=f"has no {absent.execution}") as caught:
        find_accelerator(absent.name).load(write_model(tmp_path, ".onnx"), 1)
    assert caught.value.kind is Kind.UNAVAILABLE


def test_onnx_runtime_comes_first_on_arm64_and_openvino_elsewhere() -> None:
    assert [item.name for item in known("aarch64")][:3] == ["onnxruntime", "openvino", "litert"]
    assert [item.name for item in known("x86_64")][:3] == ["openvino", "onnxruntime", "litert"]
