"""Cameras behind libcamera: raw pictures mapped from its buffers, encoded once, live.

Owns turning pictures into units. Reading blocks, so it happens in a thread; the first picture is stamped when it comes,
and the camera's own times count on from there.
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat, Unit, VideoFormat
from eyespot.hal.libcamera.address import wanted_camera
from eyespot.hal.libcamera.buffers import Allocate, allocate
from eyespot.hal.libcamera.camera import Cameras, cameras
from eyespot.hal.sensors.encode import Encoded
from eyespot.hal.sensors.libcamera_capture import Capture, Wish
from eyespot.hal.sensors.live_encode import Encoders, LiveEncoder
from eyespot.hal.sensors.reader_thread import ReaderThread
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import Clock

_USUAL_FPS = 30.0
"""What cameras give when nothing is wished; it sets how far key frames lie apart."""


class LibcameraSensor:
    """One camera, such as ``libcamera:0``; used once.

    Args:
        ours, allocate: replace the process's cameras and libcamera's allocator, for tests.

    Raises:
        EyespotError: ``INVALID`` when the address names no camera.
    """

    def __init__(
        self,
        source: str,
        settings: SensorSettings,
        clock: Clock,
        encoders: Encoders | None = None,
        *,
        ours: Cameras | None = None,
        allocate: Allocate = allocate,
    ) -> None:
        wanted_camera(source)
        self._source, self._settings, self._clock = source, settings, clock
        self._encoders, self._ours, self._allocate = encoders, ours, allocate
        self._capture: Capture | None = None

    @property
    def name(self) -> str:
        return f"device {self._source}"

    def counters(self) -> dict[str, Any]:
        if self._capture is None:
            return {"corrupt": 0, "input_format": ""}
        return {"corrupt": self._capture.failed, "input_format": self._capture.pixel_format}

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``contract.Sensor``."""
        items = ReaderThread(self._read, "libcamera-read").items()
        offset_ns: int | None = None
        wall_offset_ns = self._clock.wall_ns() - self._clock.monotonic_ns()
        try:
            async for item in items:
                if isinstance(item, VideoFormat):
                    yield StreamFormat(item, None, wall_offset_ns)
                    continue
                if offset_ns is None:
                    offset_ns = self._clock.monotonic_ns() - item.capture_ns
                taken_ns = item.capture_ns + offset_ns
                yield Packet("video", taken_ns, taken_ns, 0, item.is_key, item.data)
        finally:
            await items.aclose()

    def _read(self, stopping: Callable[[], bool]) -> Iterator[VideoFormat | Encoded]:
        settings = self._settings
        camera = (self._ours or cameras()).get(self._source)
        wish = Wish(settings.width_px, settings.height_px, settings.fps)
        self._capture = Capture(camera, wish, self._allocate)
        encoder = LiveEncoder(settings.fps or _USUAL_FPS, settings.encoder, self._encoders)
        last_ns = -1
        for picture in self._capture.pictures(stopping):
            last_ns = max(picture.captured_ns, last_ns + 1_000_000)
            yield from encoder.encode(picture.frame, last_ns)
