"""`eyespot board`: a table for people and JSON for programs, with packages that are whole, broken or foreign."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

from eyespot.infer.package import DOCUMENT
from eyespot.testing.tiny_models import write_model

DOCUMENT_TEXT = """
format = 1
name = "{name}"
task = "detection"
head = "nanodet"
licence = "none"
labels = ["person"]
[input]
width_px = 32
height_px = 32
[[variants]]
name = "onnx-fp32"
file = "mean.onnx"
sha256 = "{digest}"
size_bytes = {size}
latency = [
  {{ accelerator = "onnxruntime", width_px = 32, height_px = 32, ms = 4.0, cpu = "another" }},
  {{ accelerator = "openvino", width_px = 32, height_px = 32, ms = 2.0 }},
  {{ accelerator = "acme-npu", width_px = 32, height_px = 32, ms = 0.5, origin = "estimated" }},
]
"""


def board(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eyespot.cli.main", "board", "--no-codecs", *words]
    return subprocess.run(command, capture_output=True, text=True)


def package(folder: Path, name: str, *, size_off_by: int = 0) -> None:
    home = folder / name
    home.mkdir(parents=True)
    data = write_model(home, ".onnx").read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    (home / DOCUMENT).write_text(DOCUMENT_TEXT.format(name=name, digest=digest, size=len(data) + size_off_by))


def test_json_names_the_choice_and_why_others_are_not_here(tmp_path: Path) -> None:
    package(tmp_path, "good")
    package(tmp_path, "torn", size_off_by=1)
    done = board("--json", "--models", str(tmp_path))
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["cores"] >= 1
    good, torn = document["packages"]
    assert good["chosen"] == {"variant": "onnx-fp32", "accelerator": "openvino"}
    pairs = {pair["accelerator"]: pair for pair in good["pairs"]}
    assert pairs["openvino"]["ms"] == 2.0
    assert pairs["onnxruntime"]["elsewhere"] is True
    assert pairs["acme-npu"]["why_not"] == "No accelerator of this name is installed."
    assert "has no CUDAExecutionProvider" in pairs["onnxruntime-cuda"]["why_not"]
    assert "litert" not in pairs
    assert "bytes" in torn["wrong"]


def test_the_table_says_what_runs_and_what_to_do(tmp_path: Path) -> None:
    package(tmp_path, "good")
    done = board("--models", str(tmp_path), "--all")
    assert done.returncode == 0, done.stderr
    assert "good                   runs onnx-fp32 on openvino" in done.stdout
    assert "2.0 ms, measured here  ← chosen" in done.stdout
    assert "on another CPU" in done.stdout
    assert "estimated  not here: No accelerator of this name" in done.stdout
    assert "install onnxruntime-gpu" in done.stdout
    assert "eyespot models build" in board("--models", str(tmp_path / "none")).stdout
