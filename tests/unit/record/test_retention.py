"""What goes, what moves, in which order and why."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from record_rig import WALL_NS, Recorder, StillClock, later

from eyespot.contracts.packet import Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.record.index import SegmentIndex
from eyespot.record.ranking import NS_PER_DAY
from eyespot.record.retention import Delete, Move, Retention, RootState, Step, plan
from eyespot.record.segment import Segment, State
from eyespot.record.settings import RetentionSettings, RootSettings
from eyespot.record.storage import Storage

MB = 1 << 20
NOW = 100 * NS_PER_DAY
HOT = RootSettings(path=Path("/hot"), min_free_bytes=0)
COLD = RootSettings(path=Path("/cold"), tier="cold", min_free_bytes=0)
WEEK = {"door": RetentionSettings(days=7, event_days=30)}


def segment(
    number: int,
    age_days: float,
    *,
    event: bool = False,
    size_mb: int = 10,
    root: str = "/hot",
    camera: str = "door",
    state: State = "closed",
) -> Segment:
    start = NOW - round(age_days * NS_PER_DAY)
    return Segment(
        number, root, camera, "main", f"{number}.mp4", start, start, 0, 60 * NS_PER_S, size_mb * MB, 800,
        "video/mp4", "k", 64, 48, event, 0, state,
    )  # fmt: skip


def told(steps: list[Step]) -> list[tuple[object, ...]]:
    return [
        ("delete", step.segment.id, step.reason, step.broken_promise)
        if isinstance(step, Delete)
        else ("move", step.segment.id, step.root, step.reason)
        for step in steps
    ]


CASES = {
    "nothing to do": ([segment(1, 1), segment(2, 6.9)], [RootState(HOT, 50 * MB)], WEEK, []),
    "age, oldest first": (
        [segment(1, 7.5), segment(2, 9), segment(3, 6)],
        [RootState(HOT, 50 * MB)],
        WEEK,
        [("delete", 2, "age", False), ("delete", 1, "age", False)],
    ),
    "events are kept longer": (
        [segment(1, 8, event=True), segment(2, 31, event=True), segment(3, 8)],
        [RootState(HOT, 50 * MB)],
        WEEK,
        [("delete", 3, "age", False), ("delete", 2, "age", False)],
    ),
    "a camera's own limit": (
        [segment(1, 3, size_mb=6), segment(2, 2, size_mb=6), segment(3, 4, size_mb=60, camera="yard")],
        [RootState(HOT, 50 * MB)],
        {"door": RetentionSettings(max_bytes=8 * MB)},
        [("delete", 1, "camera-bytes", True)],
    ),
    "a disk's limit takes plain footage before events": (
        [segment(1, 5, event=True), segment(2, 4), segment(3, 3), segment(4, 1)],
        [RootState(HOT.model_copy(update={"max_bytes": 25 * MB}), 500 * MB)],
        WEEK,
        [("delete", 2, "disk-bytes", True), ("delete", 3, "disk-bytes", True)],
    ),
    "old events go before fresh plain footage": (
        [segment(1, 28, event=True), segment(2, 0.5)],
        [RootState(HOT.model_copy(update={"max_bytes": 15 * MB}), 500 * MB)],
        WEEK,
        [("delete", 1, "disk-bytes", True)],
    ),
    "the floor beats every promise and says so": (
        [segment(1, 1, event=True), segment(2, 0.1, event=True)],
        [RootState(HOT.model_copy(update={"min_free_bytes": 8 * MB}), 1 * MB)],
        WEEK,
        [("delete", 1, "free-space", True)],
    ),
    "the floor cannot be reached": (
        [segment(1, 1), segment(2, 0, state="open")],
        [RootState(HOT.model_copy(update={"min_free_bytes": 900 * MB}), 1 * MB)],
        WEEK,
        [("delete", 1, "free-space", True)],
    ),
    "old footage cools": (
        [segment(1, 3), segment(2, 2), segment(3, 0.2)],
        [RootState(HOT, 50 * MB), RootState(COLD, 500 * MB)],
        WEEK,
        [("move", 1, "/cold", "age"), ("move", 2, "/cold", "age")],
    ),
    "a full hot disk cools early, oldest first": (
        [segment(1, 0.5), segment(2, 0.4), segment(3, 0.3)],
        [RootState(HOT.model_copy(update={"min_free_bytes": 15 * MB}), 1 * MB), RootState(COLD, 500 * MB)],
        WEEK,
        [("move", 1, "/cold", "free-space"), ("move", 2, "/cold", "free-space")],
    ),
    "a full cold disk lets the hot one delete": (
        [segment(1, 0.5), segment(2, 5, root="/cold")],
        [RootState(HOT.model_copy(update={"min_free_bytes": 8 * MB}), 1 * MB), RootState(COLD, 2 * MB)],
        WEEK,
        [("delete", 1, "free-space", True)],
    ),
    "a disk that is not there is left alone": (
        [segment(1, 50, root="/gone"), segment(2, 50)],
        [RootState(HOT, 50 * MB), RootState(HOT.model_copy(update={"path": Path("/gone")}), None)],
        WEEK,
        [("delete", 2, "age", False)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_plan(case: str) -> None:
    segments, roots, retention, expected = CASES[case]
    assert told(plan(segments, roots, retention, NOW)) == expected  # type: ignore[arg-type]


def test_planning_twice_changes_nothing_more() -> None:
    segments = [segment(number, number / 10, size_mb=5) for number in range(200)]
    roots = [RootState(HOT.model_copy(update={"max_bytes": 100 * MB}), 500 * MB)]
    steps = plan(segments, roots, WEEK, NOW)
    gone = {step.segment.id for step in steps}
    left = [item for item in segments if item.id not in gone]
    assert sum(item.size_bytes for item in left) <= 100 * MB
    assert plan(left, roots, WEEK, NOW) == []


def test_moving_keeps_the_footage_playable(
    tmp_path: Path, storage: Storage, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    record(clip)
    before = [row.file.read_bytes() for row in storage.index.all()]
    cold = RootSettings(path=tmp_path / "cold", tier="cold", min_free_bytes=0)
    cold.path.mkdir()
    storage.roots = (*storage.roots, cold)
    clock.now_ns += 2 * NS_PER_DAY
    retention = Retention(storage, clock)
    assert [type(step) for step in retention.apply()] == [Move] * 5
    rows = storage.index.all()
    assert {row.root for row in rows} == {str(cold.path)}
    assert [row.file.read_bytes() for row in rows] == before
    assert list(storage.roots[0].path.rglob("*.mp4")) == []
    assert retention.status()["moved"] == 5


def test_more_than_one_round_is_done_at_once(storage: Storage, clock: StillClock) -> None:
    for number in range(700):
        row = segment(0, 0, size_mb=0, root=str(storage.roots[0].path), event=number % 3 == 0)
        storage.index.add(replace(row, path=f"door/main/day/{number}.mp4", start_wall_ns=WALL_NS + number))
    storage.roots[0].path.mkdir(parents=True, exist_ok=True)
    clock.now_ns += 40 * NS_PER_DAY
    assert len(Retention(storage, clock).apply()) == 700
    assert storage.index.all() == []


def test_the_part_that_is_looked_at_decides_like_the_whole(storage: Storage) -> None:
    for number in range(30):
        row = segment(0, 5 - number / 10, event=number % 4 == 0, camera="door" if number % 2 else "yard")
        storage.index.add(replace(row, path=f"{number}.mp4"))
    roots = [RootState(HOT.model_copy(update={"max_bytes": 200 * MB}), 500 * MB)]
    whole = plan(storage.index.all(), roots, WEEK, NOW)
    part = plan(storage.index.oldest_of_each(8), roots, WEEK, NOW, stored_bytes=storage.index.bytes_by_camera())
    assert told(part) == told(whole)
    assert len(part) == 10


async def test_the_service_deletes_by_age(storage: Storage, clock: StillClock, clip: list[Unit]) -> None:
    from record_rig import record_all

    from eyespot.record.settings import RecordSettings

    await record_all(clip, "door", RecordSettings(segment_s=2), storage, clock)
    rows = storage.index.all()
    clock.now_ns += 8 * NS_PER_DAY
    retention = Retention(storage, clock)
    stop = asyncio.Event()
    task = asyncio.create_task(retention.run(stop))
    while retention.status()["deleted"] < len(rows):  # noqa: ASYNC110 - it works in a thread
        await asyncio.sleep(0.01)
    stop.set()
    await task
    assert storage.index.all() == []
    assert not any(row.file.exists() for row in rows)
    assert retention.status()["reasons"] == {"age": 5}


def test_trouble_is_told_once_and_its_end(
    tmp_path: Path, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    heard: list[str] = []
    root = RootSettings(path=tmp_path / "small", min_free_bytes=0, max_bytes=1 << 20)
    index = SegmentIndex(tmp_path / "small.db")
    storage = Storage(index, (root,), clock, on_trouble=lambda kind, text: heard.append(kind))
    record(clip, into=storage)
    retention = Retention(storage, clock)
    storage.roots = (root.model_copy(update={"max_bytes": 40_000}),)
    assert len(retention.apply()) > 0
    retention.apply()
    assert heard == ["full", "ok"]
    storage.close()
    index.close()


def test_a_file_deleted_by_hand_does_no_harm(
    storage: Storage, clock: StillClock, record: Recorder, clip: list[Unit]
) -> None:
    record([*clip, *later(clip, 60 * NS_PER_S)])
    rows = storage.index.all()
    rows[0].file.unlink()
    clock.now_ns += 8 * NS_PER_DAY
    assert len(Retention(storage, clock).apply()) == len(rows)
    assert storage.index.all() == []
    assert rows[0].start_wall_ns == WALL_NS
