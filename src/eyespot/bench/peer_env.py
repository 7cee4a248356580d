"""The peers' own Python environment: made on first use, in the cache, apart from Eyespot's."""

import hashlib
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from eyespot.bench import leash
from eyespot.bench.report import Progress
from eyespot.kernel.errors import unavailable

PEERS = {
    "trackers": ("onnxruntime==1.32.0", "opencv-python==5.0.0.93", "trackers==2.6.1", "trackeval==1.3.0"),
    "opencv": ("opencv-python-headless==5.0.0.93", "numpy==2.4.6"),
    "norfair": ("norfair==2.3.0", "numpy==1.26.4"),
}
"""Name of an environment → what is installed in it. norfair needs numpy 1, the others numpy 2."""
SCRIPTS = Path(__file__).parent / "peers"
LIMIT_S = 3600.0
"""A process that takes longer is stuck, unless its caller knows better."""


def peer_python(cache: Path, name: str, progress: Progress) -> Path:
    """The interpreter of the environment ``name`` of ``PEERS``; installs it when it is not there."""
    packages = PEERS[name]
    digest = hashlib.sha256("\n".join(packages).encode()).hexdigest()[:12]
    home = cache / "bench" / f"peers-{name}-{digest}"
    python = home / "bin" / "python"
    ready = home / "ready"
    if not ready.exists():
        progress.step(f"installing {name} into an environment of its own (once)")
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
        for command in ([sys.executable, "-m", "venv", "--clear", str(home)], [str(python), *pip]):
            done = leash.output(command, LIMIT_S)
            if done.returncode:
                raise unavailable(
                    f"{name} cannot be installed: {done.stderr.strip()[-400:]}", "Check the network and try again."
                )
        ready.touch()
    return python


def run_peer(python: Path, script: str, *arguments: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
    """Run one of the peers' scripts; its last line of output is its JSON result."""
    return run_json([str(python), str(SCRIPTS / script), *arguments], script, limit_s)


def run_own(module: str, *arguments: str, limit_s: float = LIMIT_S) -> dict[str, Any]:
    """Run one of our own modules in a process of its own; its last line of output is its JSON result."""
    return run_json([sys.executable, "-m", module, *arguments], module, limit_s)


def run_json(command: list[str], name: str, limit_s: float) -> dict[str, Any]:
    """Run ``command`` and parse the last line that it prints.

    Raises:
        EyespotError: ``UNAVAILABLE`` when it fails, prints no result, or takes longer than ``limit_s``; it is killed.
    """
    try:
        done = leash.output(command, limit_s)
    except subprocess.TimeoutExpired:
        raise unavailable(
            f"{name} did not end within {limit_s:.0f} s and was stopped.",
            f"Run it by hand to see where it stays: {shlex.join(command)}",
        ) from None
    if done.returncode:
        raise unavailable(f"{name} failed: {done.stderr.strip()[-600:]}")
    try:
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise unavailable(f"{name} ended without a result.", f"Run it by hand: {shlex.join(command)}") from error
    return result
