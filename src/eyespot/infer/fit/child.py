"""Measures one variant on one accelerator in a process of its own, so that memory is its alone.

Usage: python -m eyespot.infer.fit.child PACKAGE VARIANT ACCELERATOR WIDTH HEIGHT SECONDS. Prints one line of JSON:
``ms`` (one run, one thread: a tenth of the runs is faster, so that what else the machine does hardly counts),
``cpu_ms`` (processor time a run), ``memory_bytes`` (peak resident memory over that before the runtime was loaded),
``watts`` (of the processor package meanwhile; null where no energy counter can be read) and, where the variant can run
several pictures at once, ``batches``: by their number, ``ms`` and ``cpu_ms`` of one run of all.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from eyespot.infer.fit.power import EnergyCounter
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Image, open_session
from eyespot.infer.zoo.reference import made_up_picture
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S, Clock, SystemClock
from eyespot.kernel.errors import EyespotError

_STATUS = Path("/proc/self/status")
LEAST_RUNS = 5
BATCH_SIZES = (2, 4, 8)


def main() -> None:
    """Load, run for the time given, print."""
    package = ModelPackage.load(Path(sys.argv[1]))
    width_px, height_px = int(sys.argv[4]), int(sys.argv[5])
    picture = made_up_picture(height_px, width_px)
    base_bytes = _status_bytes("VmRSS")
    session = open_session(package, variant=sys.argv[2], accelerator=sys.argv[3], size_px=(height_px, width_px))
    session.run(picture, borrow=True)
    clock, counter = SystemClock(), EnergyCounter()
    window_s, begin_ns, begin_uj = float(sys.argv[6]), clock.monotonic_ns(), counter.read_uj()
    times = _times(lambda: session.run(picture, borrow=True), window_s, clock)
    result: dict[str, Any] = {
        **times,
        "memory_bytes": max(0, _status_bytes("VmHWM") - base_bytes),
        "watts": counter.watts(begin_uj, counter.read_uj(), clock.monotonic_ns() - begin_ns),
    }
    session.close()
    if package.variant(sys.argv[2]).batch:
        result["batches"] = _batches(package, picture, window_s, clock)
    print(json.dumps(result), flush=True)


def _batches(package: ModelPackage, picture: Image, window_s: float, clock: Clock) -> dict[int, dict[str, float]]:
    """After all else, for it takes memory of its own."""
    size_px = (picture.shape[0], picture.shape[1])
    session = open_session(
        package, variant=sys.argv[2], accelerator=sys.argv[3], size_px=size_px, batch_sizes=BATCH_SIZES
    )
    found = {}
    for count in session.batch_sizes:
        pictures = [picture] * count
        session.run_batch(pictures)
        found[count] = _times(partial(session.run_batch, pictures), window_s, clock)
    session.close()
    return found


def _times(run: Callable[[], object], window_s: float, clock: Clock) -> dict[str, float]:
    """``ms`` and ``cpu_ms`` of one of the runs that fit into the window, and how many they were."""
    times_ns: list[int] = []
    cpu_s, end_ns = time.process_time(), clock.monotonic_ns() + round(window_s * NS_PER_S)
    while len(times_ns) < LEAST_RUNS or clock.monotonic_ns() < end_ns:
        start_ns = clock.monotonic_ns()
        run()
        times_ns.append(clock.monotonic_ns() - start_ns)
    cpu_s = time.process_time() - cpu_s
    return {
        "ms": round(max(1.0, quantiles(times_ns, n=10, method="inclusive")[0]) / NS_PER_MS, 3),
        "cpu_ms": round(1000 * cpu_s / len(times_ns), 3),
        "runs": len(times_ns),
    }


def _status_bytes(name: str) -> int:
    """A line of /proc/self/status in bytes: VmRSS is resident now, VmHWM at most so far."""
    for line in _STATUS.read_text("utf-8").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    try:
        main()
    except EyespotError as error:
        sys.exit(error.what)
