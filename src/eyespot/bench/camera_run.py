"""Run a whole camera host, or Debian's `motion`, on RTSP cameras of the bench's own, and weigh its processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eyespot.bench import leash
from eyespot.bench.usage import Usage, measure
from eyespot.kernel.errors import unavailable

Tick = Callable[[float], None]
STOP_S = 120.0
"""A host that has not ended by then is stuck."""


@contextmanager
def rtsp_cameras(clip: Path, count: int) -> Iterator[list[str]]:
    """``count`` paced RTSP cameras that loop ``clip``, served by a process of their own; yields their URLs."""
    command = [sys.executable, "-m", "eyespot.testing.rtsp_camera", str(clip), "--port", "0", "--paths", str(count)]
    server = leash.start(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            raise unavailable("The bench's RTSP camera did not start.", f"Try it by hand: {' '.join(command)}")
        yield list(json.loads(line)["urls"])
    finally:
        server.terminate()
        server.wait()
        if server.stdout:
            server.stdout.close()


@dataclass(frozen=True, slots=True)
class HostRun:
    """One measured run: what its processes cost, and what the host said of itself at the end."""

    usage: Usage
    summary: dict[str, Any]


def run_host(urls: list[str], state: Path, warm_s: float, window_s: float, tick: Tick, more: str = "") -> HostRun:
    """A camera host with one camera per URL, recording and seeing at 5 detections/s; measured after ``warm_s``.

    ``more``: settings of each camera, in TOML.
    """
    state.mkdir(parents=True)
    config = state / "config.toml"
    config.write_text(host_config(urls, state, more), encoding="utf-8")
    log = (state / "log.txt").open("wb")
    command = [
        sys.executable,
        "-m",
        "eyespot.cli.main",
        "camera",
        "run",
        "--config",
        str(config),
        "--state",
        str(state),
        "--json",
    ]
    process = leash.start(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    try:
        measure(process.pid, warm_s)
        usage = measure(process.pid, window_s, tick)
    finally:
        output = stop(process)
        log.close()
    lines = [line for line in output.decode().splitlines() if line.startswith("{")]
    if not lines:
        raise unavailable("The camera host did not report.", f"See {state / 'log.txt'}.")
    return HostRun(usage, json.loads(lines[-1]))


def stop(process: "subprocess.Popen[bytes]") -> bytes:
    """End the host as Ctrl-C does and give what it printed into a pipe; one that does not end is killed."""
    process.send_signal(signal.SIGINT)
    try:
        output, _ = process.communicate(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return bytes(output or b"")


def host_config(urls: list[str], state: Path, more: str = "") -> str:
    """A config document with one camera per URL."""
    cameras = "".join(
        f'\n[[camera]]\nid = "cam{number}"\n[[camera.stream]]\nname = "main"\nsource = "{url}"\n{more}'
        for number, url in enumerate(urls)
    )
    return f'[web]\nport = 0\ntls = "off"\n[[storage.root]]\npath = "{state / "archive"}"\n{cameras}'


def run_motion(url: str, state: Path, warm_s: float, window_s: float, tick: Tick) -> Usage:
    """Debian's `motion` on the same stream, recording all the time by passthrough; measured after ``warm_s``."""
    state.mkdir(parents=True)
    config = state / "motion.conf"
    config.write_text(
        f"daemon off\nsetup_mode off\nlog_level 4\nnetcam_url {url}\nwidth 1920\nheight 1080\ntarget_dir {state}\n"
        "movie_output on\nmovie_passthrough on\npicture_output off\nemulate_motion on\nmovie_max_time 60\n"
        "webcontrol_port 0\nstream_port 0\n",
        encoding="utf-8",
    )
    with (state / "log.txt").open("wb") as log:
        process = leash.start(
            ["motion", "-n", "-c", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=state
        )
        try:
            measure(process.pid, warm_s)
            usage = measure(process.pid, window_s, tick)
        finally:
            process.terminate()
            process.wait()
    recorded = sum(path.stat().st_size for path in state.iterdir() if path.suffix in {".mkv", ".mp4"})
    if recorded < 100_000:
        raise unavailable("motion recorded nothing, so it cannot be compared with.", f"See {state / 'log.txt'}.")
    return usage


def need_motion() -> None:
    """Raise ``UNAVAILABLE`` when `motion` is not installed."""
    if not any(os.access(Path(folder) / "motion", os.X_OK) for folder in ("/usr/bin", "/usr/local/bin")):
        raise unavailable(
            "bench camera compares with Debian's motion, which is not here.", "Install it: apt-get install motion."
        )
