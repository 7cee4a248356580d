"""Batches on real runtimes give what single runs give, a difference is found, and the gain of a fixed cost is seen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot.bench.infer_batch import check_equal, gain, open_batch
from eyespot.hal.accelerators.chooser import find_accelerator
from eyespot.hal.accelerators.contract import TensorSpec
from eyespot.hal.accelerators.fake import FakeAccelerator
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.tiny_models import write_model

PICTURES = np.random.default_rng(1).integers(0, 256, (4, 32, 64, 3), np.uint8)


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    pytest.importorskip("onnx")
    return open_batch(write_model(tmp_path, ".onnx"), tmp_path / "batch.onnx")


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_batch_equals_its_single_runs(opened: Path, name: str) -> None:
    silicon = find_accelerator(name)
    if not silicon.available():
        pytest.skip(f"{name} is not installed")
    one, many = (silicon.load(opened, 1, input_shapes=[(count, 32, 64, 3)]) for count in (1, 4))
    check_equal(one, many, PICTURES)
    assert many.run([PICTURES])[0].shape == (4, 3)
    assert gain(silicon, opened, (32, 64), 2, 1, 0.01) > 0


def test_a_fixed_cost_of_a_run_is_shared_by_a_batch(tmp_path: Path) -> None:
    """The fake accelerator takes as long for four pictures as for one."""
    path = tmp_path / "model.fake"
    path.write_text("{}")
    fake = FakeAccelerator(
        inputs=(TensorSpec("image", "uint8", (None, None, None, 3)),),
        outputs=(TensorSpec("mean", "float32", (None, 3)),),
        compute=lambda inputs: [inputs[0].mean(axis=(1, 2)).astype(np.float32)],
        delay_s=0.02,
    )
    assert gain(fake, path, (32, 64), 4, 3, 0.1) > 2


def test_another_output_is_found() -> None:
    class Told:
        inputs = outputs = ()

        def run(self, inputs: Any) -> list[Any]:
            return [np.full((len(inputs[0]), 2), len(inputs[0]), np.float32)]

        def close(self) -> None: ...

    with pytest.raises(EyespotError) as caught:
        check_equal(Told(), Told(), PICTURES)
    assert caught.value.kind is Kind.CORRUPT
