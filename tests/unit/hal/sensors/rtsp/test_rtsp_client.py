"""The RTSP sensor against the test camera: formats, times, credentials, faults."""

import asyncio
import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.chooser import open_sensor
from eyespot.hal.sensors.contract import Sensor
from eyespot.hal.sensors.rtsp import RtspSensor, describe, receiver
from eyespot.hal.sensors.rtsp.connection import BUFFER_BYTES
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.rtsp_camera import RtspCamera

MakeClip = Callable[..., Path]


@dataclass
class Settings:
    audio: bool = False
    stall_s: float = 10.0


def sensor(url: str, **settings: object) -> RtspSensor:
    return RtspSensor(url, Settings(**settings), SystemClock(), read_every_s=0.01)  # type: ignore[arg-type]


async def collect(source: Sensor, count: int) -> list[Unit]:
    found: list[Unit] = []
    async with aclosing(source.units()) as units:
        async for unit in units:
            found.append(unit)
            if len(found) >= count:
                break
    return found


async def drain(source: RtspSensor, act: Callable[[int], None]) -> None:
    """Take units until the sensor raises; ``act`` is told how many there were."""
    seen = 0
    async with aclosing(source.units()) as units:
        async for _ in units:
            seen += 1
            act(seen)


def packets(units: list[Unit], track: str = "video") -> list[Packet]:
    return [unit for unit in units if isinstance(unit, Packet) and unit.track == track]


def decode(units: list[Unit]) -> list[av.VideoFrame]:
    """Decode as a reader would: configuration record, then length-prefixed packets."""
    context: av.VideoCodecContext | None = None
    frames: list[av.VideoFrame] = []
    for unit in units:
        if isinstance(unit, StreamFormat):
            context = av.CodecContext.create("h264" if unit.video.codec == "h264" else "hevc", "r")
            context.extradata = unit.video.configuration
        elif unit.track == "video":
            assert context is not None
            frames += context.decode(av.Packet(unit.data))
    return frames


@pytest.mark.parametrize(("codec", "size"), [("h264", (160, 120)), ("h264", (162, 118)), ("h265", (176, 144))])
async def test_units_start_with_a_format_and_decode(make_clip: MakeClip, codec: str, size: tuple[int, int]) -> None:
    async with RtspCamera(make_clip(codec, *size)) as camera:
        units = await collect(sensor(camera.url()), 25)
    first = units[0]
    assert isinstance(first, StreamFormat)
    assert (first.video.codec, first.video.width_px, first.video.height_px) == (codec, *size)
    video = packets(units)
    assert len(video) == 24
    assert [packet.is_key for packet in video] == [index % 10 == 0 for index in range(24)]
    frames = decode(units)
    assert len(frames) >= 22
    assert (frames[0].width, frames[0].height) == size


async def test_capture_times_keep_the_cameras_rhythm(make_clip: MakeClip) -> None:
    clock = SystemClock()
    async with RtspCamera(make_clip()) as camera:
        before = clock.monotonic_ns()
        units = await collect(sensor(camera.url()), 45)
        after = clock.monotonic_ns()
    video = packets(units)
    steps = [later.capture_ns - earlier.capture_ns for earlier, later in pairwise(video)]
    assert all(25_000_000 < step < 45_000_000 for step in steps)
    assert all(packet.decode_ns == packet.capture_ns for packet in video)
    assert before < video[0].capture_ns <= video[-1].capture_ns < after + 50_000_000
    format_unit = units[0]
    assert isinstance(format_unit, StreamFormat)
    assert abs(format_unit.wall_offset_ns - (clock.wall_ns() - clock.monotonic_ns())) < 1_000_000_000


