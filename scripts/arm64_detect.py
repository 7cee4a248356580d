"""Detect on pictures with variants on one runtime; one JSON document on standard output.

Runs with an installed Eyespot and nothing else, on either machine of a comparison (see arm64_compare.py).
"""

import argparse
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.kernel.errors import EyespotError
from eyespot.vision.heads.registry import find_head

LEAST_SCORE = 0.1


def detect(
    package: ModelPackage, variant: str, accelerator: str, pictures: NDArray[np.uint8], budget_s: float
) -> dict[str, Any]:
    """Boxes (fractions of the picture), scores and labels of each picture, and milliseconds a run.

    Once ``budget_s`` is spent no further picture is begun: emulation is that slow for some kernels.
    """
    document, clock, head = package.document, SystemClock(), find_head(package.document.head)
    height_px, width_px = pictures.shape[1:3]
    begun = clock.monotonic_ns()
    session = open_session(package, variant=variant, accelerator=accelerator, size_px=(height_px, width_px))
    load_s = (clock.monotonic_ns() - begun) / NS_PER_S
    print(f"{variant} on {accelerator}: loaded in {load_s:.1f} s", file=sys.stderr, flush=True)
    rows: list[list[list[float]]] = []
    times: list[float] = []
    for picture in pictures:
        begun = clock.monotonic_ns()
        outputs = session.run(picture)
        times.append((clock.monotonic_ns() - begun) / 1e6)
        print(f"{variant} on {accelerator}: {times[-1]:.0f} ms", file=sys.stderr, flush=True)
        found = head(
            outputs,
            labels=document.labels,
            score_threshold=LEAST_SCORE,
            capture_ns=0,
            aspect=width_px / height_px,
            input_px=session.input_px,
        )
        table = np.column_stack((found.boxes, found.scores, found.labels)).astype(float)
        rows.append(table.round(6).tolist())
        if sum(times) > budget_s * 1000:
            break
    session.close()
    return {"frames": rows, "load_s": round(load_s, 2), "run_ms": round(float(np.median(times)), 1)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("pictures", type=Path, help="From arm64_pictures.py.")
    parser.add_argument("package", type=Path)
    parser.add_argument("--accelerator", required=True)
    parser.add_argument("--variant", action="append", help="Default: all of the package.")
    parser.add_argument("--budget", type=float, default=90.0, help="Seconds for one variant.")
    options = parser.parse_args()
    package = ModelPackage.load(options.package)
    pictures = np.load(options.pictures)
    results: dict[str, Any] = {}
    for variant in options.variant or [item.name for item in package.document.variants]:
        name = f"{variant} on {options.accelerator}"
        try:
            results[name] = detect(package, variant, options.accelerator, pictures, options.budget)
        except EyespotError as error:
            results[name] = {"error": error.what}
    versions = {}
    for name in ("eyespot", "av", "numpy", "onnxruntime", "openvino", "ai-edge-litert"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ""
    print(json.dumps({"machine": platform.machine(), "versions": versions, "results": results}))


if __name__ == "__main__":
    main()
