"""What is on disk and in the index after recording."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import av
import pytest
from record_rig import FPS, MONO_NS, WALL_NS, Recorder, StillClock, encode, later, with_audio

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.hub import Hub
from eyespot.record.settings import RecordSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import SegmentWriter


def decoded_frames(path: Any) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_segments_are_cut_at_key_frames_and_every_frame_decodes(
    record: Recorder, storage: Storage, clip: list[Unit]
) -> None:
    writer = record(clip)
    segments = storage.index.all()
    assert [segment.duration_ns for segment in segments] == [2 * NS_PER_S] * 5
    assert [segment.start_wall_ns - WALL_NS for segment in segments] == [i * 2 * NS_PER_S for i in range(5)]
    assert {segment.state for segment in segments} == {"closed"}
    assert sum(decoded_frames(segment.file) for segment in segments) == 10 * FPS
    assert all(segment.file.stat().st_size == segment.size_bytes for segment in segments)
    assert writer.status()["bytes"] == sum(segment.size_bytes for segment in segments)
    assert segments[0].path == "door/main/2025-10-09/08-53-20.000.mp4"


def test_reordered_pictures_keep_their_times(record: Recorder, storage: Storage) -> None:
    units = encode(4, bframes=2)
    record(units, segment_s=60)
    (segment,) = storage.index.all()
    with av.open(str(segment.file)) as container:
        times = [frame.time for frame in container.decode(video=0)]
    steps = [round(after - before, 3) for before, after in itertools.pairwise(times)]
    assert len(times) == 4 * FPS
    assert set(steps) == {round(1 / FPS, 3)}


def test_late_sound_is_kept_across_the_cut(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    units = with_audio(clip)
    sounds = sum(1 for unit in units if isinstance(unit, Packet) and unit.track == "audio")
    record(units)
    kept = 0
    for segment in storage.index.all():
        assert segment.mime == 'video/mp4; codecs="avc1.42c00a,opus"'
        with av.open(str(segment.file)) as container:
            kept += sum(1 for packet in container.demux(audio=0) if packet.size)
    assert kept == sounds


def test_sound_can_be_left_out(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(with_audio(clip), audio=False)
    assert "opus" not in storage.index.all()[0].mime


def test_a_change_of_format_begins_a_segment(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    wide = encode(2, width=96)
    record([*clip, wide[0], *later(wide, 10 * NS_PER_S)], segment_s=60)
    first, second = storage.index.all()
    assert (first.width_px, second.width_px) == (64, 96)
    assert first.configuration_key != second.configuration_key
    assert second.start_wall_ns == first.end_wall_ns


def test_a_moved_clock_begins_a_new_mapping_and_loses_nothing(
    storage: Storage, clock: StillClock, clip: list[Unit]
) -> None:
    async def run() -> None:
        hub = Hub("door")
        reader = hub.reader("record", max_bytes=8 << 20)
        settings = RecordSettings(segment_s=2, sync="never")
        task = asyncio.create_task(
            SegmentWriter("door", "main", reader, settings, storage, clock, poll_s=0).run(asyncio.Event())
        )
        for number, unit in enumerate(clip):
            if number == 45:
                await asyncio.sleep(0.05)
                clock.offset_ns -= 3600 * NS_PER_S
            hub.publish(unit)
        hub.close()
        await task

    asyncio.run(run())
    assert storage.disk.drain()
    segments = sorted(storage.index.all(), key=lambda segment: segment.start_mono_ns)
    assert [segment.clock_jump_ns for segment in segments] == [0, 0, 0, -3600 * NS_PER_S, 0]
    assert segments[3].start_wall_ns == segments[2].end_wall_ns - 3600 * NS_PER_S
    assert segments[4].start_wall_ns == segments[3].end_wall_ns
    assert sum(decoded_frames(segment.file) for segment in segments) == 10 * FPS


def test_same_start_does_not_overwrite(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(clip, segment_s=60)
    record(clip, segment_s=60)
    paths = [segment.path for segment in storage.index.all()]
    assert paths[1] == paths[0].replace(".mp4", "-1.mp4")


def test_a_gap_ends_the_segment(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record([*clip[:31], *later(clip, 63 * NS_PER_S)], segment_s=3600)
    first, second = storage.index.all()
    assert first.duration_ns == 3 * NS_PER_S
    assert second.start_wall_ns == WALL_NS + 63 * NS_PER_S


def test_a_source_that_was_opened_again_begins_a_segment_though_nothing_else_changed(
    record: Recorder, storage: Storage, clip: list[Unit]
) -> None:
    again = later(clip, 4 * NS_PER_S)
    record([*clip[:31], clip[0], *again], segment_s=3600)
    first, second = storage.index.all()
    assert first.duration_ns == 3 * NS_PER_S, "what was not sent in between is not said to be there"
    assert second.start_wall_ns == WALL_NS + 4 * NS_PER_S


@pytest.mark.parametrize(("event_at", "expected_s"), [(5.05, (3.0, 7.1))])
def test_event_mode_keeps_the_time_around_an_event(
    storage: Storage, clock: StillClock, clip: list[Unit], event_at: float, expected_s: tuple[float, float]
) -> None:
    async def run() -> SegmentWriter:
        hub = Hub("door")
        settings = RecordSettings(mode="events", preroll_s=2, postroll_s=1, sync="never")
        writer = SegmentWriter(
            "door", "main", hub.reader("record", max_bytes=8 << 20), settings, storage, clock, poll_s=0
        )
        task = asyncio.create_task(writer.run(asyncio.Event()))
        for unit in clip:
            if isinstance(unit, Packet):
                clock.now_ns = unit.capture_ns
                seconds = (unit.capture_ns - MONO_NS) / NS_PER_S
                if seconds == 5.1:
                    writer.set_event_active("e1", True)
                if seconds == 6.1:
                    writer.set_event_active("e1", False)
            hub.publish(unit)
            await asyncio.sleep(0.001)
        hub.close()
        await task
        return writer

    writer = asyncio.run(run())
    assert storage.disk.drain()
    (segment,) = storage.index.all()
    assert segment.has_event
    assert (segment.start_wall_ns - WALL_NS) / NS_PER_S == expected_s[0]
    assert (segment.end_wall_ns - WALL_NS) / NS_PER_S == pytest.approx(expected_s[1], abs=0.11)
    assert writer.status()["events_active"] == 0


def test_an_event_marks_the_footage_before_it(storage: Storage, clock: StillClock, clip: list[Unit]) -> None:
    async def run() -> None:
        hub = Hub("door")
        settings = RecordSettings(segment_s=2, preroll_s=3, postroll_s=0, sync="never")
        writer = SegmentWriter(
            "door", "main", hub.reader("record", max_bytes=8 << 20), settings, storage, clock, poll_s=0
        )
        task = asyncio.create_task(writer.run(asyncio.Event()))
        for unit in clip:
            if isinstance(unit, Packet):
                clock.now_ns = unit.capture_ns
                seconds = (unit.capture_ns - MONO_NS) / NS_PER_S
                if seconds in (6.5, 6.7):
                    writer.set_event_active("e1", seconds == 6.5)
            hub.publish(unit)
            await asyncio.sleep(0.001)
        hub.close()
        await task

    asyncio.run(run())
    assert storage.disk.drain()
    assert [segment.has_event for segment in storage.index.all()] == [False, True, True, True, False]


def test_off_records_nothing(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    assert record(clip, mode="off").status()["state"] == "off"
    assert storage.index.all() == []


def test_packets_before_the_first_key_frame_are_left_out(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    stream, first, *rest = clip
    assert isinstance(stream, StreamFormat)
    assert isinstance(first, Packet)
    record([stream, replace(first, is_key=False), *rest], segment_s=60)
    (segment,) = storage.index.all()
    assert segment.start_wall_ns == WALL_NS + 1 * NS_PER_S
