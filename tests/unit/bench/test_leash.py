"""What a bench starts ends with it, also when the bench is killed without a word, and a stuck peer is stopped."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from eyespot.bench import leash
from eyespot.bench.peer_env import run_json
from eyespot.kernel.errors import EyespotError, Kind

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
BENCH_OF_ONE = f"""
import subprocess, sys
from eyespot.bench import leash
child = leash.start([sys.executable, "-c", {SLEEP!r}], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
BENCH_OF_A_HOST = """
import sys
from pathlib import Path
from eyespot.bench import camera_run
clip, state = map(Path, sys.argv[1:])
with camera_run.rtsp_cameras(clip, 1) as urls:
    print("cameras", flush=True)
    camera_run.run_host(urls, state, 600, 1, lambda _: None)
"""
HOST_ROLES = ("nats-server", "eyespot.edge.media_process", "eyespot.edge.vision_process", "eyespot.edge.api")


@contextmanager
def bench(script: str, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    child = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE  # its new parent may take its time to collect it
    except psutil.NoSuchProcess:
        return True


def wait_until_gone(processes: list[psutil.Process]) -> None:
    left = processes
    for _ in range(600):
        left = [process for process in left if not is_gone(process)]
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError(f"still there: {left}")


def test_a_killed_bench_takes_its_child_with_it() -> None:
    with bench(BENCH_OF_ONE) as running:
        assert running.stdout is not None
        child = psutil.Process(int(running.stdout.readline()))
        assert child.ppid() == running.pid
        assert "leash" not in " ".join(child.cmdline())  # the launcher became the command
        running.kill()
        wait_until_gone([child])


def test_a_killed_bench_takes_a_whole_camera_host_with_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    with bench(BENCH_OF_A_HOST, str(clip), str(tmp_path / "state")) as running:
        processes = whole_host(running.pid, tmp_path / "state")
        running.kill()
        wait_until_gone(processes)


def test_a_killed_camera_host_takes_its_processes_with_it(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    with bench(BENCH_OF_A_HOST, str(clip), str(tmp_path / "state")) as running:
        everything = whole_host(running.pid, tmp_path / "state")
        (host,) = [process for process in everything if "camera" in process.cmdline()]
        processes = [host, *host.children()]
        assert len(processes) == 1 + len(HOST_ROLES)
        host.kill()
        wait_until_gone(processes)


def whole_host(pid: int, state: Path) -> list[psutil.Process]:
    """All processes below the bench, once every part of the host runs and the recorder has a file open."""
    root = psutil.Process(pid)
    for _ in range(1200):
        found = root.children(recursive=True)
        lines = " ".join(" ".join(process.cmdline()) for process in found if not is_gone(process))
        if all(role in lines for role in HOST_ROLES) and any((state / "archive").rglob("*.mp4")):
            return found
        time.sleep(0.05)
    raise AssertionError(f"the host never stood: {found}")


def test_only_the_main_thread_may_start_one() -> None:
    caught: list[BaseException] = []

    def work() -> None:
        try:
            leash.start(["true"])
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_missing_program_is_named() -> None:
    done = leash.output(["no-such-program-here"], 60)
    assert done.returncode == 127
    assert "no-such-program-here" in done.stderr


def test_a_stuck_peer_is_stopped_and_named(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    with pytest.raises(EyespotError) as caught:
        run_json([sys.executable, "-c", script], "peer.py", 2.0)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert "peer.py did not end within 2 s" in caught.value.what
    assert not psutil.pid_exists(int(note.read_text()))


def test_a_peer_reports_on_its_last_line() -> None:
    script = "print('noise'); print('{\"frames\": 7}')"
    assert run_json([sys.executable, "-c", script], "peer.py", 60) == {"frames": 7}
    with pytest.raises(EyespotError, match="without a result"):
        run_json([sys.executable, "-c", "print('noise')"], "peer.py", 60)
    with pytest.raises(EyespotError, match=r"failed.*boom"):
        run_json([sys.executable, "-c", "raise SystemExit('boom')"], "peer.py", 60)


def make_clip(path: Path) -> Path:
    """Two seconds of noise, H.264."""
    noise = np.random.default_rng(1)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"g": "25", "bf": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for index in range(50):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (96, 128, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path