async def test_timestamps_wrap_without_a_trace(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        camera.faults().timestamp_shift = (1 << 32) - 40_000
        source = sensor(camera.url())
        video = packets(await collect(source, 30))
    steps = [later.capture_ns - earlier.capture_ns for earlier, later in pairwise(video)]
    assert all(25_000_000 < step < 45_000_000 for step in steps)
    assert source.counters()["timestamp_jumps"] == 0


async def test_reordered_frames_get_rising_decode_times(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip(b_frames=2)) as camera:
        units = await collect(sensor(camera.url()), 30)
    video = packets(units)
    captures = [packet.capture_ns for packet in video]
    decodes = [packet.decode_ns for packet in video]
    assert captures != sorted(captures)
    assert decodes == sorted(decodes)
    assert all(packet.decode_ns <= packet.capture_ns for packet in video)
    assert len(decode(units)) >= 24


async def test_audio_comes_only_when_asked_for_and_in_step(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip(audio=True, frames=50)) as camera:
        silent = await collect(sensor(camera.url()), 20)
        units = await collect(sensor(camera.url(), audio=True), 60)
    assert not packets(silent, "audio")
    first = units[0]
    assert isinstance(first, StreamFormat)
    assert first.audio is not None
    assert (first.audio.codec, first.audio.sample_rate_hz, first.audio.channels) == ("aac", 16_000, 1)
    audio, video = packets(units, "audio"), packets(units)
    assert len(audio) > 10
    assert all(packet.duration_ns == 64_000_000 for packet in audio)
    assert abs(audio[-1].capture_ns - video[-1].capture_ns) < 150_000_000
    context = av.CodecContext.create("aac", "r")
    context.extradata = first.audio.configuration
    assert sum(frame.samples for packet in audio for frame in context.decode(av.Packet(packet.data))) >= 10_240


@pytest.mark.parametrize("algorithm", ["Basic", "MD5", "SHA-256"])
async def test_credentials_open_the_camera(make_clip: MakeClip, algorithm: str) -> None:
    async with RtspCamera(make_clip(), username="ann", password="s3cret", algorithm=algorithm) as camera:
        assert len(await collect(sensor(camera.url()), 5)) == 5


@pytest.mark.parametrize("user", ["", "ann:wr0ng@"])
async def test_refused_credentials_say_so_and_stay_secret(make_clip: MakeClip, user: str) -> None:
    async with RtspCamera(make_clip(), username="ann", password="s3cret") as camera:
        url = camera.url(credentials=False).replace("rtsp://", f"rtsp://{user}")
        source = sensor(url)
        with pytest.raises(EyespotError) as caught:
            await collect(source, 5)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    told = f"{caught.value} {caught.value.__cause__} {source.name} {source!r}"
    assert "wr0ng" not in told
    assert "ann" not in told.replace("announced", "")


async def test_an_unknown_path_is_invalid(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        with pytest.raises(EyespotError) as caught:
            await collect(sensor(camera.url() + "7"), 1)
    assert caught.value.kind is Kind.INVALID
    assert "404" in caught.value.what


async def test_nobody_at_home_is_unavailable(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        url = camera.url()
    with pytest.raises(EyespotError) as caught:
        await collect(sensor(url), 1)
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_stall_is_unavailable(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        with pytest.raises(EyespotError, match="no picture") as caught:
            await drain(sensor(camera.url(), stall_s=0.4), lambda seen: camera.stall())
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_dropped_connection_ends_after_what_was_received(make_clip: MakeClip) -> None:
    counts: list[int] = []

    def act(seen: int) -> None:
        counts.append(seen)
        if seen == 10:
            camera.drop_connections()

    async with RtspCamera(make_clip()) as camera:
        with pytest.raises(EyespotError) as caught:
            await drain(sensor(camera.url()), act)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert counts[-1] >= 10


async def test_lost_packets_cost_their_pictures_only(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        source = sensor(camera.url())
        async with aclosing(source.units()) as units:
            video = 0
            async for unit in units:
                video += isinstance(unit, Packet)
                if video == 5:
                    camera.lose_every(101)
                if source.counters()["damaged_units"] >= 2 and video >= 20:
                    break
    counted = source.counters()
    assert counted["lost_packets"] >= 2
    assert counted["damaged_units"] >= 2
    assert counted["malformed_packets"] == 0


async def test_garbage_between_packets_is_passed_over(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        source = sensor(camera.url())
        seen = 0
        async with aclosing(source.units()) as units:
            async for _ in units:
                seen += 1
                if seen in (5, 15):
                    camera.send_garbage(bytes(range(256)) * 20 + b"$\x09\xff\xffnonsense")
                if seen == 40:
                    break
    assert source.counters()["garbage_bytes"] > 5000


async def test_garbage_without_end_is_unavailable(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        with pytest.raises(EyespotError, match="not RTSP") as caught:
            await drain(sensor(camera.url()), lambda seen: camera.send_garbage(b"\xa5" * (2 << 20)))
    assert caught.value.kind is Kind.UNAVAILABLE


async def test_a_new_resolution_brings_a_new_format(make_clip: MakeClip) -> None:
    formats: list[StreamFormat] = []
    after: list[Packet] = []
    units: list[Unit] = []
    async with RtspCamera(make_clip()) as camera, aclosing(sensor(camera.url()).units()) as stream:
        async for unit in stream:
            units.append(unit)
            if isinstance(unit, StreamFormat):
                formats.append(unit)
            elif len(formats) == 2:
                after.append(unit)
            if len(units) == 8:
                camera.switch(make_clip(width_px=320, height_px=240))
            if len(after) == 15:
                break
    assert [(one.video.width_px, one.video.height_px) for one in formats] == [(160, 120), (320, 240)]
    assert after[0].is_key
    captures = [packet.capture_ns for packet in packets(units)]
    assert captures == sorted(captures)
    assert {(frame.width, frame.height) for frame in decode(units)} == {(160, 120), (320, 240)}


async def test_the_session_is_kept_alive_with_a_fresh_nonce(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip(), username="ann", password="s3cret", session_s=4) as camera:
        async with aclosing(sensor(camera.url()).units()) as units:
            seen = 0
            async for _ in units:
                seen += 1
                if seen == 5:
                    camera.expire_nonce()
                if seen == 70:
                    break
        assert camera.connections_made() == 1
        assert camera.requests("GET_PARAMETER") >= 2


async def test_a_slow_reader_slows_the_camera_not_the_memory(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MAX_QUEUED_BYTES", 10_000)
    async with RtspCamera(make_clip(width_px=320, height_px=240)) as camera:
        source = sensor(camera.url())
        async with aclosing(source.units()) as units:
            await anext(units)
            await asyncio.sleep(1.0)
            held = source._receiver
            assert held is not None
            assert held._queued_bytes < 10_000 + BUFFER_BYTES
            rest = [await anext(units) for _ in range(30)]
    captures = [packet.capture_ns for packet in packets(rest)]
    assert captures == sorted(captures)
    assert source.counters()["lost_packets"] == 0


async def test_closing_the_iterator_leaves_the_camera(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip()) as camera:
        await collect(sensor(camera.url()), 5)
        await asyncio.sleep(0.05)
        assert camera.readers == 0
        assert camera.requests("TEARDOWN") == 1


async def test_describe_tells_the_tracks(make_clip: MakeClip) -> None:
    async with RtspCamera(make_clip(audio=True, frames=50)) as camera:
        found = await describe(camera.url(), Settings(), SystemClock())
    assert [track.codec for track in found.tracks] == ["h264", "aac"]


def _certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


async def test_tls_wants_a_trusted_or_pinned_certificate(make_clip: MakeClip, tmp_path: Path) -> None:
    context, fingerprint = _certificate(tmp_path)
    async with RtspCamera(make_clip(), tls=context) as camera:
        for pinned in ("", "00" * 32):
            stranger = RtspSensor(camera.url(), Settings(), SystemClock(), fingerprint=pinned)
            with pytest.raises(EyespotError, match="certificate") as caught:
                await collect(stranger, 1)
            assert caught.value.kind is Kind.FORBIDDEN
        friend = RtspSensor(camera.url(), Settings(), SystemClock(), fingerprint=fingerprint)
        assert len(packets(await collect(friend, 30))) == 29
        pairs = ":".join(fingerprint[at : at + 2] for at in range(0, 64, 2)).upper()
        configured = open_sensor(camera.url(), SensorSettings(fingerprint=pairs), SystemClock())
        assert len(packets(await collect(configured, 30))) == 29


async def test_another_codec_is_refused_with_its_name() -> None:
    async with _canned(b"m=video 0 RTP/AVP 26\r\na=control:t\r\n") as url:
        with pytest.raises(EyespotError, match="JPEG") as caught:
            await collect(sensor(url), 1)
    assert caught.value.kind is Kind.INVALID


class _canned:  # noqa: N801 - reads like the context it is
    """A server that answers every request with the same description."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._served: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"rtsp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/x"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._served)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._served.append(task)
        async for line in _lines(reader):
            if line.lower().startswith(b"cseq:"):
                head = b"RTSP/1.0 200 OK\r\nCSeq:%s\r\nContent-Length: %d\r\n\r\n"
                writer.write(head % (line.split(b":")[1].strip(), len(self._body)) + self._body)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while line := await reader.readline():
            yield line
    except ConnectionError:
        return
