"""New variants enter a package in one step; the document with estimates reads as it was written."""

import hashlib
from pathlib import Path

import pytest

from eyespot.infer.package import Accuracy, Estimate, Latency, ModelPackage, Variant
from eyespot.infer.zoo.compile.package import NewVariant, add_variants, digest_of
from eyespot.kernel.errors import EyespotError, Kind

DATA = b"a model"
DOCUMENT = f"""
format = 1
name = "mine"
task = "detection"
head = "nanodet"
licence = "own"
labels = ["person"]

[input]
width_px = 416
height_px = 320

[[variants]]
name = "onnx-fp32"
file = "model.onnx"
sha256 = "{hashlib.sha256(DATA).hexdigest()}"
size_bytes = {len(DATA)}
"""
ESTIMATE = Estimate(
    tool="ethos-u-vela==5.2.0",
    system_config="Ethos_U65_Client_Server",
    memory_mode="Dedicated_Sram_384KB",
    clock_hz=1_000_000_000,
    cycles=14_010_516,
    sram_bytes=391_808,
    dram_bytes=5_582_016,
    flash_bytes=0,
    npu_operations=88,
    cpu_operations=2,
    stream_words=5935,
    source_sha256="a" * 64,
)


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.toml").write_text(DOCUMENT)
    (folder / "model.onnx").write_bytes(DATA)
    return ModelPackage.load(folder)


def new(tmp_path: Path, data: bytes, name: str = "ethos-u65-256") -> NewVariant:
    path = tmp_path / "made_vela.tflite"
    path.write_bytes(data)
    row = Latency(accelerator="ethos-u65-256", width_px=416, height_px=320, ms=14.0, origin="estimated")
    described = Variant(
        name=name,
        file="later",
        sha256="0" * 64,
        size_bytes=1,
        width_px=416,
        height_px=320,
        accuracy=Accuracy(footage="a clip", frames=3, agreement_ap50=0.99),
        estimate=ESTIMATE,
        latency=(row,),
    )
    return NewVariant(path, described)


def test_a_variant_is_added_and_reads_as_written(package: ModelPackage, tmp_path: Path) -> None:
    made = new(tmp_path, b"compiled")
    after = add_variants(package, [made])
    assert [item.name for item in after.document.variants] == ["onnx-fp32", "ethos-u65-256"]
    added = after.variant("ethos-u65-256")
    assert (added.estimate, added.latency[0].origin, added.width_px) == (ESTIMATE, "estimated", 416)
    assert added.sha256 == digest_of(made.path)
    assert after.verify(added).read_bytes() == b"compiled"
    assert ModelPackage.load(package.folder).document == after.document


def test_the_same_name_is_replaced_and_its_file_removed(package: ModelPackage, tmp_path: Path) -> None:
    first = add_variants(package, [new(tmp_path, b"first")])
    old = first.path(first.variant("ethos-u65-256"))
    second = add_variants(first, [new(tmp_path, b"second")])
    assert not old.exists()
    assert second.verify(second.variant("ethos-u65-256")).read_bytes() == b"second"
    assert sorted(item.name for item in package.folder.iterdir()) == sorted(
        ["model.toml", *(item.file for item in second.document.variants)]
    )


def test_what_breaks_a_rule_changes_nothing(package: ModelPackage, tmp_path: Path) -> None:
    before = {item.name: item.read_bytes() for item in package.folder.iterdir()}
    many = [new(tmp_path, b"x", name=f"v{number}") for number in range(40)]
    with pytest.raises(EyespotError) as caught:
        add_variants(package, many)
    assert caught.value.kind is Kind.INVALID
    assert {item.name: item.read_bytes() for item in package.folder.iterdir()} == before


def test_what_cannot_be_written_changes_nothing(package: ModelPackage, tmp_path: Path) -> None:
    made = new(tmp_path, b"x")
    (package.folder / ".model.toml.part").mkdir()
    with pytest.raises(EyespotError, match="cannot be written"):
        add_variants(package, [made])
    assert ModelPackage.load(package.folder).document == package.document
