"""The whole host as real processes on the sample clip: it finds people, and survives the death of every process."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eyespot.contracts.event import Event
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import EventStore
from eyespot.record.index import SegmentIndex

pytestmark = [pytest.mark.footage, pytest.mark.slow]


class Host:
    """A running `eyespot camera run`."""

    def __init__(self, state: Path, clip: Path, models: Path) -> None:
        self.state = state
        config = state / "config.toml"
        state.mkdir(exist_ok=True)
        config.write_text(
            f'[web]\nport = 0\ntls = "off"\n[vision]\nmodels = "{models}"\n'
            f'[[camera]]\nid = "front"\n[[camera.stream]]\nname = "main"\nsource = "{clip}"\n'
            '[[camera.zone]]\nname = "all"\npoints = [[0,0],[1,0],[1,1],[0,1]]\n'
        )
        command = [sys.executable, "-m", "eyespot.cli.main", "camera", "run"]
        where = ["--config", str(config), "--state", str(state), "--json"]
        self.process = subprocess.Popen([*command, *where], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def child(self, module: str) -> psutil.Process | None:
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if any(module in word for word in child.cmdline()):
                    return child
            except psutil.Error:
                continue
        return None

    def wait_for_recording(self, more_than: int = 0) -> int:
        """Until footage has grown past ``more_than`` bytes; how large it is then."""
        while (size := self.recorded_bytes()) <= more_than:
            assert self.process.poll() is None
            time.sleep(0.1)
        return size

    def recorded_bytes(self) -> int:
        return sum(file.stat().st_size for file in (self.state / "archive").rglob("*.mp4"))

    def stop(self) -> dict[str, object]:
        self.process.send_signal(signal.SIGINT)
        output, _ = self.process.communicate()
        assert self.process.returncode == 0
        report: dict[str, object] = json.loads(output.splitlines()[-1])
        return report


@pytest.fixture
def host(tmp_path: Path, sample_clip: Path, model_dir: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state", sample_clip, model_dir)
    yield made
    if made.process.poll() is None:
        made.process.terminate()
        made.process.communicate()


def events(state: Path) -> list[Event]:
    store = EventStore(state / "events.db")
    try:
        return store.find(EventQuery(limit=500))[0]
    finally:
        store.close()


def test_people_are_found_followed_recorded_and_told(host: Host) -> None:
    while not {"object", "zone"} <= {event.kind for event in events(host.state)}:
        assert host.process.poll() is None
        time.sleep(0.5)
    host.wait_for_recording(200_000)
    report = host.stop()
    assert report["errors"] == []
    assert report["record_dropped"] == 0
    assert str(report["url"]).startswith("http://127.0.0.1:")
    for name in ("detections", "tracks", "events", "segments", "bytes_recorded"):
        assert int(str(report[name])) > 0, name
    found = events(host.state)
    assert {"object", "zone"} <= {event.kind for event in found}
    assert all(event.end_wall_ns is not None for event in found)
    people = [event for event in found if event.label == "person" and event.picture]
    assert people
    picture = (host.state / "media" / people[0].picture).read_bytes()
    assert picture.startswith(b"\xff\xd8")
    assert picture.endswith(b"\xff\xd9")


def test_every_process_may_die_at_any_moment_and_the_recording_goes_on(host: Host) -> None:
    chance = random.Random(4)
    size = host.wait_for_recording(100_000)
    for module in ("vision_process", "edge.api", "nats-server", "media_process"):
        time.sleep(chance.random())
        child = host.child(module)
        assert child is not None, module
        child.kill()
        while (again := host.child(module)) is None or again.pid == child.pid:
            time.sleep(0.05)
        size = host.wait_for_recording(size + 50_000)
    report = host.stop()
    died = [event for event in events(host.state) if event.kind == "process"]
    assert {event.label for event in died} == {"vision", "api", "nats", "media"}
    assert all(event.end_wall_ns is not None and event.detail["exit"] == "signal KILL" for event in died)
    assert report["record_dropped"] == 0
    assert_footage_is_whole(host.state)


def assert_footage_is_whole(state: Path) -> None:
    """Every segment is in the index, closed, as long as its file, and what is missing between is a restart's worth."""
    index = SegmentIndex(state / "index.db")
    segments = index.between("front", "main", 0, 1 << 62)
    index.close()
    files = {file.relative_to(state / "archive") for file in (state / "archive").rglob("*.mp4")}
    assert {Path(segment.path) for segment in segments} == files
    assert all(segment.state == "closed" for segment in segments)
    assert all(segment.size_bytes == segment.file.stat().st_size for segment in segments)
    assert len(segments) >= 2
    os.sync()
