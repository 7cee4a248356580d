"""A running stream of a camera: requests go round, each finished one is a picture and takes what is due along.

Everything here blocks: call it from a thread.
"""

import queue
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from av.video.frame import VideoFrame

from eyespot.hal.libcamera.buffers import Allocate, MappedBuffer, allocate
from eyespot.hal.libcamera.camera import Camera, call, configuration
from eyespot.hal.libcamera.library import cookie, index_of
from eyespot.hal.sensors.libcamera_layouts import LAYOUTS, Shape, to_frame
from eyespot.kernel.errors import unavailable

_WAIT_S = 0.2
_US_PER_S = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wished of a stream; None: as the camera likes."""

    width_px: int | None = None
    height_px: int | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture; ``captured_ns`` counts on the camera's own clock."""

    frame: VideoFrame
    captured_ns: int


class Capture:
    """The pictures of one camera.

    Attributes:
        pixel_format: libcamera's name of what the camera gives; empty before the first picture.
        failed: pictures that libcamera said were damaged.
    """

    def __init__(self, camera: Camera, wish: Wish, allocate: Allocate = allocate) -> None:
        self._camera, self._wish, self._allocate = camera, wish, allocate
        self._binding = camera.library.binding
        self.pixel_format = ""
        self.failed = 0

    def pictures(self, stopping: Callable[[], bool]) -> Iterator[Picture]:
        """Take the camera and yield its pictures until ``stopping``.

        Raises ``UNAVAILABLE`` when somebody has it, it is lost, or gives nothing that can be used.
        """
        with self._camera.held() as device:
            while not stopping():
                yield from self._run(device, stopping)

    def _run(self, device: Any, stopping: Callable[[], bool]) -> Iterator[Picture]:
        """Pictures until stopping, or until another orientation is wanted."""
        orientation = self._camera.orientation
        config, shape = self._configured(device, orientation)
        stream = config.at(0).stream
        with ExitStack() as stack:
            buffers = []
            for buffer in self._allocate(self._binding, device, stream):
                buffers.append(MappedBuffer(buffer))
                stack.callback(buffers[-1].close)
            finished = stack.enter_context(self._started(device, stream, buffers))
            while not stopping() and self._camera.orientation == orientation:
                try:
                    request = finished.get(timeout=_WAIT_S)
                except queue.Empty:
                    continue
                picture = self._taken(request, stream, buffers, shape)
                self._queue_again(device, request)
                if picture is not None:
                    yield picture

    def _configured(self, device: Any, orientation: str) -> tuple[Any, Shape]:
        """The configuration that the camera accepted, and how its pictures lie in memory."""
        config = configuration(self._binding, device)
        wanted = config.at(0)
        offered = {str(name) for name in wanted.formats.pixel_formats}
        best = next((name for name in LAYOUTS if name in offered), None)
        if best is not None:
            wanted.pixel_format = self._binding.PixelFormat(best)
        if self._wish.width_px and self._wish.height_px:
            wanted.size = self._binding.Size(self._wish.width_px, self._wish.height_px)
        wanted.color_space = self._binding.ColorSpace.Rec709()
        if hasattr(self._binding, "Orientation"):
            config.orientation = getattr(self._binding.Orientation, orientation)
        if config.validate() == self._binding.CameraConfiguration.Status.Invalid:
            raise unavailable(f"{device.id} takes no configuration for video.", "Leave out width_px and height_px.")
        self._camera.configure(device, config)
        name, space = str(wanted.pixel_format), wanted.color_space
        if name not in LAYOUTS:
            raise unavailable(
                f"{device.id} gives pictures as {name} alone.", f"Eyespot reads {', '.join(LAYOUTS)} from libcamera."
            )
        self.pixel_format = name
        full = space is not None and space.range == self._binding.ColorSpace.Range.Full
        return config, Shape(LAYOUTS[name], wanted.size.width, wanted.size.height, wanted.stride, full)

    @contextmanager
    def _started(self, device: Any, stream: Any, buffers: list[MappedBuffer]) -> Iterator["queue.Queue[Any]"]:
        """Every buffer under way in a request of its own; stopped at the end."""
        number, finished = self._camera.library.begin(len(buffers))
        try:
            requests = []
            for index, buffer in enumerate(buffers):
                request = call("make requests", device.id, device.create_request, cookie(number, index))
                call("use its buffers", device.id, request.add_buffer, stream, buffer.buffer)
                requests.append(request)
            controls = {**self._camera.all_wanted(), **self._rate()}
            call("be started", device.id, device.start, self._by_id(controls))
            try:
                for request in requests:
                    call("take requests", device.id, device.queue_request, request)
                yield finished
            finally:
                call("be stopped", device.id, device.stop)
        finally:
            self._camera.library.end(number)

    def _rate(self) -> dict[str, Any]:
        if not self._wish.fps:
            return {}
        frame_us = round(_US_PER_S / self._wish.fps)
        return {"FrameDurationLimits": (frame_us, frame_us)}

    def _by_id(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Those of ``values`` that the camera has, by the binding's ``ControlId``."""
        offered = self._camera.offer().controls
        return {offered[name].id: value for name, value in values.items() if name in offered}

    def _taken(self, request: Any, stream: Any, buffers: list[MappedBuffer], shape: Shape) -> Picture | None:
        """The picture of a finished request, None when damaged; raises ``UNAVAILABLE`` when the camera is gone."""
        if request.status != self._binding.Request.Status.Complete:
            raise unavailable(f"{self._camera.name} gives no more pictures.", "Check that it is plugged in.")
        buffer = request.buffers[stream]
        metadata = buffer.metadata
        if metadata.status != self._binding.FrameMetadata.Status.Success:
            self.failed += 1
            return None
        mapped = buffers[index_of(request.cookie)]
        with mapped.planes() as planes:
            frame = to_frame(planes, shape)
            planes.clear()
        self._camera.tell({cid.name: value for cid, value in request.metadata.items()})
        return Picture(frame, int(metadata.timestamp))

    def _queue_again(self, device: Any, request: Any) -> None:
        request.reuse()
        for cid, value in self._by_id(self._camera.due()).items():
            call(f"take {cid.name}", self._camera.name, request.set_control, cid, value)
        call("take requests", self._camera.name, device.queue_request, request)
