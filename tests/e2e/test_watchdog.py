"""Processes that are stuck, not dead: they are found, killed, started again and told, and the recording goes on."""

import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eyespot.contracts.event import Event
from eyespot.edge.watchdog import BUS_SILENT_S, SILENT_S
from eyespot.kernel.clock import NS_PER_S

from .fault_rig import CameraThread, FaultHost, assert_whole, make_clip, played, until

pytestmark = pytest.mark.slow

FPS = 10
MODULES = {"media": "media_process", "vision": "vision_process", "nats": "nats-server"}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FaultHost]:
    clip = make_clip(tmp_path / "small.mp4", 40, width_px=160, height_px=96, fps=FPS)
    camera = CameraThread([clip])
    config = (
        f'[vision]\nmodels = "{tmp_path}"\n[[storage.root]]\nmin_free_bytes = 0\n[[camera]]\nid = "front"\n'
        f'record = {{ segment_s = 4 }}\n[[camera.stream]]\nsource = "{camera.camera.url()}"\n'
    )
    made = FaultHost(tmp_path, config)
    try:
        until(lambda: made.alive() and made.spans("front"), "recording begins")
        until(lambda: vision_state(made) == "watching", "vision is at work")
        yield made
    finally:
        for child in psutil.Process(made.process.pid).children(recursive=True) if made.process.poll() is None else ():
            child.resume()
        made.end()
        camera.close()


def vision_state(host: FaultHost) -> str:
    return str(host.camera("front")["vision"]["state"])


def child(host: FaultHost, role: str) -> psutil.Process | None:
    for process in psutil.Process(host.process.pid).children(recursive=True):
        try:
            if any(MODULES[role] in word for word in process.cmdline()):
                return process
        except psutil.Error:
            continue
    return None


def stop(host: FaultHost, role: str) -> psutil.Process:
    found = child(host, role)
    assert found is not None
    os.kill(found.pid, signal.SIGSTOP)
    return found


def again(host: FaultHost, role: str, before: psutil.Process) -> bool:
    now = child(host, role)
    return host.alive() and now is not None and now.pid != before.pid


def told(host: FaultHost, role: str) -> Event:
    """The event of the one that was stuck, once it has ended."""
    return until(
        lambda: next((event for event in host.events("process") if event.label == role and event.end_wall_ns), None),
        f"the event of {role} ends",
    )


def assert_told_truly(event: Event, stuck_s: float, limit_s: float) -> None:
    assert event.detail["exit"] == "signal KILL"
    assert re.search(r"said nothing for \d+ s", event.detail["text"])
    assert event.start_wall_ns / NS_PER_S == pytest.approx(stuck_s, abs=5)
    assert event.end_wall_ns is not None
    assert event.end_wall_ns / NS_PER_S > stuck_s + limit_s


def test_whoever_is_stuck_is_started_again_and_the_recording_goes_on(host: FaultHost) -> None:
    host.wait_for_footage("front")
    stuck_s, before = time.time(), stop(host, "media")
    until(lambda: again(host, "media", before), "media is started again")
    host.wait_for_footage("front")
    assert_told_truly(told(host, "media"), stuck_s, SILENT_S)
    rows = until(
        lambda: next(one["totals"]["processes"] for one in host.status()["processes"] if one["role"] == "supervisor"),
        "the status tells of processes",
    )
    (row,) = [row for row in rows if row["role"] == "media"]
    assert (row["restarts"], row["last_exit"], row["state"]) == (1, "signal KILL", "running")
    until(lambda: vision_state(host) == "watching", "vision looks again")

    stuck_s, before = time.time(), stop(host, "vision")
    until(lambda: again(host, "vision", before), "vision is started again")
    assert_told_truly(told(host, "vision"), stuck_s, SILENT_S)
    until(lambda: vision_state(host) == "watching", "vision looks again")

    stuck_s, before = time.time(), stop(host, "nats")
    until(lambda: again(host, "nats", before), "the bus is started again")
    assert_told_truly(told(host, "nats"), stuck_s, BUS_SILENT_S)
    host.wait_for_footage("front")

    report = host.stop()
    assert report["record_dropped"] == 0
    assert len(host.events("process")) == 3, "nobody was killed for the silence of another"
    assert len(host.spans("front")) == 2, "one gap: while media was stuck"
    assert_whole(host, "front", FPS)
    assert set(played(host, "front")) == {(160, 96)}


def test_a_bus_whose_port_is_taken_while_it_is_down_moves(host: FaultHost) -> None:
    before = child(host, "nats")
    assert before is not None
    (port,) = [one.laddr.port for one in before.net_connections() if one.status == psutil.CONN_LISTEN]
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        os.kill(before.pid, signal.SIGKILL)
        until(lambda: bound(thief, port), "the port is somebody else's", every_s=0.001)
        thief.listen()
        until(lambda: again(host, "nats", before) and len(told_all(host)) >= 4, "everybody is started again")
        for role in ("nats", "media", "vision", "api"):
            told(host, role)
        host.wait_for_footage("front")
    assert f"port {port} for the bus is taken" in host.said
    moved = [event for event in told_all(host) if event.label in ("media", "vision", "api")]
    assert all("another address" in event.detail["text"] for event in moved)
    assert all(event.detail["exit"] == "status 0" for event in moved), "in order"
    report = host.stop()
    assert report["record_dropped"] == 0
    assert_whole(host, "front", FPS)


def bound(thief: socket.socket, port: int) -> bool:
    try:
        thief.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def told_all(host: FaultHost) -> list[Event]:
    return host.events("process")
