"""libcamera's Python binding without libcamera: one camera with the controls of a Raspberry Pi's, in memory.

Names, numbers and behaviour follow the binding of libcamera 0.7.2; a test compares what is here with what that one has.
Pictures are grey, as bright as exposure and gain make them, their first column's half twice as bright as the other.
"""

import mmap
import os
import time
from collections import deque
from enum import Enum, IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np

from eyespot.testing import fake_libcamera_controls as fake_controls
from eyespot.testing.fake_libcamera_controls import CameraConfigurationStatus, ControlInfo

_BYTES_PER_PIXEL = {"NV12": 1, "YUV420": 1, "XRGB8888": 4, "MJPEG": 1}
_PLANES = {"NV12": ((2, 2), (2, 1)), "YUV420": ((2, 2), (1, 1), (1, 1)), "XRGB8888": ((2, 2),), "MJPEG": ((2, 2),)}
_PADDING = 64


class StreamRole(IntEnum):
    """As the binding's."""

    Raw = 0
    StillCapture = 1
    VideoRecording = 2
    Viewfinder = 3


class Orientation(IntEnum):
    """As the binding's."""

    Rotate0 = 1
    Rotate0Mirror = 2
    Rotate180 = 3
    Rotate180Mirror = 4
    Rotate90Mirror = 5
    Rotate270 = 6
    Rotate270Mirror = 7
    Rotate90 = 8


class PixelFormat:
    """As the binding's: written by its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __str__(self) -> str:
        return self._name


class Size:
    """As the binding's."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height


class ColorSpace:
    """As the binding's, of which the range alone matters here."""

    class Range(Enum):
        """As the binding's."""

        Full = 0
        Limited = 1

    def __init__(self, value: "ColorSpace.Range") -> None:
        self.range = value

    @staticmethod
    def Rec709() -> "ColorSpace":  # noqa: N802 - the binding's
        """As the binding's."""
        return ColorSpace(ColorSpace.Range.Limited)


class StreamConfiguration:
    """As the binding's."""

    def __init__(self, formats: tuple[str, ...]) -> None:
        self.size, self.pixel_format = Size(128, 96), PixelFormat(formats[0])
        self.formats = SimpleNamespace(pixel_formats=[PixelFormat(name) for name in formats])
        self.color_space: ColorSpace | None = None
        self.buffer_count, self.stride = 4, 0
        self.stream = SimpleNamespace(configuration=self)


