"""A tiny real clip as packets, a clock moved by hand, and recording through a real hub."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, Unit, VideoFormat
from eyespot.kernel.clock import NS_PER_S
from eyespot.media.hub import Hub
from eyespot.record.settings import RecordSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import SegmentWriter

FPS = 10
MONO_NS = 1_000 * NS_PER_S
WALL_NS = 1_760_000_000 * NS_PER_S
OFFSET_NS = WALL_NS - MONO_NS


class StillClock:
    """A clock that a test moves by hand; sleeping lets others run."""

    def __init__(self) -> None:
        self.now_ns = MONO_NS
        self.offset_ns = OFFSET_NS

    def monotonic_ns(self) -> int:
        return self.now_ns

    def wall_ns(self) -> int:
        return self.now_ns + self.offset_ns

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


def encode(
    seconds: int, *, gop: int = FPS, bframes: int = 0, width: int = 64, height: int = 48, calm: bool = False
) -> list[Unit]:
    """A format and ``seconds`` of packets: noise that moves, or next to nothing when ``calm``; one key frame each
    ``gop`` frames.
    """
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.options = {
        "x264-params": f"keyint={gop}:min-keyint={gop}:scenecut=0:bframes={bframes}:annexb=0:threads=1",
        "preset": "ultrafast" if not bframes else "veryfast",
    }
    encoder.flags |= 1 << 22  # global header
    encoder.open()
    noise = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    if calm:
        noise[:] = 90
    made = []
    for number in range(seconds * FPS):
        frame = av.VideoFrame.from_ndarray(np.roll(noise, number, axis=1), "rgb24")
        frame.pts = number
        made += encoder.encode(frame)
    made += encoder.encode(None)
    first_dts = made[0].dts
    step = NS_PER_S // FPS
    packets = [
        Packet(
            "video", MONO_NS + item.pts * step, MONO_NS + (item.dts - max(0, first_dts)) * step,
            step, item.is_keyframe, bytes(item),
        )
        for item in made
    ]  # fmt: skip
    video = VideoFormat("h264", width, height, bytes(encoder.extradata))
    return [StreamFormat(video, None, OFFSET_NS), *packets]


def with_audio(units: Sequence[Unit]) -> list[Unit]:
    """The same with silent-looking Opus frames of 20 ms that arrive 60 ms late."""
    stream = units[0]
    assert isinstance(stream, StreamFormat)
    head = b"OpusHead" + bytes([1, 1]) + (312).to_bytes(2, "little") + (48_000).to_bytes(4, "little") + bytes(3)
    packets = [unit for unit in units if isinstance(unit, Packet)]
    step = NS_PER_S // 50
    end = packets[-1].decode_ns
    sound = [
        Packet("audio", time, time, step, True, b"\xf8\xff\xfe") for time in range(packets[0].decode_ns, end, step)
    ]
    mixed = sorted([*packets, *sound], key=lambda p: p.decode_ns + (60_000_000 if p.track == "audio" else 0))
    return [replace(stream, audio=AudioFormat("opus", 48_000, 1, head)), *mixed]


def later(units: Sequence[Unit], by_ns: int) -> list[Packet]:
    """The packets, moved in time."""
    return [
        replace(unit, capture_ns=unit.capture_ns + by_ns, decode_ns=unit.decode_ns + by_ns)
        for unit in units
        if isinstance(unit, Packet)
    ]


Recorder = Callable[..., SegmentWriter]


async def record_all(
    units: Sequence[Unit], camera: str, settings: RecordSettings, storage: Storage, clock: StillClock
) -> SegmentWriter:
    hub = Hub(camera)
    writer = SegmentWriter(
        camera, "main", hub.reader("record", max_bytes=1 << 20, lossless=True), settings, storage, clock, poll_s=0
    )
    task = asyncio.create_task(writer.run(asyncio.Event()))
    for unit in units:
        await hub.publish_wait(unit)
    hub.close()
    await task
    assert storage.disk.drain()
    return writer
