"""What loading OpenVINO does besides: it must not call home, and two lanes must be able to begin together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("openvino")

_BEGIN = """
import sys, threading
from pathlib import Path
import numpy as np
from eyespot.hal.accelerators.openvino import OpenVino
from eyespot.testing.tiny_models import write_model

model = write_model(Path(sys.argv[1]), ".onnx")
together = threading.Barrier(4)

def lane():
    loaded = OpenVino().load(model, 1, input_shapes=[(1, 4, 4, 3)])
    together.wait()
    loaded.run([np.zeros((1, 4, 4, 3), np.uint8)])

lanes = [threading.Thread(target=lane) for _ in range(4)]
[one.start() for one in lanes]
[one.join() for one in lanes]
print(sorted(name for name in sys.modules if "telemetry" in name or name.startswith("openvino.tools.ovc")))
"""


def test_loading_it_neither_calls_home_nor_locks_lanes_up(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", _BEGIN, str(tmp_path)],
        env={**os.environ, "HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "[]"
    assert list(home.rglob("*")) == []
