"""The toolchains themselves, where they are installed: the whole way, and a package left as it was when one breaks.

Run with `pytest -m toolchain` after `eyespot models compile nanodet-g --target ethos-u55-128` has installed them.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest

from eyespot.cli.model_footage import PersonJudge, sample_footage
from eyespot.hal.accelerators.chooser import find_accelerator
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.infer.zoo.build import Footage, Tools
from eyespot.infer.zoo.compile import toolchain
from eyespot.infer.zoo.compile.artefact import decode
from eyespot.infer.zoo.compile.service import Job, compile_package
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import cache_dir
from eyespot.kernel.errors import EyespotError, Kind


@pytest.fixture
def package(model_dir: Path, tmp_path: Path) -> ModelPackage:
    return ModelPackage.load(Path(shutil.copytree(model_dir / "nanodet-g", tmp_path / "nanodet-g")))


def tools(clip: Path, said: list[str], frames: int | None = None) -> Tools:
    def footage() -> Footage | None:
        whole = sample_footage(clip)
        return whole and Footage(whole.name, whole.frames[:frames])

    return Tools(
        footage=footage,
        judge=PersonJudge(),
        clock=SystemClock(),
        step=lambda text, _: said.append(text),
    )


def files(package: ModelPackage) -> dict[str, bytes]:
    return {item.name: item.read_bytes() for item in package.folder.iterdir()}


@pytest.mark.toolchain
@pytest.mark.slow
@pytest.mark.footage
def test_the_whole_way(package: ModelPackage, sample_avi: Path) -> None:
    if not all(toolchain.is_installed(cache_dir(), name) for name in toolchain.TOOLCHAINS):
        pytest.skip("the toolchains are not installed: run `eyespot models compile`")
    said: list[str] = []
    job = Job(package, ("litert-int8", "ethos-u55-128"), cache_dir())
    made = compile_package(job, tools(sample_avi, said))
    lite, npu = made.variant("litert-int8"), made.variant("ethos-u55-128")
    assert lite.accuracy is not None
    assert lite.accuracy.agreement_ap50 is not None
    assert lite.accuracy.agreement_ap50 >= 0.98
    assert npu.estimate is not None
    assert npu.estimate.source_sha256 == lite.sha256
    assert npu.estimate.npu_operations > 20 * npu.estimate.cpu_operations
    assert npu.latency[0].origin == "estimated"
    assert decode(made.verify(npu).read_bytes()).macs == 128
    assert "quantising" in said
    if find_accelerator("litert").available():
        picture = np.ascontiguousarray(sample_footage(sample_avi).judging[0])  # type: ignore[union-attr]
        outputs = [
            open_session(made, variant=name, size_px=(320, 416)).run(picture) for name in ("litert-int8", "onnx-fp32")
        ]
        assert [array.shape for array in outputs[0]] == [array.shape for array in outputs[1]]
        np.testing.assert_allclose(outputs[0][0], outputs[1][0], atol=0.15)


@pytest.mark.footage
def test_a_toolchain_that_breaks_leaves_the_package_as_it_was(
    package: ModelPackage, sample_avi: Path, tmp_path: Path
) -> None:
    """An environment whose Python fails at its second step."""
    home = toolchain.environment(tmp_path, "litert")
    (home / "bin").mkdir(parents=True)
    (home / "ready").touch()
    program = home / "bin" / "python"
    program.write_text("#!/bin/sh\necho step converting to TFLite\necho no such operation >&2\nexit 1\n")
    program.chmod(0o755)
    before, said = files(package), list[str]()
    with pytest.raises(EyespotError, match=r"failed at step 'converting to TFLite': no such operation") as caught:
        compile_package(Job(package, ("litert-int8",), tmp_path), tools(sample_avi, said, 4))
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "remove it to install it anew" in caught.value.todo
    assert files(package) == before
    assert not list((tmp_path / "compile").glob(".work-*"))


@pytest.mark.footage
def test_openvinos_variant_needs_no_toolchain(package: ModelPackage, sample_avi: Path, tmp_path: Path) -> None:
    made = compile_package(Job(package, ("openvino-int8",), tmp_path), tools(sample_avi, [], 12))
    variant = made.variant("openvino-int8")
    assert variant.accuracy is not None
    assert variant.width_px is None
    assert {row.accelerator for row in variant.latency} >= {"onnxruntime"}
    assert not toolchain.is_installed(tmp_path, "litert")


@pytest.mark.footage
def test_without_footage_nothing_is_made(package: ModelPackage, tmp_path: Path) -> None:
    before = files(package)
    with pytest.raises(EyespotError, match="needs real footage"):
        compile_package(Job(package, ("litert-int8",), tmp_path), tools(tmp_path / "absent.avi", []))
    assert files(package) == before
