"""The wall clock jumps under a whole running host: recording and events go on, and the jump is told.

Debian's libfaketime moves the wall clock of every process of the host but the bus server (which is linked statically);
monotonic time stays, as it does when an operator or NTP sets a machine's clock.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.kernel.clock import NS_PER_S

from .fault_rig import CameraThread, FaultHost, assert_whole, make_clip, played, until

pytestmark = pytest.mark.slow

FPS = 10
LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


class MovedMachine:
    """A host whose wall clock is moved at will."""

    def __init__(self, host: FaultHost, cameras: CameraThread, offset: Path) -> None:
        self.host = host
        self.cameras = cameras
        self._offset = offset
        self.moved_s = 0

    def move(self, to_s: int) -> None:
        """From now on the host's wall clock is so many seconds ahead of the machine's."""
        self.moved_s = to_s
        draft = self._offset.with_suffix(".new")
        draft.write_text(f"{to_s:+d}s\n")
        draft.replace(self._offset)

    def now_s(self) -> float:
        return time.time() + self.moved_s

    def wait_for_footage(self, camera: str, more_s: float = 3) -> None:
        """Until segments that begin after now, by the host's clock, are as long as that."""
        begin_ns = round(self.now_s() * NS_PER_S)

        def recorded_s() -> float:
            found = [one for one in self.host.segments(camera) if abs(one.start_wall_ns - begin_ns) < 600 * NS_PER_S]
            return sum(one.duration_ns for one in found if one.start_wall_ns > begin_ns) / NS_PER_S

        until(lambda: self.host.alive() and recorded_s() >= more_s, f"footage of {camera} goes on")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MovedMachine]:
    if not LIBRARIES:
        pytest.skip("there is no libfaketime here: apt-get install faketime")
    clip = make_clip(tmp_path / "small.mp4", 40, width_px=160, height_px=96, fps=FPS)
    camera = CameraThread([clip, clip])
    offset = tmp_path / "offset"
    offset.write_text("+0s\n")
    config = "[[storage.root]]\nmin_free_bytes = 0\n"
    for path, name in enumerate(("yard", "door")):
        config += (
            f'[[camera]]\nid = "{name}"\nrecord = {{ segment_s = 2 }}\n'
            f'[[camera.stream]]\nsource = "{camera.camera.url(path)}"\nstall_s = 3\n'
        )
    with monkeypatch.context() as changed:
        for name, value in {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(offset),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }.items():
            changed.setenv(name, value)
        host = FaultHost(tmp_path, config)
    try:
        until(lambda: host.alive() and host.spans("yard") and host.spans("door"), "both cameras are recorded")
        yield MovedMachine(host, camera, offset)
    finally:
        host.end()
        camera.close()


def test_an_hour_forth_and_two_back_stop_nothing(machine: MovedMachine) -> None:
    host, cameras = machine.host, machine.cameras
    for count, moved_s in enumerate((3600, -3600), start=1):
        machine.move(moved_s)
        until(lambda count=count: len(host.events("clock")) == count, "the jump is told")
        machine.wait_for_footage("yard")
        begin_ns = round(machine.now_s() * NS_PER_S)
        cameras.do(cameras.camera.stall, 1)
        until(lambda count=count: len(host.events("signal-lost", "door")) == count, "a lost signal is told")
        cameras.do(cameras.camera.stall, 1, on=False)
        until(lambda: all(event.end_wall_ns for event in host.events("signal-lost", "door")), "and its end")
        newest = next(one for one in host.events("signal-lost") if abs(one.start_wall_ns - begin_ns) < 600 * NS_PER_S)
        assert newest.start_wall_ns >= begin_ns - 2 * NS_PER_S, "by the clock as it is now"
        assert (newest.end_wall_ns or 0) > newest.start_wall_ns
        until(lambda: host.camera("door")["state"] == "live", "the camera is live again")
        machine.wait_for_footage("door")
    assert host.camera("yard")["state"] == "live"
    jumps = sorted(event.detail["jump_s"] for event in host.events("clock"))
    assert jumps == [pytest.approx(-7200, abs=2), pytest.approx(3600, abs=2)]
    report = host.stop()
    assert report["record_dropped"] == 0
    assert not host.events("process"), "nobody was taken for stuck"
    assert_whole(host, "yard", FPS)
    assert sum(played(host, "yard").values()) > 0
