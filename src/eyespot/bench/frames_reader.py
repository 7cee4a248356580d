"""One reader of a view for `bench frames`, in a process of its own: prints one line of JSON.

    python -m eyespot.bench.frames_reader SOCKET VIEW SECONDS borrow|copy|speed

`borrow` and `copy` follow the view live; `speed` copies its newest frame over and over beside plain memcpy.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from eyespot.kernel.clock import NS_PER_MS, NS_PER_S
from eyespot.sdk.ring_reader import shape_of
from eyespot.sdk.view_client import ViewClient

WAIT_S = 30.0
COPIES = 20
"""In a row of one kind, before the other has its turn."""


def follow(client: ViewClient, seconds: float, *, copies: bool) -> dict[str, Any]:
    """Handle frames for ``seconds``: how long the handler had to wait for each, in milliseconds."""
    into = np.empty(shape_of(client.view), np.uint8)
    beyond, whole = [], []
    begin_s, used_s = time.monotonic(), time.process_time()
    while time.monotonic() - begin_s < seconds:
        client.wait(WAIT_S)
        frame = client.take(into) if copies else client.borrow()
        if frame is not None:
            now_ns = time.monotonic_ns()
            beyond.append((now_ns - frame.written_ns) / NS_PER_MS)
            whole.append((now_ns - frame.stamp.capture_ns) / NS_PER_MS)
    used_s = time.process_time() - used_s
    return {
        "frames": len(beyond),
        "missed": client.missed,
        "p50_ms": round(median(beyond), 3),
        "p95_ms": round(float(np.percentile(beyond, 95)), 3),
        "capture_p50_ms": round(median(whole), 1),
        "cpu_percent": round(100 * used_s / seconds, 2),
    }


def compare_speed(client: ViewClient, seconds: float) -> dict[str, Any]:
    """Bytes a second out of the ring, and between two private buffers of the same size, in turns."""
    into = np.empty(shape_of(client.view), np.uint8)
    private = np.ones_like(into)
    while not client.ring.newest:
        client.wait(WAIT_S)
        client.take()
    ring_bps, plain_bps, torn = [], [], 0
    begin_s = time.monotonic()
    while time.monotonic() - begin_s < seconds:
        start_ns, done = time.perf_counter_ns(), 0
        for _ in range(COPIES):
            done += client.ring.copy(client.ring.newest, into) is not None
        ring_bps.append(done * into.nbytes * NS_PER_S / (time.perf_counter_ns() - start_ns))
        torn += COPIES - done
        start_ns = time.perf_counter_ns()
        for _ in range(COPIES):
            np.copyto(into, private)
        plain_bps.append(COPIES * into.nbytes * NS_PER_S / (time.perf_counter_ns() - start_ns))
    return {"ring_gb_per_s": median(ring_bps) / 1e9, "memcpy_gb_per_s": median(plain_bps) / 1e9, "torn": torn}


def main(words: list[str]) -> None:
    """See the module's text."""
    socket, view, seconds, kind = words
    client = ViewClient(Path(socket), view)
    if kind == "speed":
        found = compare_speed(client, float(seconds))
    else:
        found = follow(client, float(seconds), copies=kind == "copy")
    client.close()
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
