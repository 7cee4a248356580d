"""Network streams through libav, from a real server in the same process."""

import asyncio
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.libav import LibavSensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if "secret" in self.path and self.headers.get("Authorization") is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="camera"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if "hang" in self.path:
            self.send_response(200)
            self.end_headers()
            threading.Event().wait(3)
            return
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()
    thread.join()


def make_clip(path: Path, codec: str, *, format: str | None = None) -> None:
    base = np.random.default_rng(3).integers(16, 235, (144, 160), dtype=np.uint8)
    with av.open(str(path), "w", format=format) as out:
        stream = out.add_stream(codec, rate=10)
        stream.width, stream.height = 160, 96
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.options = {"g": "10", "bf": "0"} if codec == "libx264" else {}
        for index in range(20):
            frame = av.VideoFrame.from_ndarray(np.roll(base, 2 * index, axis=1), stream.pix_fmt)
            frame.pts, frame.time_base = index, Fraction(1, 10)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


async def read(address: str, **settings: object) -> tuple[list[Unit], LibavSensor]:
    sensor = LibavSensor(address, SensorSettings.model_validate(settings), SystemClock())
    return [unit async for unit in sensor.units()], sensor


async def test_h264_is_copied(server: str, tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.ts", "libx264")
    units, sensor = await read(f"http://{server}/clip.ts")
    assert isinstance(units[0], StreamFormat)
    assert (units[0].video.width_px, units[0].video.height_px) == (160, 96)
    packets = [unit for unit in units if isinstance(unit, Packet)]
    assert len(packets) == 20
    assert packets[0].is_key
    assert [packet.decode_ns for packet in packets] == sorted(packet.decode_ns for packet in packets)
    assert sensor.counters() == {"corrupt": 0, "encoded_live": False}


@pytest.mark.parametrize(("codec", "name", "format"), [("mjpeg", "clip.mjpeg", "mpjpeg"), ("mpeg4", "clip.ts", None)])
async def test_other_codecs_are_encoded_live(
    server: str, tmp_path: Path, codec: str, name: str, format: str | None
) -> None:
    make_clip(tmp_path / name, codec, format=format)
    sensor = LibavSensor(f"http://{server}/{name}", SensorSettings(), SystemClock())
    units: list[Unit] = []
    try:
        async for unit in sensor.units():
            units.append(unit)
    except EyespotError as error:  # motion JPEG has no end but the cut
        kind = error.kind
        assert kind is Kind.UNAVAILABLE
    assert isinstance(units[0], StreamFormat)
    assert units[0].video.codec == "h264"
    assert len(units) >= 19
    assert sensor.counters()["encoded_live"] is True


async def test_credentials_are_used_and_never_shown(server: str, tmp_path: Path) -> None:
    make_clip(tmp_path / "secret.ts", "libx264")
    with pytest.raises(EyespotError) as refused:
        await read(f"http://{server}/secret.ts")
    assert refused.value.kind is Kind.UNAUTHENTICATED
    units, sensor = await read(f"http://alice:pa55@{server}/secret.ts")
    assert len(units) == 21
    assert "alice" not in sensor.name
    with pytest.raises(EyespotError) as gone:
        await read(f"http://alice:pa55@{server}/gone.ts")
    assert gone.value.kind is Kind.UNAVAILABLE
    assert "alice" not in str(gone.value)
    assert "pa55" not in str(gone.value)


async def test_a_hanging_server_is_given_up(server: str) -> None:
    with pytest.raises(EyespotError) as error:
        await read(f"http://{server}/hang.ts", stall_s=1)
    assert error.value.kind in (Kind.UNAVAILABLE, Kind.INVALID)


async def test_a_playlist_cannot_reach_local_files(server: str, tmp_path: Path) -> None:
    make_clip(tmp_path / "local.ts", "libx264")
    segment = f"file://{tmp_path}/local.ts"
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{segment}\n#EXT-X-ENDLIST\n")
    with pytest.raises(EyespotError):
        await read(f"http://{server}/list.m3u8")


@pytest.mark.parametrize("address", ["exec:id", "rtmp://host/x", "file:///etc/passwd", "concat:a|b", "plain"])
def test_only_known_schemes_are_opened(address: str) -> None:
    with pytest.raises(EyespotError) as error:
        LibavSensor(address, SensorSettings(), SystemClock())
    assert error.value.kind is Kind.INVALID


async def test_leaving_in_the_middle_stops_the_thread(server: str, tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.ts", "libx264")
    units = LibavSensor(f"http://{server}/clip.ts", SensorSettings(), SystemClock()).units()
    await anext(units)
    await units.aclose()
    for _ in range(400):
        if not any(thread.name == "live-read" for thread in threading.enumerate()):
            break
        await asyncio.sleep(0.01)
    assert not any(thread.name == "live-read" for thread in threading.enumerate())
