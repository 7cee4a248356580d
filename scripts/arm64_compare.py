"""Run an emulated arm64 Eyespot next to this machine's, and compare what they detect; see scripts/arm64.

Owns the order of the runs and the report; the arm64 system was made by the caller, the tolerances are in
arm64_agreement.py. Standard error tells a person, and with ``--json`` standard output gets one line for programs.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from arm64_agreement import OWN_ARITHMETIC, pair, sentence, tolerance_of, verdict

CAMERA_VARIANT, CAMERA_RUNTIME = "onnx-int8", "onnxruntime"
"""Of all the pairs this one is bearable under emulation: about a second a picture."""
SCRIPTS = Path(__file__).parent


class Emulated:
    """Commands inside the arm64 system, without this machine's environment."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def run(self, *command: str, check: bool = True) -> str:
        """Standard output of ``command``; what it says on standard error is shown as it comes."""
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "HOME": "/tmp",
            "EYESPOT_CACHE": "/input",
            "QEMU_CPU": os.environ.get("QEMU_CPU", ""),
        }
        wrapped = ["chroot", str(self._root), *command]
        done = subprocess.run(wrapped, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if check and done.returncode:
            print(done.stdout[-2000:], file=sys.stderr)
            raise SystemExit(f"On arm64 {' '.join(command)} ended with status {done.returncode}.")
        return done.stdout


class Machines:
    """The same script of this folder on both machines: here with ``/input`` inside the arm64 system's root."""

    def __init__(self, options: argparse.Namespace, arm: Emulated) -> None:
        self._root: Path = options.root
        self._python: str = options.python
        self._arm = arm

    def here(self, script: str, *words: str) -> str:
        """Its standard output on this machine."""
        outside = [str(self._root / word[1:]) if word.startswith("/input/") else word for word in words]
        command = [sys.executable, str(SCRIPTS / script), *outside]
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout

    def there(self, script: str, *words: str, check: bool = True) -> str:
        """Its standard output on arm64; empty when it crashed and ``check`` is False."""
        return self._arm.run(self._python, f"/input/{script}", *words, check=check)

    def detect(self, here: str, there: str, *words: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What arm64_detect.py finds on either machine, by variant and runtime, on pictures of ``/input``."""
        command = ("arm64_detect.py", "/input/models/nanodet-g", *words)
        own = self.here(command[0], f"/input/{here}", *command[1:])
        other = self.there(command[0], f"/input/{there}", *command[1:], check=False)
        return json.loads(own)["results"], json.loads(other)["results"] if other else {}


def pictures(options: argparse.Namespace, machines: Machines) -> dict[str, Any]:
    """Have both machines decode and scale the same frames, each into its own file; how far the pixels differ."""
    words = ["--frames", str(options.frames), "--step", str(options.step)]
    for name, run in (("here", machines.here), ("arm64", machines.there)):
        run("arm64_pictures.py", "/input/clip.avi", "/input/models/nanodet-g", f"/input/{name}.npy", *words)
    own, other = (np.load(options.root / "input" / f"{name}.npy").astype(np.int16) for name in ("here", "arm64"))
    steps = np.abs(own - other)
    return {"frames": len(own), "largest_step": int(steps.max()), "mean_step": round(float(steps.mean()), 3)}


def detections(options: argparse.Namespace, machines: Machines) -> dict[str, Any]:
    """Every variant on every runtime on both machines, on this machine's pixels: agreement, or the error.

    Each runtime has a process of its own, so that one which crashes under emulation costs its own rows only.
    """
    rows: dict[str, Any] = {}
    for runtime in options.runtime:
        say(f"{runtime}: detecting in {options.frames} frames here, then on arm64")
        here, there = machines.detect("here.npy", "here.npy", "--accelerator", runtime)
        for name in sorted({*here, *there}):
            row = pair(here.get(name), there.get(name), tolerance_of(name))
            if row.get("here") and row.get("arm64"):
                continue  # neither runs this variant, for example a TFLite file on OpenVINO
            rows[name] = row
            say(f"  {name:<30} {sentence(row)}")
    return rows


def whole_chain(machines: Machines) -> dict[str, Any]:
    """The camera's variant and runtime, each machine on the pixels that it decoded and scaled itself."""
    say("the whole chain: decoding, scaling and detecting, each machine for itself")
    words = ("--accelerator", CAMERA_RUNTIME, "--variant", CAMERA_VARIANT)
    here, there = machines.detect("here.npy", "arm64.npy", *words)
    name = f"{CAMERA_VARIANT} on {CAMERA_RUNTIME}"
    row = pair(here.get(name), there.get(name), OWN_ARITHMETIC)
    say(f"  {name:<30} {sentence(row)}")
    return row


CONFIG = f"""
[host]
name = "arm64"
[web]
port = 18450
[[camera]]
id = "clip"
[[camera.stream]]
name = "main"
source = "file:///input/clip.avi"
[camera.detect]
package = "nanodet-g"
rate_hz = 1
[vision]
models = "{{models}}"
variant = "{CAMERA_VARIANT}"
accelerator = "{CAMERA_RUNTIME}"
"""


def camera(options: argparse.Namespace, arm: Emulated) -> dict[str, Any]:
    """Run a whole camera host headless for some seconds; its report."""
    say(f"running the camera for {options.seconds} s")
    folder = options.root / "tmp" / "camera"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(CONFIG.format(models=options.camera_models), encoding="utf-8")
    command = [options.command, "camera", "run", "--config", "/tmp/camera/config.toml", "--state", "/tmp/camera/state"]
    if options.user:
        arm.run("mkdir", "-p", "/input/footage")  # keeps the clip as H.264, once
        arm.run("chown", "-R", f"{options.user}:", "/tmp/camera", "/input/footage")
        command = ["setpriv", "--reuid", options.user, "--regid", options.user, "--clear-groups", *command]
    text = arm.run(*command, "--for", str(options.seconds), "--json")
    report: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    report["recordings"] = len([path for path in (folder / "state").rglob("*.mp4") if path.stat().st_size])
    wanted = ("detections", "tracks", "segments", "recordings")
    report["ok"] = not report.get("errors") and all(report.get(name, 0) > 0 for name in wanted)
    say(f"  {json.dumps(report)}")
    return report


def sizes(options: argparse.Namespace) -> dict[str, Any]:
    """Bytes of each wheel that holds machine code, of all wheels, and of the installed system."""
    wheels = {path.name.split("-")[0]: path for path in options.wheels.glob("*.whl")}
    return {
        "wheels": {name: path.stat().st_size for name, path in sorted(wheels.items()) if "none-any" not in path.name},
        "installed_bytes": sum(
            path.stat().st_size
            for path in (options.root / options.python.lstrip("/")).parents[1].rglob("*")
            if path.is_file() and not path.is_symlink()
        ),
    }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--root", "--wheels"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--command", "--python"):
        parser.add_argument(name, required=True)
    parser.add_argument("--runtime", action="append", help="Compare this runtime; default: onnxruntime and openvino.")
    parser.add_argument("--user", help="Run the camera as this user of the arm64 system; default: root.")
    parser.add_argument("--camera-models", default="/input/models", help="Folder of the camera's model packages.")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--step", type=int, default=90)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.runtime = options.runtime or ["onnxruntime", "openvino"]
    begun = time.monotonic()
    arm = Emulated(options.root)
    machines = Machines(options, arm)
    version = arm.run(options.command, "version").strip()
    say(version)
    doctor = json.loads(arm.run(options.command, "doctor", "--json", "--state", "/tmp/state", check=False))
    for check in doctor["checks"]:
        say(f"  {check['level']:<8} {check['name']:<14} {check['what']}")
    document: dict[str, Any] = {"version": version, "cpu": os.environ.get("QEMU_CPU", ""), "doctor_ok": doctor["ok"]}
    document["pixels"] = pictures(options, machines)
    say(f"pixels: {json.dumps(document['pixels'])}")
    document["variants"] = detections(options, machines)
    document["whole_chain"] = whole_chain(machines)
    document["camera"] = camera(options, arm) if options.seconds else None
    document |= sizes(options) | {"seconds": round(time.monotonic() - begun, 1)}
    parts = [document["whole_chain"]["ok"], not document["camera"] or document["camera"]["ok"]]
    document["ok"] = verdict(document["variants"], options.runtime) and all(parts)
    say("arm64 and this machine agree" if document["ok"] else "arm64 and this machine DIFFER")
    if options.json:
        print(json.dumps(document))
    raise SystemExit(0 if document["ok"] else 1)


if __name__ == "__main__":
    main()
