"""`eyespot bench frames`: a 1080p view from a live camera host to handlers of services and to readers, beside memcpy.

The host is a real one, fed by a paced RTSP camera and recording; detection is off, so that frames alone are weighed.
Services are confined as any are, in a container where one can be had; the readers are processes, not confined.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from eyespot.bench import camera_run, clips, leash
from eyespot.bench.frames_inside import inside
from eyespot.bench.live_host import host_of, until
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.bench.usage import measure
from eyespot.contracts.frames_door import Grant, Grants
from eyespot.contracts.view import NamedView
from eyespot.kernel.errors import EyespotError, unavailable
from eyespot.sdk.view_client import ViewClient

TARGETS = {"latency_p50_ms": Target(1.0, "max"), "throughput_to_memcpy": Target(0.8, "min")}
READERS = (1, 4, 8)
WINDOW_S, QUICK_WINDOW_S = 15.0, 4.0
VIEW = NamedView(name="whole", camera="cam0", width_px=1920, height_px=1080, rate_hz=30)


def run(options: BenchOptions, progress: Progress) -> Report:
    """Latency inside services, with one reader that borrows and one that copies; throughput; then more readers."""
    clip = clips.as_1080p30(options, progress)
    window_s = options.seconds or (QUICK_WINDOW_S if options.quick else WINDOW_S)
    rounds = 1 if options.quick else options.rounds
    report = Report("frames", targets=TARGETS)
    report.rows = [["readers", "beyond the ring p50 ms", "p95 ms", "capture to handler p50 ms", "missed", "host CPU %"]]
    with tempfile.TemporaryDirectory() as folder:
        progress.step("handlers of confined services")
        _note_inside(report, inside(clip, Path(folder), window_s, rounds))
    with tempfile.TemporaryDirectory() as folder, camera_run.rtsp_cameras(clip, 1) as urls:
        state = Path(folder) / "eyespot"
        with host_of(urls, state) as host:
            door = Path(folder) / "frames.sock"
            _grant(state, door)
            _wait_for(door, host)
            for kind in ("borrow", "copy"):
                progress.step(f"one reader, {kind}")
                taken = [_readers(door, 1, window_s, kind, host.pid)[0][0] for _ in range(rounds)]
                name = f"latency_{kind}"
                report.figures |= {f"{name}_{key}": middle([one[key] for one in taken]) for key in ("p50_ms", "p95_ms")}
            progress.step("throughput beside memcpy")
            _note_speed(report, [_readers(door, 1, window_s / 3, "speed", host.pid)[0][0] for _ in range(rounds)])
            for count in READERS:
                progress.step(f"{count} readers of one view")
                _note_readers(report, count, *_readers(door, count, window_s, "borrow", host.pid))
    report.notes.append(
        "1920x1080 rgb at 30 frames a second, decoded and converted once, however many read. Latency: from the moment "
        "at which a frame was whole in the ring until the handler of a confined service was called with its own copy "
        "of the 6.2 MB. The readers are processes that are not confined and borrow it in place; latency_copy includes "
        "copying. Detection off; the RTSP camera runs on the same machine."
    )
    return report


def _grant(state: Path, door: Path) -> None:
    grants = Grants(services={"bench": Grant(uid=os.geteuid(), socket=door, views=(VIEW,))})
    draft = state / "run" / "grants.new"
    draft.write_text(grants.model_dump_json(), encoding="utf-8")
    draft.replace(state / "run" / "grants.json")


def _wait_for(door: Path, host: "subprocess.Popen[bytes]") -> None:
    """Until a first frame has come."""

    def has_frame() -> bool:
        try:
            client = ViewClient(door, VIEW.name)
        except EyespotError:
            return False
        client.wait(5.0)
        came = client.ring.newest > 0
        client.close()
        return came

    until(has_frame, host)


def _readers(door: Path, count: int, seconds: float, kind: str, host: int) -> tuple[list[dict[str, Any]], float]:
    """What ``count`` readers at the same time found, and what the host cost meanwhile, in per cent of a core."""
    command = [sys.executable, "-m", "eyespot.bench.frames_reader", str(door), VIEW.name, str(seconds), kind]
    children = [leash.start(command, stdout=subprocess.PIPE) for _ in range(count)]
    usage = measure(host, seconds)
    found = []
    for child in children:
        printed, _ = child.communicate()
        if child.returncode:
            raise unavailable("A reader of the bench failed.", f"Try it by hand: {' '.join(command)}")
        found.append(json.loads(printed))
    return found, usage.cpu_percent


def _note_inside(report: Report, found: dict[str, list[dict[str, float]]]) -> None:
    """The figures of each engine, and those of the most confining one that works here as the bench's own."""
    for engine, taken in found.items():
        figures = {key: middle([one[key] for one in taken]) for key in ("p50_ms", "p95_ms", "capture_p50_ms")}
        report.figures |= {f"latency_{engine}_{key}": value for key, value in figures.items()}
        if "latency_p50_ms" not in report.figures:
            report.figures |= {"latency_p50_ms": figures["p50_ms"], "latency_p95_ms": figures["p95_ms"]}
            report.notes.append(f"latency_p50_ms is of a service in the host '{engine}'.")
    if not found:
        report.notes.append(
            "No service can be confined here, so latency_p50_ms is not known: `eyespot doctor` says why."
        )


def _note_speed(report: Report, taken: list[dict[str, Any]]) -> None:
    report.figures |= {
        "throughput_to_memcpy": middle([one["ring_gb_per_s"] / one["memcpy_gb_per_s"] for one in taken]),
        "ring_gb_per_s": middle([one["ring_gb_per_s"] for one in taken], 2),
        "memcpy_gb_per_s": middle([one["memcpy_gb_per_s"] for one in taken], 2),
    }


def _note_readers(report: Report, count: int, found: list[dict[str, Any]], cpu_percent: float) -> None:
    p50, p95, whole = (median(one[key] for one in found) for key in ("p50_ms", "p95_ms", "capture_p50_ms"))
    missed = sum(one["missed"] for one in found)
    report.figures |= {
        f"latency_p50_ms_{count}": round(p50, 3),
        f"latency_p95_ms_{count}": round(p95, 3),
        f"capture_to_handler_p50_ms_{count}": round(whole, 1),
        f"missed_{count}": missed,
        f"frames_{count}": sum(one["frames"] for one in found),
        f"host_cpu_percent_{count}": round(cpu_percent, 1),
    }
    row = [count, round(p50, 3), round(p95, 3), round(whole, 1), missed, round(cpu_percent, 1)]
    report.rows.append([str(value) for value in row])
