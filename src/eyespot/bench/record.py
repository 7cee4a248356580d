"""`bench record`: what recording costs, for eight RTSP cameras, against eight times `ffmpeg -c copy`.

Both record the same streams at the same time into fragmented MP4 with a fragment a second, so load from elsewhere hits
both alike. Counted is the CPU time, user and system, of the recording processes alone, in a window after all have
started; the cameras run in a process of their own. Run as a module it is our side's recording process.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from eyespot.bench import clips, leash
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import unavailable
from eyespot.media.hub import Hub
from eyespot.media.ingest import Ingest
from eyespot.record.index import SegmentIndex
from eyespot.record.settings import RecordSettings, RootSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import READER_BYTES, SegmentWriter

STREAMS = 8
_WINDOW_S = 60.0
_SETTLE_S = 6.0
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class _Cost:
    """CPU seconds in the window and resident memory at its end, of several processes together."""

    cpu_s: float
    rss_mb: float


@dataclass(frozen=True, slots=True)
class _Round:
    ours: _Cost
    ffmpeg: _Cost
    seconds: float
    lost: int
    recorded_bytes: int
    ffmpeg_bytes: int


def run(options: BenchOptions, progress: Progress) -> Report:
    """Record, count, compare."""
    if shutil.which("ffmpeg") is None:
        raise unavailable("ffmpeg is not installed.", "Install it with: sudo apt install ffmpeg")
    clip = clips.as_1080p30(options, progress)
    seconds = options.seconds or (8.0 if options.quick else _WINDOW_S)
    count = 1 if options.quick else options.rounds
    rounds = []
    with tempfile.TemporaryDirectory(prefix="eyespot-bench-") as folder, _cameras(clip) as urls:
        for number in range(count):
            progress.step(f"recording {STREAMS} cameras, round {number + 1} of {count}")
            rounds.append(_round(Path(folder) / str(number), urls, seconds, progress))
    return _report(rounds)


def _report(rounds: Sequence[_Round]) -> Report:
    hours = [STREAMS * item.seconds / 3600 for item in rounds]
    ours = middle([item.ours.cpu_s / span for item, span in zip(rounds, hours, strict=True)], 1)
    theirs = middle([item.ffmpeg.cpu_s / span for item, span in zip(rounds, hours, strict=True)], 1)
    report = Report("record")
    report.figures = {
        "cpu_ratio_to_ffmpeg": middle([item.ours.cpu_s / item.ffmpeg.cpu_s for item in rounds]),
        "cpu_s_per_stream_hour": ours,
        "ffmpeg_cpu_s_per_stream_hour": theirs,
        "rss_mb": middle([item.ours.rss_mb for item in rounds], 1),
        "ffmpeg_rss_mb": middle([item.ffmpeg.rss_mb for item in rounds], 1),
        "lost_fragments": max(item.lost for item in rounds),
        "recorded_mb": round(sum(item.recorded_bytes for item in rounds) / 2**20, 1),
        "ffmpeg_recorded_mb": round(sum(item.ffmpeg_bytes for item in rounds) / 2**20, 1),
        "streams": STREAMS,
        "seconds": middle([item.seconds for item in rounds], 1),
        "rounds": len(rounds),
    }
    report.targets = {"cpu_ratio_to_ffmpeg": Target(0.75, "max"), "lost_fragments": Target(0, "max")}
    report.rows = [
        ["", "CPU s per stream-hour", "memory MB", "recorded MB"],
        ["Eyespot", f"{ours}", f"{report.figures['rss_mb']}", f"{report.figures['recorded_mb']}"],
        [
            "ffmpeg -c copy",
            f"{theirs}",
            f"{report.figures['ffmpeg_rss_mb']}",
            f"{report.figures['ffmpeg_recorded_mb']}",
        ],
    ]
    report.notes = [
        f"{STREAMS} paced 1080p30 RTSP streams over TCP, both at the same time, medians of {len(rounds)} rounds.",
        "One process of ours, with ingest, hub, segments and index; eight of ffmpeg, fragmented MP4, a fragment a GOP.",
    ]
    return report


def _round(folder: Path, urls: Sequence[str], seconds: float, progress: Progress) -> _Round:
    ours_folder, ffmpeg_folder = folder / "ours", folder / "ffmpeg"
    ours_folder.mkdir(parents=True)
    ffmpeg_folder.mkdir(parents=True)
    command = [sys.executable, "-m", "eyespot.bench.record", str(ours_folder), *urls]
    ours = leash.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    others = [_ffmpeg(url, ffmpeg_folder / f"{number}.mp4") for number, url in enumerate(urls)]
    try:
        assert ours.stdout is not None
        if ours.stdout.readline().strip() != "recording":
            raise unavailable("The recording process did not start.", "Run it again and look at its messages.")
        time.sleep(_SETTLE_S)
        before = _cpu_s([ours.pid]), _cpu_s([child.pid for child in others])
        begin = time.monotonic()
        while (elapsed := time.monotonic() - begin) < seconds:
            progress.fraction(elapsed / seconds)
            time.sleep(min(1.0, max(0.01, seconds - elapsed)))
        after = _cpu_s([ours.pid]), _cpu_s([child.pid for child in others])
        seconds = time.monotonic() - begin
        memory = _rss_mb([ours.pid]), _rss_mb([child.pid for child in others])
        answer, _ = ours.communicate("stop\n", timeout=_START_S)
    finally:
        for child in (ours, *others):
            child.terminate()
        for child in (ours, *others):
            child.wait(timeout=_START_S)
    facts = json.loads(answer.strip().splitlines()[-1])
    return _Round(
        _Cost(after[0] - before[0], memory[0]),
        _Cost(after[1] - before[1], memory[1]),
        seconds,
        facts["lost"],
        facts["bytes"],
        sum(file.stat().st_size for file in ffmpeg_folder.iterdir()),
    )


@contextmanager
def _cameras(clip: Path) -> Iterator[list[str]]:
    """Eight cameras in a process of their own; their addresses."""
    command = [sys.executable, "-m", "eyespot.testing.rtsp_camera", str(clip), "--paths", str(STREAMS)]
    process = leash.start(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise unavailable("The test cameras did not start.", "Run it again and look at their messages.")
        yield json.loads(line)["urls"]
    finally:
        process.terminate()
        process.wait(timeout=_START_S)


def _ffmpeg(url: str, target: Path) -> "subprocess.Popen[str]":
    copy = ["-c", "copy", "-movflags", "+frag_keyframe+empty_moov+default_base_moof", str(target)]
    command = ["ffmpeg", "-nostdin", "-v", "quiet", "-rtsp_transport", "tcp", "-i", url, *copy]
    return leash.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, text=True)


def _cpu_s(pids: Sequence[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return float(sum(item.user + item.system for item in times))


def _rss_mb(pids: Sequence[int]) -> float:
    return float(sum(psutil.Process(pid).memory_info().rss for pid in pids)) / 2**20


async def _record(folder: Path, urls: Sequence[str]) -> None:
    """Our side: record until a line comes on standard input, then say what happened."""
    clock, stop = SystemClock(), asyncio.Event()
    index = SegmentIndex(folder / "index.db")
    storage = Storage(index, (RootSettings(path=folder / "archive", min_free_bytes=0),), clock)
    writers, tasks = [], []
    for number, url in enumerate(urls):
        hub = Hub(f"cam{number}/main")
        reader = hub.reader("record", max_bytes=READER_BYTES)
        writer = SegmentWriter(f"cam{number}", "main", reader, RecordSettings(), storage, clock)
        sensor = partial(open_sensor, url, SensorSettings(), clock)
        ingest = Ingest(f"cam{number}", "main", sensor, hub, clock)
        tasks += [asyncio.create_task(writer.run(stop)), asyncio.create_task(ingest.run(stop))]
        writers.append(writer)
    while any(writer.status()["state"] != "recording" for writer in writers):
        await clock.sleep(0.1)
    print("recording", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    stop.set()
    await asyncio.gather(*tasks)
    await asyncio.to_thread(storage.close)
    states = [writer.status() for writer in writers]
    lost = sum(state["lost_fragments"] + state["lost_packets"] for state in states)
    print(json.dumps({"lost": lost, "bytes": sum(state["bytes"] for state in states)}), flush=True)
    index.close()


def main(argv: Sequence[str] | None = None) -> None:
    """Record the named streams into a folder until a line comes on standard input."""
    parser = argparse.ArgumentParser(prog="eyespot.bench.record")
    parser.add_argument("folder", type=Path)
    parser.add_argument("url", nargs="+")
    arguments = parser.parse_args(argv)
    import uvloop

    uvloop.run(_record(arguments.folder, arguments.url))


if __name__ == "__main__":
    main()
