"""After a crash or a power cut: nothing is lost but the unfinished fragment."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import av
import pytest
from record_rig import FPS, Recorder, encode

from eyespot.contracts.packet import Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.record.index import SegmentIndex
from eyespot.record.recovery import RecoveryReport, open_index, recover
from eyespot.record.segment_reader import SegmentReader
from eyespot.record.settings import RootSettings
from eyespot.record.storage import Storage


def open_row(index: SegmentIndex) -> None:
    """Make the only row look as it does while its file is written."""
    (row,) = index.all()
    index.add(replace(row, state="open", duration_ns=0, size_bytes=0))


@pytest.fixture(scope="module")
def small() -> list[Unit]:
    """Fragments of a few hundred bytes."""
    return encode(3, calm=True)


def test_power_cut_at_every_byte_of_a_fragment(
    record: Recorder, storage: Storage, root: RootSettings, small: list[Unit]
) -> None:
    record(small, segment_s=60)
    (row,) = storage.index.all()
    with SegmentReader(row.file, row.origin_wall_ns, row.start_mono_ns) as reader:
        before, last = reader.fragments[-2:]
    whole = row.file.read_bytes()
    for cut in range(last.offset, last.offset + last.size + 1):
        row.file.write_bytes(whole[:cut])
        open_row(storage.index)
        report = recover([root], storage.index)
        (found,) = storage.index.all()
        complete = cut == last.offset + last.size
        assert found.size_bytes == (cut if complete else before.offset + before.size), cut
        assert found.duration_ns == (3 if complete else 2) * NS_PER_S
        assert found.state == "closed"
        assert report.cut_bytes == cut - found.size_bytes
        assert row.file.stat().st_size == found.size_bytes


def test_power_cut_before_the_first_fragment_is_whole(
    record: Recorder, storage: Storage, root: RootSettings, small: list[Unit]
) -> None:
    record(small[:11], segment_s=60)
    (row,) = storage.index.all()
    whole = row.file.read_bytes()
    for cut in range(0, len(whole), 3):
        row.file.parent.mkdir(parents=True, exist_ok=True)
        row.file.write_bytes(whole[:cut])
        storage.index.add(replace(row, state="open"))
        recover([root], storage.index)
        assert storage.index.all() == [], cut
        assert not row.file.exists()


def test_what_is_recovered_plays(record: Recorder, storage: Storage, root: RootSettings, clip: list[Unit]) -> None:
    record(clip, segment_s=60)
    (row,) = storage.index.all()
    os.truncate(row.file, row.size_bytes - 7)
    open_row(storage.index)
    recover([root], storage.index)
    with av.open(str(row.file)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 9 * FPS


def test_files_the_index_does_not_know_are_found(
    record: Recorder, storage: Storage, root: RootSettings, clip: list[Unit]
) -> None:
    record(clip)
    before = storage.index.all()
    storage.index.delete(segment.id for segment in before)
    report = recover([root], storage.index)
    assert report.found == len(before)
    assert [replace(row, id=0) for row in storage.index.all()] == [replace(row, id=0) for row in before]


def test_rows_without_files_go_but_not_those_of_a_missing_disk(
    record: Recorder, storage: Storage, root: RootSettings, clip: list[Unit]
) -> None:
    record(clip)
    rows = storage.index.all()
    rows[0].file.unlink()
    assert recover([root], storage.index).dropped_rows == 1
    assert len(storage.index.all()) == len(rows) - 1
    shutil.move(root.path, root.path.with_name("unplugged"))
    assert recover([root], storage.index).dropped_rows == 0
    assert len(storage.index.all()) == len(rows) - 1


@pytest.mark.parametrize("damage", ["garbage", "cut", "foreign"])
def test_a_damaged_index_is_set_aside_and_rebuilt(
    record: Recorder, storage: Storage, root: RootSettings, clip: list[Unit], damage: str
) -> None:
    record(clip)
    rows = storage.index.all()
    storage.index.close()
    path = storage.index.path
    if damage == "garbage":
        path.write_bytes(os.urandom(8192))
    elif damage == "cut":
        os.truncate(path, path.stat().st_size // 2)
    else:
        path.write_bytes(b"not a database, but somebody's letter " * 40)
    report = RecoveryReport()
    index = open_index(path, report)
    recover([root], index, report)
    assert report.rebuilt_index
    assert path.with_name("index.db.damaged-0").exists()
    assert [row.path for row in index.all()] == [row.path for row in rows]
    index.close()


def test_other_peoples_files_are_left_alone(storage: Storage, root: RootSettings) -> None:
    folder = root.path / "holiday"
    folder.mkdir(parents=True)
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(20_000))
    (folder / "notes.txt").write_text("hello")
    report = recover([root], storage.index)
    assert report.unreadable == 1
    assert sorted(path.name for path in folder.iterdir()) == ["film.mp4", "notes.txt"]
    assert storage.index.all() == []


def test_unfinished_copies_of_a_move_go(storage: Storage, root: RootSettings) -> None:
    part = root.path / "door" / "x.mp4.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    assert recover([root], storage.index).removed_files == 1
    assert not part.exists()


def test_links_are_not_followed(
    tmp_path: Path, storage: Storage, root: RootSettings, record: Recorder, clip: list[Unit]
) -> None:
    record(clip[:21])
    (row,) = storage.index.all()
    link = root.path / "link.mp4"
    link.symlink_to(row.file)
    assert recover([root], storage.index).found == 0
