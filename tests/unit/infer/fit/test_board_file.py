"""Described boards: told figures, a compiler's estimates, and what is wrong said by name."""

import hashlib
from pathlib import Path

import pytest

from eyespot.infer.fit.board_file import load_board
from eyespot.infer.fit.measured import sizes
from eyespot.infer.fit.power import EnergyCounter
from eyespot.infer.package import ModelPackage
from eyespot.kernel.errors import EyespotError

BOARD = """
name = "A small board"
cores = 4
memory_mb = 1024
features = ["asimddp"]

[[accelerators]]
name = "ethos-u65-256"

[[accelerators]]
name = "litert"
on_cpu = true

[[accelerators.models]]
package = "mine"
variant = "litert-int8"
width_px = 416
height_px = 320
ms = 120
memory_mb = 20
watts = 2.5
"""
DATA = b"x"
DIGEST = hashlib.sha256(DATA).hexdigest()
PACKAGE = f"""
format = 1
name = "mine"
task = "detection"
head = "nanodet"
licence = "own"
labels = ["person"]

[input]
width_px = 416
height_px = 416
multiple_px = 32

[[variants]]
name = "litert-int8"
file = "a.tflite"
sha256 = "{DIGEST}"
size_bytes = 1
width_px = 416
height_px = 320

[variants.accuracy]
footage = "a clip"
frames = 1
agreement_ap50 = 0.99

[[variants]]
name = "ethos-u65-256"
file = "b.tflite"
sha256 = "{DIGEST}"
size_bytes = 1
width_px = 416
height_px = 320

[[variants.latency]]
accelerator = "ethos-u65-256"
width_px = 416
height_px = 320
ms = 14.0
origin = "estimated"

[[variants]]
name = "onnx-int8"
file = "c.onnx"
sha256 = "{DIGEST}"
size_bytes = 1
"""


@pytest.fixture
def package(tmp_path: Path) -> ModelPackage:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.toml").write_text(PACKAGE)
    for name in ("a.tflite", "b.tflite", "c.onnx"):
        (folder / name).write_bytes(DATA)
    return ModelPackage.load(folder)


def test_told_and_estimated_figures(package: ModelPackage, tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(BOARD)
    board = load_board(path)
    assert board.room().lanes == {"cpu": 4.0, "ethos-u65-256": 1.0}
    assert board.room().memory_bytes == 256 * 2**20
    npu, told = board.options([package])
    assert (npu.accelerator, npu.resource, npu.ms, npu.origin) == ("ethos-u65-256", "ethos-u65-256", 14.0, "estimated")
    assert (told.resource, told.ms, told.agreement, told.watts) == ("cpu", 120, 0.99, 2.5)
    assert told.memory_bytes == 20 * 2**20


def test_the_guides_board_is_read(package: ModelPackage, tmp_path: Path) -> None:
    guide = (Path(__file__).parents[4] / "docs/guide/targets.md").read_text("utf-8")
    path = tmp_path / "board.toml"
    path.write_text(guide.split("```toml\n")[1].split("```")[0])
    board = load_board(path)
    assert board.room().lanes == {"cpu": 4.0, "ethos-u65-256": 1.0}
    assert [item.ms for item in board.options([package])] == [14.0]


@pytest.mark.parametrize(("old", "new"), [("cores = 4", "cores = 0"), ("ms = 120", "ms = -1"), ("name", "nome")])
def test_a_wrong_key_is_named(old: str, new: str, tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(BOARD.replace(old, new, 1))
    with pytest.raises(EyespotError, match=r"board\.toml"):
        load_board(path)


def test_sizes_worth_a_look(package: ModelPackage) -> None:
    assert sizes(package, package.variant("onnx-int8")) == [(320, 416), (256, 320), (160, 192)]
    assert sizes(package, package.variant("litert-int8")) == [(320, 416)]


def test_power_is_read_and_a_counter_may_begin_anew(tmp_path: Path) -> None:
    assert EnergyCounter(tmp_path).read_uj() is None
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    (zone / "energy_uj").write_text("4000000\n")
    (zone / "max_energy_range_uj").write_text("10000000\n")
    counter = EnergyCounter(tmp_path)
    assert counter.read_uj() == [4_000_000]
    assert counter.watts([1_000_000], [4_000_000], 2_000_000_000) == 1.5
    assert counter.watts([9_000_000], [4_000_000], 1_000_000_000) == 5.0
    assert counter.watts(None, [1], 1) is None
