"""Run an emulated arm64 Eyespot next to this machine's, and compare what they detect; see scripts/arm64.

Owns the comparison and its tolerance; the arm64 system was made by the caller. Standard error tells a person, and with
``--json`` standard output gets one line for programs.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENT = 0.5
"""Scores from here on must be found on both machines."""
LEAST_IOU = 0.9
LARGEST_SCORE_STEP = 0.05
SHARE_MATCHED = 0.97
"""Of the confident detections of either machine; the rest sit on the edge between two boxes of one object."""
Row = list[float]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well two machines agree on the same frames.

    Attributes:
        confident: detections of score ``CONFIDENT`` and more, on this machine and on arm64.
        matched: share of them, of both machines together, that the other has too: same label, IoU of ``LEAST_IOU`` and
            a score within ``LARGEST_SCORE_STEP``.
        least_iou, largest_score_step: the worst of the pairs that overlap at all.
    """

    confident: tuple[int, int]
    matched: float
    least_iou: float
    largest_score_step: float

    @property
    def ok(self) -> bool:
        return self.confident[0] > 0 and self.matched >= SHARE_MATCHED


def compare(here: list[list[Row]], there: list[list[Row]]) -> Agreement:
    """Compare detections, rows ``x1 y1 x2 y2 score label`` a frame, of the same frames.

    A confident detection looks for its partner among all of the other machine's, so that a score of 0.501 meets its
    0.499. Raises ``ValueError`` when the numbers of frames differ.
    """
    found = total = 0
    worst_iou, worst_step = 1.0, 0.0
    for one, other in ((here, there), (there, here)):
        for rows, partners in zip(one, other, strict=True):
            for row in rows:
                if row[4] < CONFIDENT:
                    continue
                total += 1
                overlap, step = _partner(row, partners)
                found += overlap >= LEAST_IOU and step <= LARGEST_SCORE_STEP
                if overlap > 0:
                    worst_iou, worst_step = min(worst_iou, overlap), max(worst_step, step)
    counts = (_confident(here), _confident(there))
    share = found / total if total else 0.0
    return Agreement(counts, round(share, 4), round(worst_iou, 4), round(worst_step, 4))


def _confident(frames: list[list[Row]]) -> int:
    return sum(row[4] >= CONFIDENT for rows in frames for row in rows)


def _partner(row: Row, others: list[Row]) -> tuple[float, float]:
    """IoU with the best overlapping box of the same label, and the difference of the scores; (0, 1) without one."""
    same = np.array([other for other in others if other[5] == row[5]], dtype=np.float64)
    if not len(same):
        return 0.0, 1.0
    overlaps = _iou(np.array(row[:4]), same[:, :4])
    best = int(overlaps.argmax())
    return (float(overlaps[best]), abs(float(same[best, 4]) - row[4])) if overlaps[best] > 0 else (0.0, 1.0)


