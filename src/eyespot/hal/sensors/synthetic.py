"""The rendered scene as a camera stream: encoded to H.264, paced as live or as fast as readers take it."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
from av.video.frame import VideoFrame

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.encode import Encoded, H264Encoder
from eyespot.hal.sensors.pacing import Pacer
from eyespot.hal.sensors.scene import Planes, SceneSettings, SyntheticScene
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.config import validate
from eyespot.kernel.errors import invalid

_FAST_BATCH_FRAMES = 16
_KEYS = {"people": "people", "width": "width_px", "height": "height_px", "fps": "fps", "seed": "seed",
         "noise": "noise", "frames": "frames"}  # fmt: skip


def parse_source(source: str) -> SceneSettings:
    """``synthetic:`` or ``synthetic:?people=3&width=640&height=360&fps=10&seed=1&noise=0&frames=100``.

    Raises:
        EyespotError: ``INVALID`` on an unknown key or a value out of range.
    """
    query = source.partition(":")[2].lstrip("/").removeprefix("?")
    document: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True, max_num_fields=32):
        if key not in _KEYS:
            raise invalid(f"{source}: a synthetic scene has no '{key}'.", f"Known: {', '.join(_KEYS)}.")
        document[_KEYS[key]] = value
    return validate(SceneSettings, document, "synthetic")


class SyntheticSensor:
    """Encodes a ``SyntheticScene``. ``scene.truth(sensor.frame_index(packet.capture_ns))`` is the packet's truth."""

    def __init__(self, scene: SceneSettings | SyntheticScene, settings: SensorSettings, clock: Clock) -> None:
        self.scene = scene if isinstance(scene, SyntheticScene) else SyntheticScene(scene)
        self._settings = settings
        self._clock = clock
        self._period_ns = round(NS_PER_S / self.scene.settings.fps)
        self._start_ns = 0
        self._frames = 0

    @property
    def name(self) -> str:
        return "synthetic scene"

    def counters(self) -> dict[str, Any]:
        return {"frames": self._frames}

    def frame_index(self, capture_ns: int) -> int:
        """Which frame was captured at ``capture_ns`` in the current run of ``units``."""
        return round((capture_ns - self._start_ns) / self._period_ns)

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``contract.Sensor``; ends after ``frames`` frames, or never."""
        live = self._settings.pace == "live"
        wanted = self.scene.settings
        encoder = H264Encoder(wanted.width_px, wanted.height_px, wanted.fps)
        pacer = Pacer(self._clock, live=live)
        self._start_ns = pacer.start_ns
        yield StreamFormat(encoder.format, None, pacer.wall_offset_ns)
        index = 0
        while wanted.frames is None or index < wanted.frames:
            left = _FAST_BATCH_FRAMES if wanted.frames is None else wanted.frames - index
            count = 1 if live else min(_FAST_BATCH_FRAMES, left)
            for encoded in await asyncio.to_thread(self._make, encoder, index, count):
                due_ns = await pacer.wait(encoded.capture_ns)
                self._frames += 1
                yield Packet("video", due_ns, due_ns, self._period_ns, encoded.is_key, encoded.data)
            index += count

    def _make(self, encoder: H264Encoder, index: int, count: int) -> list[Encoded]:
        """Render and encode ``count`` frames from ``index`` on."""
        made: list[Encoded] = []
        for number in range(index, index + count):
            made += encoder.encode(to_frame(self.scene.render(number)), number * self._period_ns)
        return made


def to_frame(planes: Planes) -> VideoFrame:
    """``planes`` as a picture for the encoder."""
    height, width = planes[0].shape
    frame = VideoFrame(width, height, "yuv420p")
    for plane, values in zip(frame.planes, planes, strict=True):
        target: Any = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
        target[: values.shape[0], : values.shape[1]] = values
    return frame
