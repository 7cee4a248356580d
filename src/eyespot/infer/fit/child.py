"""Measures one variant on one accelerator in a process of its own, so that memory is its alone.

Usage: python -m eyespot.infer.fit.child PACKAGE VARIANT ACCELERATOR WIDTH HEIGHT SECONDS. Prints one line of JSON:
``ms`` (one run, one thread: a tenth of the runs is faster, so that what else the machine does hardly counts),
``cpu_ms`` (processor time a run), ``memory_bytes`` (peak resident memory over that before the runtime was loaded) and
``watts`` (of the processor package meanwhile; null where no energy counter can be read).
"""

import json
import sys
import time
from pathlib import Path
from statistics import quantiles

from eyespot.infer.fit.power import EnergyCounter
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.infer.zoo.reference import made_up_picture
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S, SystemClock
from eyespot.kernel.errors import EyespotError

_STATUS = Path("/proc/self/status")
LEAST_RUNS = 5


def main() -> None:
    """Load, run for the time given, print."""
    package = ModelPackage.load(Path(sys.argv[1]))
    width_px, height_px = int(sys.argv[4]), int(sys.argv[5])
    picture = made_up_picture(height_px, width_px)
    base_bytes = _status_bytes("VmRSS")
    session = open_session(package, variant=sys.argv[2], accelerator=sys.argv[3], size_px=(height_px, width_px))
    session.run(picture, borrow=True)
    clock, counter = SystemClock(), EnergyCounter()
    times_ns: list[int] = []
    cpu_s, begin_ns, begin_uj = time.process_time(), clock.monotonic_ns(), counter.read_uj()
    end_ns = begin_ns + round(float(sys.argv[6]) * NS_PER_S)
    while len(times_ns) < LEAST_RUNS or clock.monotonic_ns() < end_ns:
        start_ns = clock.monotonic_ns()
        session.run(picture, borrow=True)
        times_ns.append(clock.monotonic_ns() - start_ns)
    cpu_s, wall_ns = time.process_time() - cpu_s, clock.monotonic_ns() - begin_ns
    result = {
        "ms": round(max(1.0, quantiles(times_ns, n=10, method="inclusive")[0]) / NS_PER_MS, 3),
        "cpu_ms": round(1000 * cpu_s / len(times_ns), 3),
        "memory_bytes": max(0, _status_bytes("VmHWM") - base_bytes),
        "watts": counter.watts(begin_uj, counter.read_uj(), wall_ns),
        "runs": len(times_ns),
    }
    print(json.dumps(result), flush=True)


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
