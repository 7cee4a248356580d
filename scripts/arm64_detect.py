"""Detect on frames of a clip with every variant on every runtime that is here; one JSON document on standard output.

Runs with an installed Eyespot and nothing else, on either machine of a comparison (see arm64_compare.py).
"""

import argparse
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import av
import numpy as np

from eyespot.hal.accelerators.chooser import known
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.kernel.errors import EyespotError
from eyespot.vision.heads.registry import find_head

LEAST_SCORE = 0.1


def pictures(clip: Path, count: int, step: int) -> list[av.VideoFrame]:
    """Every ``step``-th decoded frame of ``clip``, at most ``count``."""
    kept: list[av.VideoFrame] = []
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % step == 0:
                kept.append(frame)
            if len(kept) == count:
                break
    return kept


def detect(
    package: ModelPackage, variant: str, accelerator: str, frames: list[av.VideoFrame], budget_s: float
) -> dict[str, Any]:
    """Boxes (fractions of the picture), scores and labels of each frame, and milliseconds a run.

    Once ``budget_s`` is spent no further frame is begun: emulation is that slow for some kernels.
    """
    document, clock, head = package.document, SystemClock(), find_head(package.document.head)
    aspect = frames[0].width / frames[0].height
    begun = clock.monotonic_ns()
    session = open_session(package, variant=variant, accelerator=accelerator, size_px=document.input.fit(aspect))
    load_s = (clock.monotonic_ns() - begun) / NS_PER_S
    print(f"{variant} on {accelerator}: loaded in {load_s:.1f} s", file=sys.stderr, flush=True)
    height_px, width_px = session.input_px
    rows: list[list[list[float]]] = []
    times: list[float] = []
    for frame in frames:
        pixels = frame.to_ndarray(format=f"{document.input.order}24", width=width_px, height=height_px)
        begun = clock.monotonic_ns()
        outputs = session.run(pixels.astype(np.uint8, copy=False))
        times.append((clock.monotonic_ns() - begun) / 1e6)
        print(f"{variant} on {accelerator}: {times[-1]:.0f} ms", file=sys.stderr, flush=True)
        found = head(
            outputs,
            labels=document.labels,
            score_threshold=LEAST_SCORE,
            capture_ns=0,
            aspect=aspect,
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
    parser.add_argument("clip", type=Path)
    parser.add_argument("package", type=Path)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--step", type=int, default=60)
    parser.add_argument("--budget", type=float, default=90.0, help="Seconds for one variant on one runtime.")
    parser.add_argument("--accelerator", default="", help="This runtime alone.")
    options = parser.parse_args()
    package = ModelPackage.load(options.package)
    frames = pictures(options.clip, options.frames, options.step)
    results: dict[str, Any] = {}
    for silicon in (one for one in known() if one.available() and options.accelerator in ("", one.name)):
        for variant in package.document.variants:
            name = f"{variant.name} on {silicon.name}"
            try:
                results[name] = detect(package, variant.name, silicon.name, frames, options.budget)
            except EyespotError as error:
                results[name] = {"error": error.what}
    versions = {}
    for name in ("eyespot", "av", "numpy", "onnxruntime", "openvino"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = ""
    print(json.dumps({"machine": platform.machine(), "versions": versions, "results": results}))


if __name__ == "__main__":
    main()
