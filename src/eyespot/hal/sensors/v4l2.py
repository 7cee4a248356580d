"""Cameras behind Video4Linux2 (USB, CSI): H.264 copied when the device offers it, else encoded once, live.

Owns choosing the device's pixel format and naming what is wrong with the device. Reading blocks, so it happens in a
thread. Timestamps of the driver are monotonic already on Linux; ingest repairs what is not.
"""

import os
import stat
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

from eyespot.contracts.packet import Unit
from eyespot.hal.sensors.demux import Demuxer
from eyespot.hal.sensors.live_encode import Encoders
from eyespot.hal.sensors.live_read import LiveRead
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, Kind, invalid, unavailable

_INPUT_FORMATS: tuple[str | None, ...] = ("h264", "mjpeg", None)
"""Wished in this order; None: whatever the device gives."""


class V4l2Sensor:
    """A local camera device such as ``/dev/video0``."""

    def __init__(self, device: str, settings: SensorSettings, clock: Clock, encoders: Encoders | None = None) -> None:
        self._device = device
        self._settings = settings
        self._read = LiveRead(self._open, clock, fps=settings.fps, encoder=settings.encoder, encoders=encoders)
        self._input_format = ""

    @property
    def name(self) -> str:
        return f"device {self._device}"

    def counters(self) -> dict[str, Any]:
        return {"corrupt": self._read.corrupt, "input_format": self._input_format}

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``contract.Sensor``."""
        check_device(self._device)
        async with aclosing(self._read.units()) as units:
            async for unit in units:
                yield unit

    def _open(self) -> Demuxer:
        """The device in the first of the wished formats that it takes."""
        refused: EyespotError | None = None
        for input_format in _INPUT_FORMATS:
            try:
                options = device_options(self._settings, input_format)
                demuxer = Demuxer(self._device, audio=False, options=options, format="v4l2")
            except EyespotError as error:
                refused = error
                check_device(self._device)
                continue
            self._input_format = input_format or demuxer.video.codec_context.name
            return demuxer
        assert refused is not None
        raise unavailable(
            f"{self._device} gives no picture: {refused.what}",
            "Check that no other program uses it, and the wished size and rate.",
        )


def device_options(settings: SensorSettings, input_format: str | None) -> dict[str, str]:
    """The wishes as options of libav's V4L2 input; ``ts=mono2abs`` is not used, so times stay monotonic."""
    options = {"timestamps": "default"}
    if input_format:
        options["input_format"] = input_format
    if settings.fps:
        options["framerate"] = f"{settings.fps:g}"
    if settings.width_px and settings.height_px:
        options["video_size"] = f"{settings.width_px}x{settings.height_px}"
    return options


def check_device(device: str) -> None:
    """Say plainly when ``device`` is missing, not a device, or not ours to open."""
    path = Path(device)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise unavailable(
            f"There is no camera at {device}.", "Plug it in; 'ls /dev/video*' shows what is there."
        ) from error
    if not stat.S_ISCHR(mode):
        raise invalid(f"{device} is not a camera device.", "Name one such as /dev/video0.")
    if not os.access(path, os.R_OK | os.W_OK):
        raise EyespotError(
            Kind.FORBIDDEN, f"{device} may not be opened.", "Add the camera's user to the group 'video'."
        )
