"""The peers' own Python environment: made on first use, in the cache, apart from Eyespot's."""

import hashlib
import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from eyespot.bench.report import Progress
from eyespot.kernel.errors import unavailable

PEERS = {
    "trackers": ("onnxruntime==1.32.0", "opencv-python==5.0.0.93", "trackers==2.6.1", "trackeval==1.3.0"),
    "norfair": ("norfair==2.3.0", "numpy==1.26.4"),
}
"""Name of an environment → what is installed in it. norfair needs numpy 1, the others numpy 2."""
SCRIPTS = Path(__file__).parent / "peers"


def peer_python(cache: Path, name: str, progress: Progress) -> Path:
    """The interpreter of the environment ``name`` of ``PEERS``; installs it when it is not there."""
    packages = PEERS[name]
    digest = hashlib.sha256("\n".join(packages).encode()).hexdigest()[:12]
    home = cache / "bench" / f"peers-{name}-{digest}"
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        progress.step(f"installing {name} into an environment of its own (once)")
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise unavailable(
                f"{name} cannot be installed: {done.stderr.strip()[-400:]}", "Check the network and try again."
            )
        ready.touch()
    return python


def run_peer(python: Path, script: str, *arguments: str) -> dict[str, Any]:
    """Run one of the peers' scripts; its last line of output is its JSON result."""
    return run_json([str(python), str(SCRIPTS / script), *arguments])


def run_own(module: str, *arguments: str) -> dict[str, Any]:
    """Run one of our own modules in a process of its own; its last line of output is its JSON result."""
    return run_json([sys.executable, "-m", module, *arguments])


def run_json(command: list[str]) -> dict[str, Any]:
    """Run ``command`` and parse the last line that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise unavailable(f"{Path(command[1]).name} failed: {done.stderr.strip()[-600:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result
