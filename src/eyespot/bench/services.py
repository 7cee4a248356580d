"""`eyespot bench services`: what hosting a service costs: time to start, memory, and ten on one stream beside one.

The host is a real one, fed by a paced 1080p30 RTSP camera and recording; detection is off, so that services alone are
weighed. They are confined as any service is.
"""

import asyncio
import tempfile
from pathlib import Path

from eyespot.bench import clips
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.bench.services_host import Rig, hosting
from eyespot.bench.services_start import start_times
from eyespot.edge.services.engines.chooser import known
from eyespot.kernel.clock import SystemClock, seconds

TARGETS = {"ten_to_one_cpu_ratio": Target(2.0, "max")}
STARTS, QUICK_STARTS = 10, 2
WINDOW_S, QUICK_WINDOW_S = 12.0, 4.0
SETTLE_S = 3.0
READERS = tuple(f"reader{number}" for number in range(10))
IDLERS = tuple(f"idle{number}" for number in range(5))


def run(options: BenchOptions, progress: Progress) -> Report:
    """Starts of each engine, then one reader and ten in turns, then services that read nothing."""
    clip = clips.as_1080p30(options, progress)
    report = Report("services", targets=TARGETS)
    progress.step("starts of each engine")
    clock = SystemClock()
    taken = asyncio.run(start_times(known(clock, clip), clock, QUICK_STARTS if options.quick else STARTS))
    report.figures |= {f"start_{engine}_ms": middle(times, 1) for engine, times in taken.items()}
    with tempfile.TemporaryDirectory() as folder, hosting(clip, Path(folder)) as rig:
        rig.install(READERS, views=True)
        rig.install(IDLERS, views=False)
        _compare(report, rig, options, progress)
        progress.step("services that read nothing")
        rig.run_only(IDLERS, SETTLE_S)
        report.figures["idle_pss_mb"] = round(rig.pss_mb() / len(IDLERS), 1)
        report.figures["sdk_start_ms"] = middle([rig.start_ms(name) for name in IDLERS], 0)
    report.notes.append(
        "Ten to one: processor time of the frames process, the services process, the bus server and all services, ten "
        "readers of two distinct views (640x360 rgb, 320x180 grey, 5 Hz) beside one reader of the first, in turns, "
        "median of the rounds' ratios. Each reader copies every frame and does nothing with it. PSS of a service: all "
        "its processes, bubblewrap's too, shared pages split between their users. Starts: from being told to the first "
        "line of output of Python; sdk_start: to the first heartbeat, five at once."
    )
    return report


def _compare(report: Report, rig: Rig, options: BenchOptions, progress: Progress) -> None:
    window_s = options.seconds or (QUICK_WINDOW_S if options.quick else WINDOW_S)
    one: list[dict[str, float]] = []
    ten: list[dict[str, float]] = []
    clock = SystemClock()
    for number in range(1 if options.quick else options.rounds):
        for names, costs in ((READERS[:1], one), (READERS, ten)):
            progress.step(f"{len(names)} on one stream, round {number + 1}")
            rig.run_only(names, SETTLE_S)
            before, begin_ns = rig.frames_read(), clock.monotonic_ns()
            costs.append(rig.cost(window_s))
            after, took_s = rig.frames_read(), seconds(clock.monotonic_ns() - begin_ns)
            slowest_hz = min((after.get(name, 0) - before.get(name, 0)) / took_s for name in names)
            report.figures[f"read_least_hz_{len(names)}"] = round(slowest_hz, 1)
    report.figures["reader_pss_mb"] = round(rig.pss_mb() / len(READERS), 1)
    report.figures["own_pss_mb"] = round(rig.own_pss_mb(), 1)
    ratios = [sum(many.values()) / sum(single.values()) for single, many in zip(one, ten, strict=True)]
    report.figures["ten_to_one_cpu_ratio"] = middle(ratios, 2)
    report.rows = [["% of a core", "one service", "ten services"]]
    for part in [*ten[0], "all"]:
        single, many = (
            middle([sum(cost.values()) if part == "all" else cost.get(part, 0.0) for cost in costs], 1)
            for costs in (one, ten)
        )
        name = part.rpartition(".")[2].replace("'", "").replace(" ", "_")
        report.figures |= {f"one_{name}_cpu_percent": single, f"ten_{name}_cpu_percent": many}
        report.rows.append([name, str(single), str(many)])
