"""What the API process loads at its start: nothing of what only some hosts, or only the first picture, need."""

import subprocess
import sys

HEAVY = ("av", "numpy", "onnxruntime", "openvino", "cryptography")


def test_the_api_starts_without_decoders_arrays_and_ciphers() -> None:
    look = f"import sys, eyespot.edge.api.process; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