class CameraConfiguration:
    """As the binding's, with one stream."""

    Status = CameraConfigurationStatus

    def __init__(
        self, formats: tuple[str, ...], orientations: tuple[Orientation, ...], *, full_range: bool = False
    ) -> None:
        self._full_range = full_range
        self.orientation = Orientation.Rotate0
        self.size = 1
        self._orientations = orientations
        self._stream = StreamConfiguration(formats)

    def at(self, index: int) -> StreamConfiguration:
        """As the binding's."""
        return [self._stream][index]

    def validate(self) -> CameraConfigurationStatus:
        """Sizes become even, rows are padded, and orientations that are not offered upright."""
        size, status = self._stream.size, CameraConfigurationStatus.Valid
        if self._full_range:
            self._stream.color_space, status = ColorSpace(ColorSpace.Range.Full), status.Adjusted
        if size.width % 2 or size.height % 2:
            size.width, size.height, status = size.width // 2 * 2, size.height // 2 * 2, status.Adjusted
        if self.orientation not in self._orientations:
            self.orientation, status = Orientation.Rotate0, status.Adjusted
        wide = size.width * _BYTES_PER_PIXEL[str(self._stream.pixel_format)]
        self._stream.stride = -(-wide // _PADDING) * _PADDING
        return status


class FrameMetadata:
    """As the binding's."""

    class Status(Enum):
        """As the binding's."""

        Success = 0
        Error = 1
        Cancelled = 2

    def __init__(self) -> None:
        self.status, self.sequence, self.timestamp = FrameMetadata.Status.Success, 0, 0


class FrameBuffer:
    """As the binding's, one ``memfd`` with its planes one after the other."""

    class Plane:
        """As the binding's."""

        def __init__(self, fd: int, offset: int, length: int) -> None:
            self.fd, self.offset, self.length = fd, offset, length

    def __init__(self, planes: "list[FrameBuffer.Plane]") -> None:
        self.planes, self.metadata = planes, FrameMetadata()


class FrameBufferAllocator:
    """As the binding's."""

    def __init__(self, camera: "Camera") -> None:
        self._camera, self._buffers = camera, list[FrameBuffer]()

    def allocate(self, stream: Any) -> int:
        """As the binding's."""
        if self._camera.out_of_memory:
            raise RuntimeError("Failed to allocate buffers: No buffer space available")
        config = stream.configuration
        shape = _PLANES[str(config.pixel_format)]
        lengths = [config.stride * row // 2 * (config.size.height * rows // 2) for row, rows in shape]
        for _ in range(config.buffer_count):
            descriptor = os.memfd_create("fake-libcamera")
            self._camera.descriptors.append(descriptor)
            os.truncate(descriptor, sum(lengths))
            offsets = [sum(lengths[:index]) for index in range(len(lengths))]
            planes = [FrameBuffer.Plane(descriptor, *place) for place in zip(offsets, lengths, strict=True)]
            self._buffers.append(FrameBuffer(planes))
        return len(self._buffers)

    def buffers(self, stream: Any) -> list[FrameBuffer]:
        """As the binding's."""
        del stream
        return self._buffers


class Request:
    """As the binding's."""

    class Status(Enum):
        """As the binding's."""

        Pending = 0
        Complete = 1
        Cancelled = 2

    def __init__(self, cookie: int) -> None:
        self.cookie, self.status = cookie, Request.Status.Pending
        self.buffers: dict[Any, FrameBuffer] = {}
        self.metadata: dict[Any, Any] = {}
        self.asked: dict[str, Any] = {}  # not the binding's

    def add_buffer(self, stream: Any, buffer: FrameBuffer) -> None:
        """As the binding's; streams are found by identity there, so here."""
        self.buffers = _ByIdentity({id(stream): buffer})

    def set_control(self, control: Any, value: Any) -> None:
        """As the binding's."""
        self.asked[control.name] = value

    def reuse(self) -> None:
        """As the binding's: buffers stay, controls go."""
        self.status, self.asked, self.metadata = Request.Status.Pending, {}, {}


class _ByIdentity(dict[Any, FrameBuffer]):
    def __getitem__(self, stream: Any) -> FrameBuffer:
        return super().__getitem__(id(stream))


class Camera:
    """As the binding's. ``damaged`` pictures come first; ``gone``: it was pulled out; ``taken``: by another program."""

    def __init__(self, manager: "CameraManager", name: str) -> None:
        self.id, self.controls = name, fake_controls.raspberry_pi()
        self.properties: dict[Any, Any] = {}
        self.formats: tuple[str, ...] = ("XRGB8888", "NV12")
        self.orientations = tuple(Orientation)[:4]
        self.taken = self.gone = self.out_of_memory = self.full_range = False
        self.damaged = 0
        self.descriptors: list[int] = []
        self.in_force: dict[str, Any] = {}
        self.starts = 0
        self._manager, self._held, self._running = manager, False, False
        self._orientation = Orientation.Rotate0

    def acquire(self) -> None:
        """As the binding's."""
        if self.taken or self._held:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        self._held = True

    def release(self) -> None:
        """As the binding's."""
        self._held = False
        while self.descriptors:
            os.close(self.descriptors.pop())

    def generate_configuration(self, roles: list[StreamRole]) -> CameraConfiguration:
        """As the binding's."""
        assert roles == [StreamRole.VideoRecording]
        return CameraConfiguration(self.formats, self.orientations, full_range=self.full_range)

    def configure(self, config: CameraConfiguration) -> None:
        """As the binding's."""
        assert self._held
        self._orientation = config.orientation

    def create_request(self, cookie: int = 0) -> Request:
        """As the binding's."""
        return Request(cookie)

    def start(self, controls: dict[Any, Any]) -> None:
        """As the binding's."""
        self.in_force = {control.name: info.default for control, info in self.controls.items()}
        self.in_force |= {control.name: value for control, value in controls.items()}
        self._running, self.starts = True, self.starts + 1

    def stop(self) -> None:
        """As the binding's."""
        self._running = False

    def queue_request(self, request: Request) -> None:
        """As the binding's; the picture is there at once."""
        assert self._running
        if self.gone:
            request.status = Request.Status.Cancelled
            self._manager.finish(request)
            return
        self.in_force |= request.asked
        (buffer,) = request.buffers.values()
        buffer.metadata.status = FrameMetadata.Status.Error if self.damaged else FrameMetadata.Status.Success
        self.damaged = max(0, self.damaged - 1)
        buffer.metadata.timestamp = time.monotonic_ns()
        self._expose(buffer)
        told = ("ExposureTime", "AnalogueGain")
        request.metadata = {item: self.in_force[item.name] for item in self.controls if item.name in told}
        request.status = Request.Status.Complete
        self._manager.finish(request)

    def _expose(self, buffer: FrameBuffer) -> None:
        """Luma 20 + 1 for each millisecond and gain on one side, twice the latter on the other."""
        light = min(100.0, self.in_force["ExposureTime"] / 1000 * self.in_force["AnalogueGain"])
        plane, *chroma = buffer.planes
        with mmap.mmap(plane.fd, os.fstat(plane.fd).st_size) as memory:
            pixels = np.frombuffer(memory, np.uint8)
            luma = pixels[: plane.length].reshape(-1, _PADDING * 2)
            mirrored = self._orientation in (Orientation.Rotate0Mirror, Orientation.Rotate180)
            luma[:, :_PADDING] = 20 + light * (1 if mirrored else 2)
            luma[:, _PADDING:] = 20 + light * (2 if mirrored else 1)
            for other in chroma:
                pixels[other.offset : other.offset + other.length] = 128
            del luma, pixels


class CameraManager:
    """As the binding's."""

    version = "v0.7.2-fake"

    def __init__(self, names: tuple[str, ...]) -> None:
        self.event_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.cameras = [Camera(self, name) for name in names]
        self._finished: deque[Request] = deque()

    def get_ready_requests(self) -> list[Request]:
        """As the binding's."""
        os.eventfd_read(self.event_fd)
        return [self._finished.popleft() for _ in range(len(self._finished))]

    def finish(self, request: Request) -> None:
        """Not the binding's: ``request`` is ready."""
        self._finished.append(request)
        os.eventfd_write(self.event_fd, 1)


class FakeLibcamera:
    """The module ``libcamera``, with cameras of the ``names``; ``cameras`` are the fakes themselves."""

    controls = fake_controls.CONTROLS
    StreamRole, Orientation, PixelFormat, Size, ColorSpace = StreamRole, Orientation, PixelFormat, Size, ColorSpace
    StreamConfiguration, CameraConfiguration = StreamConfiguration, CameraConfiguration
    FrameBuffer, FrameBufferAllocator, FrameMetadata = FrameBuffer, FrameBufferAllocator, FrameMetadata
    Request, Camera, ControlInfo = Request, Camera, ControlInfo

    def __init__(self, *names: str) -> None:
        self._manager = CameraManager(names or ("/base/soc/i2c0mux/i2c@1/imx708@1a",))
        self.cameras = self._manager.cameras
        self.CameraManager = SimpleNamespace(singleton=lambda: self._manager, version=CameraManager.version)