def _iou(box: NDArray[np.float64], boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides = np.clip(np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2]), 0, None)
    shared = sides.prod(axis=1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) + (box[2:] - box[:2]).prod()
    result: NDArray[np.float64] = shared / np.maximum(areas - shared, 1e-12)
    return result


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
        }
        wrapped = ["chroot", str(self._root), *command]
        done = subprocess.run(wrapped, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if check and done.returncode:
            print(done.stdout[-2000:], file=sys.stderr)
            raise SystemExit(f"On arm64 {' '.join(command)} ended with status {done.returncode}.")
        return done.stdout


def detections(options: argparse.Namespace, arm: Emulated) -> dict[str, Any]:
    """Every variant on every runtime on both machines: agreement, and the error where one could not run.

    Each runtime has a process of its own, so that one which crashes under emulation costs its own rows only.
    """
    script = Path(__file__).with_name("arm64_detect.py")
    rows: dict[str, Any] = {}
    for runtime in options.runtime:
        count = ["--frames", str(options.frames), "--step", str(options.step), "--accelerator", runtime]
        say(f"{runtime}: detecting in {options.frames} frames here, then on arm64")
        own = [sys.executable, str(script), str(options.clip), str(options.models / "nanodet-g"), *count]
        here = subprocess.run(own, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
        there = arm.run(
            options.python, "/input/arm64_detect.py", "/input/clip.avi", "/input/models/nanodet-g", *count, check=False
        )
        pairs = json.loads(here)["results"], json.loads(there)["results"] if there else {}
        for name in sorted({*pairs[0], *pairs[1]}):
            row = _pair(pairs[0].get(name), pairs[1].get(name))
            if row.get("here") and row.get("arm64"):
                continue  # neither runs this variant, for example a TFLite file on OpenVINO
            rows[name] = row
            say(f"  {name:<30} {_sentence(row)}")
    return {"variants": rows}


def _pair(here: dict[str, Any] | None, there: dict[str, Any] | None) -> dict[str, Any]:
    if here is None or there is None or "error" in here or "error" in there:
        missing = {"error": "not there, or it crashed"}
        return {"ok": False, "here": (here or missing).get("error", ""), "arm64": (there or missing).get("error", "")}
    agreement = compare(here["frames"], there["frames"])
    return {
        "ok": agreement.ok,
        **asdict(agreement),
        "emulated_run_ms": there["run_ms"],
        "emulated_load_s": there["load_s"],
    }


def _sentence(row: dict[str, Any]) -> str:
    if "matched" not in row:
        return f"did not run {'on arm64' if row['arm64'] else 'here'}: {row['here'] or row['arm64']}"
    here, there = row["confident"]
    return (
        f"{'agree' if row['ok'] else 'DIFFER'} in {row['frames']} frames: {here} and {there} confident, "
        f"{row['matched']:.1%} matched, least IoU {row['least_iou']}, largest score step {row['largest_score_step']}"
    )


# Of all the pairs this one is bearable under emulation.
CONFIG = """
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
variant = "onnx-int8"
accelerator = "onnxruntime"
"""


def camera(options: argparse.Namespace, arm: Emulated) -> dict[str, Any]:
    """Run a whole camera host headless for some seconds; its report."""
    say(f"running the camera for {options.seconds} s")
    folder = options.root / "tmp" / "camera"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    paths = ["--config", "/tmp/camera/config.toml", "--state", "/tmp/camera/state"]
    text = arm.run(options.command, "camera", "run", *paths, "--for", str(options.seconds), "--json")
    report: dict[str, Any] = json.loads(text.strip().splitlines()[-1])
    report["ok"] = not report.get("errors") and all(report.get(name, 0) > 0 for name in ("detections", "segments"))
    say(f"  {json.dumps(report)}")
    return report


def sizes(options: argparse.Namespace) -> dict[str, Any]:
    """Bytes of each wheel that holds machine code, of all wheels, and of the installed system."""
    wheels = {path.name.split("-")[0]: path for path in options.wheels.glob("*.whl")}
    return {
        "wheels": {name: path.stat().st_size for name, path in sorted(wheels.items()) if "none-any" not in path.name},
        "installed_bytes": sum(
            path.stat().st_size
            for folder in ("venv", "opt/eyespot")
            for path in (options.root / folder).rglob("*")
            if path.is_file() and not path.is_symlink()
        ),
    }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--root", "--clip", "--models", "--wheels"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--command", "--python"):
        parser.add_argument(name, required=True)
    parser.add_argument("--runtime", action="append", help="Compare this runtime; default: onnxruntime and openvino.")
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--step", type=int, default=90)
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.runtime = options.runtime or ["onnxruntime", "openvino"]
    begun = time.monotonic()
    arm = Emulated(options.root)
    version = arm.run(options.command, "version").strip()
    say(version)
    doctor = json.loads(arm.run(options.command, "doctor", "--json", "--state", "/tmp/state", check=False))
    for check in doctor["checks"]:
        say(f"  {check['level']:<8} {check['name']:<14} {check['what']}")
    document: dict[str, Any] = {"version": version, "doctor_ok": doctor["ok"], **detections(options, arm)}
    document["camera"] = camera(options, arm) if options.seconds else None
    document |= sizes(options) | {"seconds": round(time.monotonic() - begun, 1)}
    ran = [row["ok"] for row in document["variants"].values() if "matched" in row]
    document["ok"] = bool(ran) and all(ran) and (not document["camera"] or document["camera"]["ok"])
    say("arm64 and this machine agree" if document["ok"] else "arm64 and this machine DIFFER")
    if options.json:
        print(json.dumps(document))
    raise SystemExit(0 if document["ok"] else 1)


if __name__ == "__main__":
    main()
