"""Which sensor a source address means."""

from pathlib import Path
from typing import TYPE_CHECKING

from eyespot.hal.libcamera.address import is_libcamera
from eyespot.hal.sensors.contract import Sensor
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import invalid

if TYPE_CHECKING:
    from eyespot.hal.sensors.live_encode import Encoders

_RTSP = ("rtsp://", "rtsps://")
_V4L2 = "/dev/video"
_NETWORK = (*_RTSP, "http://", "https://")


def open_sensor(source: str, settings: SensorSettings, clock: Clock, encoders: "Encoders | None" = None) -> Sensor:
    """The sensor for ``source``; nothing is connected or read yet.

    ``rtsp://`` and ``rtsps://`` (over TCP the project's own client, over UDP libav), ``http://`` and ``https://``
    (libav), ``/dev/video*`` (V4L2), ``libcamera:`` (its cameras), ``synthetic:`` (a rendered scene), else a file.

    ``encoders`` chooses who encodes live pictures that are not H.264 or H.265; None: software.

    Raises:
        EyespotError: ``INVALID`` when the address cannot be one.
    """
    if not source or len(source) > 4096 or "\x00" in source:
        raise invalid("A camera has an empty or unusable source.", "Name a stream address, a device or a file.")
    lowered = source.lower()
    if settings.fingerprint and not can_pin(source, settings.transport):
        raise invalid("A pinned certificate needs an rtsps:// address and transport tcp.", "Take out the fingerprint.")
    if lowered.startswith(_RTSP) and settings.transport == "tcp":
        from eyespot.hal.sensors.rtsp import RtspSensor

        return RtspSensor(source, settings, clock, fingerprint=settings.fingerprint)
    if lowered.startswith(_NETWORK):
        from eyespot.hal.sensors.libav import LibavSensor

        return LibavSensor(source, settings, clock, encoders)
    if lowered.startswith("synthetic:"):
        from eyespot.hal.sensors.synthetic import SyntheticSensor, parse_source

        return SyntheticSensor(parse_source(source), settings, clock)
    if source.startswith(_V4L2):
        from eyespot.hal.sensors.v4l2 import V4l2Sensor

        return V4l2Sensor(source, settings, clock, encoders)
    if is_libcamera(source):
        from eyespot.hal.sensors.libcamera import LibcameraSensor

        return LibcameraSensor(source, settings, clock, encoders)
    return _file(source, settings, clock)


def is_device(source: str) -> bool:
    """Whether ``source`` is a camera of this machine, with controls of its own."""
    return source.startswith(_V4L2) or is_libcamera(source)


def can_pin(source: str, transport: str) -> bool:
    """Whether a certificate's fingerprint would be looked at; libav would not."""
    return source.lower().startswith("rtsps://") and transport == "tcp"


def _file(source: str, settings: SensorSettings, clock: Clock) -> Sensor:
    from eyespot.hal.sensors.file import FileSensor

    if "://" in source:
        scheme = source.split("://", 1)[0]
        if scheme.lower() != "file":
            raise invalid(
                f"A source of the kind '{scheme}://' is not known.",
                "Use rtsp://, rtsps://, http://, https://, /dev/video0, libcamera:0, synthetic: or a file's path.",
            )
        source = source.split("://", 1)[1]
    return FileSensor(Path(source), settings, clock)
