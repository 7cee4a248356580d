"""Any moment of the archive, on one timeline."""

import io
import itertools
from dataclasses import replace
from pathlib import Path

import av
import pytest
from record_rig import FPS, WALL_NS, Recorder, encode, later, with_audio

from eyespot.contracts.packet import Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.record import playback, timeline
from eyespot.record.export import export_clip
from eyespot.record.storage import Storage

S = NS_PER_S


def times_of(data: bytes) -> list[float]:
    with av.open(io.BytesIO(data)) as container:
        return [round(frame.time or 0.0, 3) for frame in container.decode(video=0)]


def play(storage: Storage, from_s: float, to_s: float) -> tuple[playback.Playback, bytes]:
    found = playback.stream(storage.index, "door", "main", WALL_NS + int(from_s * S), WALL_NS + int(to_s * S))
    return found, b"".join(found)


def test_one_timeline_across_segments(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(clip)
    found, data = play(storage, 0, 10)
    assert times_of(data) == [round(i / FPS, 3) for i in range(10 * FPS)]
    assert found.mime == 'video/mp4; codecs="avc1.42c00a"'
    assert found.start_wall_ns == WALL_NS


@pytest.mark.parametrize("from_s", [0.05, 1.0, 2.31, 3.99, 7.5])
def test_the_picture_on_show_at_the_moment_comes_at_zero(
    record: Recorder, storage: Storage, clip: list[Unit], from_s: float
) -> None:
    record(clip)
    found, data = play(storage, from_s, 10)
    times = times_of(data)
    early = [time for time in times if time < 0.001]
    expected_next = -(-from_s * FPS // 1) / FPS - from_s
    assert found.zero_wall_ns == found.start_wall_ns == WALL_NS + int(from_s * S)
    assert len(early) >= 1
    following = [time for time in times if time >= 0.001]
    assert following[0] == pytest.approx(expected_next or 1 / FPS, abs=0.002)
    assert following[-1] == pytest.approx(9.9 - from_s, abs=0.002)


@pytest.mark.parametrize("gop", [1, 7, 25])
@pytest.mark.parametrize("bframes", [0, 2])
def test_any_group_of_pictures(record: Recorder, storage: Storage, gop: int, bframes: int) -> None:
    record(encode(6, gop=gop, bframes=bframes))
    for from_s in (0.0, 1.25, 2.55, 4.9):
        _, data = play(storage, from_s, 6)
        late = [time for time in times_of(data) if time >= 0.01]
        expected = 6 * FPS - int(from_s * FPS) - 1
        assert abs(len(late) - expected) <= 1, from_s
        assert late == sorted(late)


def test_gaps_stay_gaps(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record([*clip[:21], *later(clip[:21], 30 * S)])
    _, data = play(storage, 1, 40)
    times = [time for time in times_of(data) if time > 0.001]
    assert max(b - a for a, b in itertools.pairwise(times)) == pytest.approx(28.1, abs=0.01)
    found, data = play(storage, 15, 40)
    assert found.start_wall_ns == WALL_NS + 30 * S
    assert times_of(data)[0] == 15.0


def test_a_change_of_format_brings_a_new_initialisation(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    wide = encode(2, width=96)
    record([*clip, wide[0], *later(wide, 10 * S)])
    _, data = play(storage, 8, 12)
    assert data.count(b"moov") == 2


def test_the_segment_being_written_plays_up_to_its_last_fragment(
    record: Recorder, storage: Storage, clip: list[Unit]
) -> None:
    record(clip, segment_s=60)
    (row,) = storage.index.all()
    storage.index.add(replace(row, state="open", duration_ns=0, size_bytes=0))
    with row.file.open("ab") as stream:
        stream.write(b"\0\0\1\0moof unfinished")
    _, data = play(storage, 4, 60)
    assert times_of(data)[-1] == pytest.approx(5.9)
    assert timeline.coverage(storage.index, "door", "main", 0, 1 << 62) == [(WALL_NS, WALL_NS + 10 * S)]


def test_sound_follows_the_picture(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(with_audio(clip))
    _, data = play(storage, 1.53, 9)
    with av.open(io.BytesIO(data)) as container:
        times = [float(p.pts * p.time_base) for p in container.demux(audio=0) if p.pts is not None]
    assert times[0] == pytest.approx(0.01, abs=0.011)
    assert len(times) >= 7 * 50
    assert max(b - a for a, b in itertools.pairwise(times)) < 0.03


def test_nothing_there(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(clip)
    for span, kind in (((20, 30), Kind.NOT_FOUND), ((5, 5), Kind.INVALID), ((0, 100_000), Kind.INVALID)):
        with pytest.raises(EyespotError) as caught:
            play(storage, *span)
        assert caught.value.kind is kind


def test_deleted_files_are_passed_over(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(clip)
    storage.index.all()[1].file.unlink()
    _, data = play(storage, 0, 10)
    assert len(times_of(data)) == 8 * FPS


async def test_in_an_event_loop(storage: Storage, clip: list[Unit]) -> None:
    from record_rig import StillClock, record_all

    from eyespot.record.settings import RecordSettings

    await record_all(clip, "door", RecordSettings(segment_s=2), storage, StillClock())
    found = playback.stream(storage.index, "door", "main", WALL_NS, WALL_NS + 10 * S)
    data = b"".join([chunk async for chunk in found])
    assert len(times_of(data)) == 10 * FPS


def test_key_packet_at(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record(clip)
    for at_s, expected_s in ((0.0, 0), (0.99, 0), (1.0, 1), (5.5, 5), (9.99, 9), (600, 9)):
        stream, packet = playback.key_packet_at(storage.index, "door", "main", WALL_NS + int(at_s * S))
        assert packet.is_key
        assert packet.capture_ns + stream.wall_offset_ns == WALL_NS + expected_s * S
        assert packet.data == clip[1 + expected_s * FPS].data  # type: ignore[union-attr]
    with pytest.raises(EyespotError):
        playback.key_packet_at(storage.index, "door", "main", WALL_NS - 1)


def test_coverage_merges_small_gaps(record: Recorder, storage: Storage, clip: list[Unit]) -> None:
    record([*clip[:21], *later(clip[:21], 8 * S)])
    start, end = WALL_NS, WALL_NS + 10 * S
    assert timeline.coverage(storage.index, "door", "main", 0, 1 << 62) == [
        (start, start + 2 * S),
        (start + 8 * S, end),
    ]
    assert timeline.coverage(storage.index, "door", "main", 0, 1 << 62, 7) == [(start, end)]
    assert timeline.coverage(storage.index, "door", "main", start + S, start + 9 * S, 7) == [(start + S, start + 9 * S)]
    assert timeline.coverage(storage.index, "other", "main", 0, 1 << 62) == []


def test_export_squeezes_gaps(record: Recorder, storage: Storage, clip: list[Unit], tmp_path: Path) -> None:
    units = with_audio(clip)
    record([*units, *later(units, 60 * S)])
    result = export_clip(storage.index, "door", "main", WALL_NS + int(8.5 * S), WALL_NS + 63 * S, tmp_path / "clip.mp4")
    data = result.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert result.start_wall_ns == WALL_NS + 8 * S
    times = times_of(data)
    assert len(times) == 5 * FPS
    assert times[-1] - times[0] == pytest.approx(4.9, abs=0.01)
    with av.open(str(result.path)) as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        assert sum(1 for p in container.demux(audio=0) if p.size) >= 4 * 50
    assert not (tmp_path / "clip.mp4.part").exists()


def test_export_of_nothing(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(EyespotError) as caught:
        export_clip(storage.index, "door", "main", 0, S, tmp_path / "clip.mp4")
    assert caught.value.kind is Kind.NOT_FOUND
    assert list(tmp_path.glob("clip*")) == []
