"""Model packages: the good one loads, and each kind of broken one says exactly what is wrong."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from eyespot.infer.package import Input, ModelPackage
from eyespot.infer.zoo.document import to_toml
from eyespot.kernel.errors import EyespotError, Kind

DATA = b"not really a model"
DOCUMENT = f"""
format = 1
name = "mine"
task = "detection"
head = "nanodet"
licence = "own"
labels = ["person", "car"]

[input]
width_px = 416
height_px = 416
multiple_px = 32
order = "bgr"

[[variants]]
name = "onnx-fp32"
file = "model.onnx"
sha256 = "{hashlib.sha256(DATA).hexdigest()}"
size_bytes = {len(DATA)}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model.toml").write_text(DOCUMENT)
    (tmp_path / "model.onnx").write_bytes(DATA)
    return tmp_path


def test_loads_and_round_trips(folder: Path) -> None:
    package = ModelPackage.load(folder)
    assert (package.name, package.head, package.labels, package.order) == ("mine", "nanodet", ("person", "car"), "bgr")
    assert package.verify(package.variant("onnx-fp32")).read_bytes() == DATA
    (folder / "model.toml").write_text(to_toml(package.document))
    assert ModelPackage.load(folder).document == package.document


def _replace(old: str, new: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "model.toml").write_text(DOCUMENT.replace(old, new))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "model.toml").unlink(), "no config file"),
        (lambda folder: (folder / "model.onnx").unlink(), r"model\.onnx of variant onnx-fp32 is missing"),
        (lambda folder: (folder / "model.onnx").write_bytes(DATA + b"!"), "has 19 bytes, 18 are declared"),
        (_replace("licence =", "license ="), "did you mean 'licence'"),
        (_replace('"model.onnx"', '"../../etc/passwd"'), r"variants\.0\.file"),
        (_replace('"person", "car"', '"car", "car"'), "every label must have its own name"),
        (_replace('"person", "car"', ""), "labels"),
        (_replace("width_px = 416", "width_px = 400"), "multiples of 32"),
        (_replace("width_px = 416", "width_px = 100000"), "width_px"),
        (_replace("format = 1", "format = 2"), "format"),
        (_replace(f"size_bytes = {len(DATA)}", "size_bytes = 99999999999"), "size_bytes"),
        (_replace("[input]", "[input"), "TOML"),
    ],
)
def test_says_what_is_broken(folder: Path, harm: Callable[[Path], object], words: str) -> None:
    harm(folder)
    with pytest.raises(EyespotError, match=words) as caught:
        ModelPackage.load(folder)
    assert caught.value.kind in (Kind.INVALID, Kind.CORRUPT)


def test_refuses_other_bytes_of_the_same_size_and_links(folder: Path) -> None:
    package = ModelPackage.load(folder)
    (folder / "model.onnx").write_bytes(DATA[::-1])
    with pytest.raises(EyespotError, match="digest") as caught:
        package.verify(package.variant("onnx-fp32"))
    assert caught.value.kind is Kind.CORRUPT
    (folder / "model.onnx").rename(folder / "elsewhere")
    (folder / "model.onnx").symlink_to(folder / "elsewhere")
    with pytest.raises(EyespotError, match="not a plain file"):
        ModelPackage.load(folder)


def test_unknown_variant_lists_the_known(folder: Path) -> None:
    with pytest.raises(EyespotError, match="It has: onnx-fp32"):
        ModelPackage.load(folder).variant("onnx-int4")


def test_no_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EyespotError, match="models build"):
        ModelPackage.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("aspect", "size_px"),
    [(1.0, (416, 416)), (4 / 3, (320, 416)), (16 / 9, (224, 416)), (9 / 16, (416, 224)), (10.0, (64, 416))],
)
def test_fit_spends_no_pixel_on_bars(aspect: float, size_px: tuple[int, int]) -> None:
    assert Input(width_px=416, height_px=416, multiple_px=32).fit(aspect) == size_px
    assert Input(width_px=416, height_px=416).fit(aspect) == (416, 416)
