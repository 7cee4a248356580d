"""A full disk stops nothing but the oldest footage."""

import asyncio
import errno
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import pytest
from record_rig import FPS, Recorder, StillClock, later

from eyespot.contracts.packet import Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import unavailable
from eyespot.record.files import Files
from eyespot.record.index import SegmentIndex
from eyespot.record.retention import Retention, Step
from eyespot.record.segment import Segment
from eyespot.record.settings import RootSettings
from eyespot.record.storage import PLENTY_BYTES, Storage


class QuotaFiles(Files):
    """A disk with room for ``quota_bytes`` below ``root``: like a real one it writes what fits, then refuses."""

    def __init__(self, root: Path, quota_bytes: int) -> None:
        self._root = root
        self.quota_bytes = quota_bytes
        self.refusals = 0
        self.looks = 0

    def append(self, descriptor: int, parts: Sequence[bytes]) -> int:
        data = b"".join(parts)
        room = self.quota_bytes - self._used()
        if len(data) > room:
            super().append(descriptor, [data[: max(0, room)]])
            self.refusals += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().append(descriptor, parts)

    def free_bytes(self, folder: Path) -> int:
        self.looks += 1
        return max(0, self.quota_bytes - self._used())

    def _used(self) -> int:
        return sum(path.stat().st_size for path in self._root.rglob("*.mp4"))


class BrokenFiles(Files):
    """One root's disk gives input/output errors after ``works_for`` writes."""

    def __init__(self, works_for: int) -> None:
        self.left = works_for

    def append(self, descriptor: int, parts: Sequence[bytes]) -> int:
        if "first" in os.readlink(f"/proc/self/fd/{descriptor}"):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().append(descriptor, parts)


class RefusingIndex(SegmentIndex):
    """An index whose disk is full for its first row."""

    refusals = 0

    def add(self, segment: Segment) -> int:
        if not self.refusals:
            self.refusals += 1
            raise unavailable("The segment index cannot be used: database or disk is full.")
        return super().add(segment)


def frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def check_newest_is_kept(storage: Storage, seconds: int) -> None:
    rows = storage.index.all()
    span_ns = rows[-1].end_wall_ns - rows[0].start_wall_ns
    assert span_ns == sum(row.duration_ns for row in rows), "no gap in what is left"
    assert rows[-1].end_wall_ns == rows[-1].start_wall_ns + 2 * NS_PER_S
    assert sum(frames(row.file) for row in rows) == 2 * FPS * len(rows)
    assert 1 < len(rows) < seconds // 2


class BetweenRounds(Retention):
    """Retention whose rounds do nothing: what happens, happens between them."""

    def apply(self) -> list[Step]:
        return []


