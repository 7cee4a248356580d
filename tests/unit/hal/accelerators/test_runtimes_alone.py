"""What loading a runtime does besides: it must not call home, and lanes must be able to begin together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.hal.accelerators.chooser import find_accelerator

_BEGIN = """
import sys, threading
from pathlib import Path
import numpy as np
from eyespot.hal.accelerators.chooser import find_accelerator
from eyespot.testing.tiny_models import write_model

model = write_model(Path(sys.argv[1]), ".tflite" if sys.argv[2] == "litert" else ".onnx")
together = threading.Barrier(4)

def lane():
    loaded = find_accelerator(sys.argv[2]).load(model, 1, input_shapes=[(1, 4, 4, 3)])
    together.wait()
    loaded.run([np.zeros((1, 4, 4, 3), np.uint8)])

lanes = [threading.Thread(target=lane) for _ in range(4)]
[one.start() for one in lanes]
[one.join() for one in lanes]
print(sorted(name for name in sys.modules if "telemetry" in name or name.startswith("openvino.tools.ovc")))
"""


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime", "litert"])
def test_loading_it_neither_calls_home_nor_locks_lanes_up(runtime: str, tmp_path: Path) -> None:
    if not find_accelerator(runtime).available():
        pytest.skip(f"{runtime} is not installed")
    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    command = [sys.executable, "-c", _BEGIN, str(tmp_path), runtime]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"
    assert list(home.rglob("*")) == []
