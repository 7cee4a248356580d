"""`eyespot bench camera`: what one paced 1080p30 RTSP camera costs, quiet and busy, against Debian's `motion`."""

import tempfile
from pathlib import Path

from eyespot.bench import camera_run, clips
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle

TARGETS = {
    "busy_cpu_ratio_to_motion": Target(1.0, "max"),
    "quiet_cpu_percent": Target(5.0, "max"),
    "rss_mb": Target(400.0, "max"),
}


def run(options: BenchOptions, progress: Progress) -> Report:
    """Eyespot and `motion` in turn on the same stream, ``options.rounds`` times each; medians."""
    camera_run.need_motion()
    scenes = {"busy": clips.as_1080p30(options, progress), "quiet": clips.quiet_1080p30(options, progress)}
    warm_s = 5.0 if options.quick else 20.0
    window_s = options.seconds or (8.0 if options.quick else 40.0)
    rounds = 1 if options.quick else options.rounds
    report = Report("camera", targets=TARGETS)
    rss: list[float] = []
    table = [["scene", "Eyespot CPU %", "motion CPU %", "ratio", "Eyespot RSS MB", "PSS MB", "motion RSS MB"]]
    for scene, clip in scenes.items():
        ours, theirs, rows = [], [], []
        for number in range(rounds):
            with tempfile.TemporaryDirectory() as folder, camera_run.rtsp_cameras(clip, 1) as urls:
                progress.step(f"{scene}, round {number + 1}/{rounds}: Eyespot")
                host = camera_run.run_host(urls, Path(folder) / "eyespot", warm_s, window_s, progress.fraction)
                progress.step(f"{scene}, round {number + 1}/{rounds}: motion")
                peer = camera_run.run_motion(urls[0], Path(folder) / "motion", warm_s, window_s, progress.fraction)
            ours.append(host.usage.cpu_percent)
            theirs.append(peer.cpu_percent)
            rss.append(host.usage.rss_mb)
            rows.append((host, peer))
        report.figures[f"{scene}_cpu_percent"] = middle(ours)
        report.figures[f"{scene}_motion_cpu_percent"] = middle(theirs)
        report.figures[f"{scene}_cpu_ratio_to_motion"] = middle([a / b for a, b in zip(ours, theirs, strict=True)])
        host, peer = rows[-1]
        report.figures[f"{scene}_pss_mb"] = round(host.usage.pss_mb, 1)
        if scene == "busy":
            _latency(report, [row[0].summary for row in rows])
        table.append(
            [scene, str(middle(ours, 1)), str(middle(theirs, 1)), str(report.figures[f"{scene}_cpu_ratio_to_motion"]),
             f"{host.usage.rss_mb:.0f}", f"{host.usage.pss_mb:.0f}", f"{peer.rss_mb:.0f}"]
        )  # fmt: skip
    report.figures["rss_mb"] = middle(rss, 1)
    report.rows = table
    report.notes.append(
        f"Per round and contender: {warm_s:.0f} s to settle, then {window_s:.0f} s measured; CPU in per cent of "
        "one core over all its processes. Both record continuously without re-encoding; motion runs with its "
        "default frame rate and no classifier."
    )
    return report


def _latency(report: Report, summaries: list[dict[str, object]]) -> None:
    for name in ("latency_p50_ms", "latency_p95_ms"):
        values = [float(str(summary[name])) for summary in summaries if summary.get(name) is not None]
        report.figures[name] = middle(values, 1) if values else None