def test_the_trouble_is_over_as_soon_as_space_is_back_and_no_sooner(
    tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    root = tmp_path / "archive"
    files = QuotaFiles(root, 120_000)
    heard: list[str] = []
    index = SegmentIndex(tmp_path / "quota.db")
    storage = Storage(
        index,
        (RootSettings(path=root, min_free_bytes=1 << 20),),
        clock,
        files=files,
        on_trouble=lambda kind, text: heard.append(kind),
    )
    units = [clip[0], *[unit for round_ in range(10) for unit in later(clip, round_ * 10 * NS_PER_S)]]
    record(units, into=storage)
    assert heard == ["full"]

    async def watch() -> None:
        stop, files.looks, files.quota_bytes = asyncio.Event(), 0, PLENTY_BYTES
        task = asyncio.create_task(BetweenRounds(storage, clock, every_s=3600).run(stop))
        while files.looks < 3:  # noqa: ASYNC110 - the look is made in a thread
            await asyncio.sleep(0.01)
        assert heard == ["full"], "not above the floor by enough: it would be full again soon"
        files.quota_bytes = PLENTY_BYTES + (2 << 20)
        while heard == ["full"]:  # noqa: ASYNC110 - the look is made in a thread
            await asyncio.sleep(0.01)
        looks = files.looks
        await asyncio.sleep(0.1)
        assert files.looks == looks, "a disk that is well is not looked at between the rounds"
        stop.set()
        await task

    asyncio.run(watch())
    assert heard == ["full", "ok"]
    storage.close()
    index.close()


def test_a_disk_that_failed_is_well_at_the_next_write(
    tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    heard: list[str] = []
    files = BrokenFiles(works_for=2)
    index = SegmentIndex(tmp_path / "index.db")
    root = RootSettings(path=tmp_path / "first", min_free_bytes=0)
    storage = Storage(index, (root,), clock, files=files, on_trouble=lambda kind, text: heard.append(kind))
    record(clip, into=storage)
    assert heard == ["failed"]
    files.left = 1000
    record([clip[0], *later(clip, 60 * NS_PER_S)], into=storage)
    assert heard == ["failed", "ok"]
    storage.close()
    index.close()


def test_quota(tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]) -> None:
    root = tmp_path / "archive"
    files = QuotaFiles(root, 120_000)
    heard: list[tuple[str, str]] = []
    index = SegmentIndex(tmp_path / "quota.db")
    storage = Storage(
        index,
        (RootSettings(path=root, min_free_bytes=0),),
        clock,
        files=files,
        on_trouble=lambda kind, text: heard.append((kind, text)),
    )
    units = [clip[0], *[unit for round_ in range(10) for unit in later(clip, round_ * 10 * NS_PER_S)]]
    writer = record(units, into=storage)
    assert files.refusals > 0
    assert writer.status()["lost_fragments"] == 0
    assert storage.status()["deleted_when_full"] > 0
    assert [kind for kind, _ in heard] == ["full"]
    assert "oldest" in heard[0][1]
    check_newest_is_kept(storage, 100)
    storage.close()
    index.close()


def test_nothing_left_to_delete_is_said_and_survived(
    tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    root = tmp_path / "archive"
    files = QuotaFiles(root, 4_000)
    heard: list[str] = []
    index = SegmentIndex(tmp_path / "quota.db")
    settings = (RootSettings(path=root, min_free_bytes=0),)
    storage = Storage(index, settings, clock, files=files, on_trouble=lambda kind, text: heard.append(text))
    writer = record(clip, into=storage, segment_s=60)
    assert writer.status()["lost_fragments"] > 0
    assert "no footage that could be deleted" in heard[-1]
    for path in root.rglob("*.mp4"):
        assert path.stat().st_size <= 4_000
    storage.close()
    index.close()


def test_a_segment_that_the_index_refused_is_in_it_once_it_closes(
    tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    index = RefusingIndex(tmp_path / "index.db")
    storage = Storage(index, (RootSettings(path=tmp_path / "archive", min_free_bytes=0),), clock)
    record(clip, into=storage)
    assert index.refusals == 1
    rows = index.all()
    assert {row.file for row in rows} == set((tmp_path / "archive").rglob("*.mp4"))
    assert all(row.state == "closed" and row.size_bytes == row.file.stat().st_size for row in rows)
    storage.close()
    index.close()


def test_a_broken_disk_is_left_for_another(
    tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    heard: list[str] = []
    index = SegmentIndex(tmp_path / "two.db")
    roots = tuple(RootSettings(path=tmp_path / name, min_free_bytes=0) for name in ("first", "second"))
    storage = Storage(index, roots, clock, files=BrokenFiles(4), on_trouble=lambda kind, text: heard.append(kind))
    units = [clip[0], *[unit for round_ in range(4) for unit in later(clip, round_ * 10 * NS_PER_S)]]
    record(units, into=storage)
    rows = index.all()
    assert {Path(row.root).name for row in rows} == {"first", "second"}
    assert Path(rows[-1].root).name == "second"
    assert heard == ["failed"]
    storage.close()
    index.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "eyespot-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small disk needs more rights; the quota test covers the same")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_real_small_disk(
    tmp_path: Path, small_disk: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    index = SegmentIndex(tmp_path / "real.db")
    storage = Storage(index, (RootSettings(path=small_disk, min_free_bytes=0),), clock)
    units = [clip[0], *[unit for round_ in range(40) for unit in later(clip, round_ * 10 * NS_PER_S)]]
    writer = record(units, into=storage)
    assert writer.status()["lost_fragments"] == 0
    assert storage.deleted_when_full > 0
    check_newest_is_kept(storage, 400)
    storage.close()
    index.close()
