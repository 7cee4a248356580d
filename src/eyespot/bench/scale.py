"""`eyespot bench scale`: 1 to 16 paced 1080p30 RTSP cameras with recording and vision on this machine."""

import tempfile
from pathlib import Path
from typing import Any

from eyespot.bench import camera_run, clips
from eyespot.bench.report import BenchOptions, Progress, Report, Target

COUNTS = (1, 2, 4, 8, 16)
TARGETS = {"mb_per_camera": Target(60.0, "max")}


def run(options: BenchOptions, progress: Progress) -> Report:
    """One run per camera count; what is lost is read from the host's own final report."""
    clip = clips.as_1080p30(options, progress)
    counts = COUNTS[:2] if options.quick else COUNTS
    window_s = options.seconds or (8.0 if options.quick else 30.0)
    report = Report("scale", targets=TARGETS)
    report.rows = [
        ["cameras", "CPU %", "RSS MB", "detections/s per camera", "vision drops", "latency p95 ms", "record drops"]
    ]
    rss: dict[int, float] = {}
    held = 0
    for count in counts:
        progress.step(f"{count} cameras")
        with tempfile.TemporaryDirectory() as folder, camera_run.rtsp_cameras(clip, count) as urls:
            host = camera_run.run_host(urls, Path(folder) / "eyespot", 12.0 + count, window_s, progress.fraction)
        rss[count] = host.usage.rss_mb
        lost = recorder_losses(host.summary)
        if lost == 0 and held == _previous(counts, count):
            held = count
        _note(report, count, host, lost)
    report.figures["cameras_held"] = held
    first, last = min(rss), max(rss)
    report.figures["mb_per_camera"] = round((rss[last] - rss[first]) / (last - first), 1)
    report.notes.append(
        "cameras_held: the largest number at which the recorder lost nothing. Under load vision lowers its rate "
        "first; the recorder's queue is never dropped from."
    )
    return report


def _previous(counts: tuple[int, ...], count: int) -> int:
    place = counts.index(count)
    return counts[place - 1] if place else 0


def recorder_losses(summary: dict[str, Any]) -> int:
    """Packets that reached the host and not the disk, over all cameras, and reconnects of the sensors."""
    return int(summary.get("record_dropped", 0)) + int(summary.get("reconnects", 0))


def _note(report: Report, count: int, host: camera_run.HostRun, lost: int) -> None:
    summary, usage = host.summary, host.usage
    rate = float(summary.get("detections_per_s", 0.0)) / count
    dropped = int(summary.get("frames", {}).get("dropped", 0))
    report.figures |= {
        f"cpu_percent_{count}": round(usage.cpu_percent, 1),
        f"rss_mb_{count}": round(usage.rss_mb, 1),
        f"detections_per_s_per_camera_{count}": round(rate, 2),
        f"vision_dropped_{count}": dropped,
        f"record_dropped_{count}": lost,
        f"latency_p95_ms_{count}": summary.get("latency_p95_ms"),
    }
    report.rows.append(
        [
            str(count),
            f"{usage.cpu_percent:.0f}",
            f"{usage.rss_mb:.0f}",
            f"{rate:.2f}",
            str(dropped),
            str(summary.get("latency_p95_ms")),
            str(lost),
        ]
    )
