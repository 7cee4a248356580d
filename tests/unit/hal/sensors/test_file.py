"""Files play as live cameras do: copied, paced, looping without a seam, whatever the container."""

import asyncio
import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.file import FileSensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import NS_PER_MS, NS_PER_S, SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.decode import Decoder
from eyespot.testing.sim_clock import SimClock

FRAMES, FPS = 30, 10


def make_clip(
    path: Path, *, codec: str = "libx264", audio: bool = False, options: dict[str, str] | None = None
) -> Path:
    """Three seconds of 160x96 footage at 10 fps, one key frame a second."""
    rng = np.random.default_rng(3)
    base = rng.integers(16, 235, (144, 160), dtype=np.uint8)
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = options or ({"g": "10", "bf": "0", "sc_threshold": "0"} if codec == "libx264" else {})
        sound = out.add_stream("aac", rate=48_000, layout="mono") if audio else None
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(base, 2 * index, axis=1), "yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            out.mux(stream.encode(frame))
        if sound is not None:
            for index in range(3 * 48_000 // 1024):
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
                samples.sample_rate, samples.pts, samples.time_base = 48_000, index * 1024, Fraction(1, 48_000)
                out.mux(sound.encode(samples))
            out.mux(sound.encode(None))
        out.mux(stream.encode(None))
    return path


async def read(sensor: FileSensor, most: int = 10_000) -> list[Unit]:
    units: list[Unit] = []
    source = sensor.units()
    async for unit in source:
        units.append(unit)
        if len(units) >= most:
            break
    await source.aclose()
    return units


def fast(**others: object) -> SensorSettings:
    return SensorSettings.model_validate({"pace": "fast", "loop": False, **others})


def video(units: list[Unit]) -> list[Packet]:
    return [unit for unit in units if isinstance(unit, Packet) and unit.track == "video"]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts", "clip.h264"])
async def test_h264_is_copied_from_any_container(tmp_path: Path, name: str) -> None:
    path = make_clip(tmp_path / name)
    clock = SimClock()
    units = await read(FileSensor(path, fast(), clock))
    first = units[0]
    assert isinstance(first, StreamFormat)
    assert (first.video.codec, first.video.width_px, first.video.height_px) == ("h264", 160, 96)
    assert first.video.configuration[0] == 1
    assert first.wall_offset_ns == clock.wall_ns() - clock.monotonic_ns()
    packets = video(units)
    assert len(packets) == FRAMES
    assert [n for n, packet in enumerate(packets) if packet.is_key] == [0, 10, 20]
    assert packets[0].decode_ns == clock.monotonic_ns()
    for n, packet in enumerate(packets):
        assert abs(packet.capture_ns - packets[0].capture_ns - n * NS_PER_S // FPS) < NS_PER_MS
        assert int.from_bytes(packet.data[:4], "big") <= len(packet.data) - 4
        assert packet.data[4] & 31 not in (7, 8, 9)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts"])
async def test_h265_is_copied_and_can_be_decoded(tmp_path: Path, name: str) -> None:
    options = {"x265-params": "keyint=10:min-keyint=10:bframes=0:log-level=none", "preset": "ultrafast"}
    path = make_clip(tmp_path / name, codec="libx265", options=options)
    units = await read(FileSensor(path, fast(), SimClock()))
    assert isinstance(units[0], StreamFormat)
    assert (units[0].video.codec, units[0].video.width_px, units[0].video.height_px) == ("h265", 160, 96)
    decoder = Decoder(units[0].video)
    frames = [frame for packet in video(units) for frame in decoder.decode(packet)] + decoder.flush()
    assert len(frames) == FRAMES
    assert decoder.stats.corrupt == 0


async def test_live_pace_follows_the_timestamps_without_drift(tmp_path: Path) -> None:
    sensor = FileSensor(make_clip(tmp_path / "clip.mp4"), SensorSettings(loop=False), SystemClock())
    clock = SystemClock()
    late_ns = []
    async for unit in sensor.units():
        if isinstance(unit, Packet):
            late_ns.append(clock.monotonic_ns() - unit.decode_ns)
            if len(late_ns) == 12:
                break
    assert min(late_ns) >= 0


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
async def test_a_loop_has_no_seam(tmp_path: Path, name: str) -> None:
    sensor = FileSensor(make_clip(tmp_path / name), fast(loop=True), SimClock())
    units = await read(sensor, 1 + 3 * FRAMES + 5)
    packets = video(units)
    steps = {b.decode_ns - a.decode_ns for a, b in itertools.pairwise(packets)}
    assert steps == {NS_PER_S // FPS}
    assert packets[FRAMES].is_key
    assert packets[FRAMES].data == packets[0].data
    assert sum(isinstance(unit, StreamFormat) for unit in units) == 1


@pytest.mark.parametrize("name", ["clip.ts", "clip.h264", "clip.avi"])
async def test_any_container_loops(tmp_path: Path, name: str) -> None:
    packets = video(await read(FileSensor(make_clip(tmp_path / name), fast(loop=True), SimClock()), 1 + 2 * FRAMES))
    times = [packet.decode_ns for packet in packets]
    assert times == sorted(set(times))
    assert [packet.data for packet in packets[FRAMES:]] == [packet.data for packet in packets[: len(packets) - FRAMES]]


async def test_leaving_while_the_thread_reads_is_safe(tmp_path: Path) -> None:
    sensor = FileSensor(make_clip(tmp_path / "clip.mp4"), fast(loop=True), SimClock())
    for _ in range(20):
        task = asyncio.create_task(read(sensor))
        await asyncio.sleep(0.003)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_reordered_footage_keeps_its_order_and_its_times(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "b.mp4", options={"g": "10", "bf": "2", "b_strategy": "0", "sc_threshold": "0"})
    packets = video(await read(FileSensor(path, fast(loop=True), SimClock()), 1 + 2 * FRAMES))
    decode = [packet.decode_ns for packet in packets]
    capture = [packet.capture_ns for packet in packets]
    assert decode == sorted(decode)
    assert capture != sorted(capture)
    assert all(packet.capture_ns >= packet.decode_ns for packet in packets)
    assert len(set(capture)) == len(capture)


async def test_audio_is_copied_only_when_wished(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "sound.mp4", audio=True)
    silent = await read(FileSensor(path, fast(), SimClock()))
    assert isinstance(silent[0], StreamFormat)
    assert silent[0].audio is None
    assert len(video(silent)) == len(silent) - 1
    units = await read(FileSensor(path, fast(audio=True), SimClock()))
    assert isinstance(units[0], StreamFormat)
    assert units[0].audio is not None
    assert (units[0].audio.codec, units[0].audio.sample_rate_hz, units[0].audio.channels) == ("aac", 48_000, 1)
    sound = [unit for unit in units if isinstance(unit, Packet) and unit.track == "audio"]
    assert len(sound) > 100
    assert all(packet.is_key for packet in sound)


async def test_sound_of_a_transport_stream_loses_its_headers(tmp_path: Path) -> None:
    units = await read(FileSensor(make_clip(tmp_path / "sound.ts", audio=True), fast(audio=True), SimClock()))
    stream = units[0]
    assert isinstance(stream, StreamFormat)
    assert stream.audio is not None
    assert stream.audio.configuration == b"\x11\x88"
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = stream.audio.configuration
    sound = [unit for unit in units if isinstance(unit, Packet) and unit.track == "audio"]
    samples = sum(frame.samples for packet in sound for frame in decoder.decode(av.Packet(packet.data)))  # type: ignore[attr-defined]
    assert len(sound) > 100
    assert samples >= 1024 * (len(sound) - 1)


async def test_looped_sound_never_goes_back(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "sound.mp4", audio=True)
    units = await read(FileSensor(path, fast(audio=True, loop=True), SimClock()), 600)
    last = {"video": -1, "audio": -1}
    for unit in units:
        if isinstance(unit, Packet):
            assert unit.decode_ns > last[unit.track]
            last[unit.track] = unit.decode_ns


async def test_a_foreign_codec_is_encoded_once(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "old.avi", codec="mpeg4")
    told: list[float] = []
    settings = fast(cache_dir=tmp_path / "cache")
    units = await read(FileSensor(path, settings, SimClock(), progress=told.append))
    assert isinstance(units[0], StreamFormat)
    assert units[0].video.codec == "h264"
    packets = video(units)
    assert len(packets) == FRAMES
    assert [n for n, packet in enumerate(packets) if packet.is_key] == [0, 10, 20]
    assert told == sorted(told)
    assert told[-1] == 1.0
    (kept,) = (tmp_path / "cache").glob("*.mp4")
    made_ns = kept.stat().st_mtime_ns
    again = FileSensor(path, settings, SimClock())
    assert [packet.data for packet in video(await read(again))] == [packet.data for packet in packets]
    assert kept.stat().st_mtime_ns == made_ns
    assert not list((tmp_path / "cache").glob("*partial*"))


async def test_two_cameras_of_one_foreign_file_encode_it_once(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "old.avi", codec="mpeg4")
    settings = fast(cache_dir=tmp_path / "cache")
    both = await asyncio.gather(*(read(FileSensor(path, settings, SimClock())) for _ in range(2)))
    assert len(both[0]) == len(both[1]) == FRAMES + 1
    assert len(list((tmp_path / "cache").glob("*.mp4"))) == 1


async def test_a_broken_file_gives_what_can_be_read(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.ts")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    packets = video(await read(FileSensor(path, fast(), SimClock())))
    assert 5 < len(packets) < FRAMES


@pytest.mark.parametrize(("content", "kind"), [(None, Kind.INVALID), (b"hello\n" * 100, Kind.INVALID)])
async def test_what_is_no_footage_is_said_plainly(tmp_path: Path, content: bytes | None, kind: Kind) -> None:
    path = tmp_path / "thing.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EyespotError) as error:
        await read(FileSensor(path, fast(), SimClock()))
    assert error.value.kind is kind
    assert "thing.mp4" in error.value.what
    assert error.value.todo


async def test_a_list_of_other_files_is_refused(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.ts")
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nclip.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(EyespotError) as error:
        await read(FileSensor(path, fast(), SimClock()))
    assert error.value.kind is Kind.INVALID


async def test_a_file_without_pictures_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        samples.sample_rate, samples.pts, samples.time_base = 48_000, 0, Fraction(1, 48_000)
        out.mux(sound.encode(samples))
        out.mux(sound.encode(None))
    with pytest.raises(EyespotError, match="no video track"):
        await read(FileSensor(path, fast(), SimClock()))


async def test_an_unwritable_cache_is_said_plainly(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "old.avi", codec="mpeg4")
    (tmp_path / "cache").write_bytes(b"a file, not a folder")
    with pytest.raises(EyespotError, match="cache_dir") as error:
        await read(FileSensor(path, fast(cache_dir=tmp_path / "cache"), SimClock()))
    assert error.value.kind is Kind.EXHAUSTED


async def test_counters_and_name(tmp_path: Path) -> None:
    sensor = FileSensor(make_clip(tmp_path / "clip.mp4"), fast(loop=True), SimClock())
    await read(sensor, 1 + 2 * FRAMES + 20)
    assert sensor.name == "file clip.mp4"
    assert sensor.counters()["loops"] >= 1
    assert sensor.counters()["encoded"] == 1.0


@pytest.mark.footage
async def test_the_sample_clip_plays_whole(sample_avi: Path, sample_clip: Path) -> None:
    """Real footage in an old codec: every picture is there, at 10 a second, one key frame a second."""
    encoded_once = fast(cache_dir=sample_clip.parent)
    packets = video(await read(FileSensor(sample_avi, encoded_once, SimClock())))
    assert len(packets) == 795
    assert [n for n, packet in enumerate(packets) if packet.is_key] == list(range(0, 795, 10))
    assert packets[-1].capture_ns - packets[0].capture_ns == 794 * NS_PER_S // 10
