"""A recorder killed at any moment loses nothing but the unfinished fragment."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from eyespot.record import playback
from eyespot.record.index import SegmentIndex
from eyespot.record.recovery import open_index, recover
from eyespot.record.settings import RootSettings

FPS = 50
FRAGMENT_S = 0.1

RECORDER = f"""
import asyncio, os, sys
from pathlib import Path
from eyespot.contracts.packet import Packet, StreamFormat, VideoFormat
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.media.hub import Hub
from eyespot.record.files import Files
from eyespot.record.recovery import open_index, recover
from eyespot.record.settings import RecordSettings, RootSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import SegmentWriter

# Says what it has forced to the disk.
class TellingFiles(Files):
    def sync(self, descriptor):
        super().sync(descriptor)
        print(os.readlink("/proc/self/fd/%d" % descriptor), os.fstat(descriptor).st_size, flush=True)

async def main(state, clip):
    clock = SystemClock()
    roots = (RootSettings(path=state / "archive", min_free_bytes=0),)
    index = open_index(state / "index.db")
    recover(roots, index)
    storage = Storage(index, roots, clock, files=TellingFiles())
    hub = Hub("door")
    settings = RecordSettings(segment_s=2, fragment_s={FRAGMENT_S})
    writer = SegmentWriter("door", "main", hub.reader("r", max_bytes=1 << 24), settings, storage, clock, poll_s=0.02)
    task = asyncio.create_task(writer.run(asyncio.Event()))
    head, *frames = clip.read_bytes().split(b"--packet--")
    begin = clock.monotonic_ns()
    hub.publish(StreamFormat(VideoFormat("h264", 64, 48, head), None, clock.wall_ns() - begin))
    for number in range(100_000):
        now = begin + number * NS_PER_S // {FPS}
        data = frames[number % len(frames)]
        hub.publish(Packet("video", now, now, NS_PER_S // {FPS}, number % len(frames) == 0, data))
        await clock.sleep((now + NS_PER_S // {FPS} - clock.monotonic_ns()) / NS_PER_S)

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def encoded(path: Path) -> Path:
    """Half a second of H.264, one group of pictures, as a file of packets."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
    encoder.framerate = FPS
    encoder.options = {"x264-params": "keyint=100:bframes=0:annexb=0:threads=1", "preset": "ultrafast"}
    encoder.flags |= 1 << 22
    encoder.open()
    parts = []
    for number in range(FPS // 2):
        frame = av.VideoFrame(64, 48, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([(number * 7) % 255]) * plane.buffer_size)
        frame.pts = number
        parts += [bytes(packet) for packet in encoder.encode(frame)]
    parts += [bytes(packet) for packet in encoder.encode(None)]
    path.write_bytes(b"--packet--".join([bytes(encoder.extradata or b""), *parts]))
    return path


def record_and_kill(state: Path, clip: Path, synced: int) -> dict[Path, int]:
    """Record, kill -9 a moment after ``synced`` fragments were written; what was on disk by then, by file."""
    command = [sys.executable, "-c", RECORDER, str(state), str(clip)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(synced)]
    time.sleep(random.Random(synced).uniform(0, FRAGMENT_S))
    os.kill(process.pid, signal.SIGKILL)
    lines += process.stdout.read().splitlines()
    process.stdout.close()
    process.wait()
    return {Path(name): int(size) for name, size in (line.split() for line in lines if line.strip())}


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    clip = encoded(tmp_path / "packets")
    moments = random.Random(5)
    roots = (RootSettings(path=tmp_path / "archive", min_free_bytes=0),)
    for run in range(5):
        on_disk = record_and_kill(tmp_path, clip, moments.randrange(2, 26))
        index = open_index(tmp_path / "index.db")
        recover(roots, index)
        rows = index.all()
        assert {row.state for row in rows} == {"closed"}
        kept = {row.file: row.size_bytes for row in rows}
        for file, size_bytes in on_disk.items():
            assert kept[file] >= size_bytes, f"run {run}: {file.name} lost a whole fragment"
            assert file.stat().st_size == kept[file]
        newest = max(rows, key=lambda row: row.start_mono_ns)
        check_plays(index, newest.start_wall_ns, newest.end_wall_ns, tmp_path / "out.mp4")
        index.close()
    assert not list(tmp_path.glob("*.damaged-*"))


def check_plays(index: SegmentIndex, from_ns: int, to_ns: int, out: Path) -> None:
    """Every frame that the index promises decodes."""
    out.write_bytes(b"".join(playback.stream(index, "door", "main", from_ns, to_ns)))
    with av.open(str(out)) as container:
        decoded = sum(1 for _ in container.decode(video=0))
    assert decoded == round((to_ns - from_ns) * FPS / 1e9)
