"""libcamera's camera manager: one a process, whose finished requests are handed to the streams they belong to.

Owns the thread that waits for them. The binding tells of all cameras at one file descriptor, so streams cannot each
wait for their own.
"""

import itertools
import queue
import select
import threading
from typing import Any

from eyespot.hal.libcamera.address import position
from eyespot.kernel.errors import unavailable

_WAIT_MS = 500
_COOKIE_BITS = 16


class Library:
    """The cameras of one binding. ``binding`` is the module ``libcamera``, or a fake in tests.

    Raises ``UNAVAILABLE`` when libcamera does not start.
    """

    def __init__(self, binding: Any) -> None:
        self.binding = binding
        try:
            self._manager = binding.CameraManager.singleton()
        except RuntimeError as error:
            raise unavailable(f"libcamera does not start: {error}.", "`cam -l` says more.") from error
        self._lock = threading.Lock()
        self._streams: dict[int, queue.Queue[Any]] = {}
        self._numbers = itertools.count(1)
        self._thread: threading.Thread | None = None

    @property
    def version(self) -> str:
        """libcamera's own, for example ``v0.7.2``."""
        return str(self.binding.CameraManager.version)

    def names(self) -> list[str]:
        """libcamera's names of the cameras that are there now."""
        return [camera.id for camera in self._manager.cameras]

    def device(self, wanted: str) -> Any:
        """libcamera's camera by number or name; raises ``UNAVAILABLE`` while there is none such."""
        cameras = list(self._manager.cameras)
        names = [camera.id for camera in cameras]
        place = position(wanted, names)
        if place is not None:
            return cameras[place]
        there = ", ".join(names) or "none"
        raise unavailable(f"libcamera has no camera '{wanted}'.", f"It finds: {there}.")

    def begin(self, requests: int) -> tuple[int, "queue.Queue[Any]"]:
        """A new stream with up to ``requests`` requests: its number, for ``cookie``, and where finished ones arrive."""
        with self._lock:
            number = next(self._numbers)
            finished: queue.Queue[Any] = queue.Queue(requests)
            self._streams[number] = finished
            if self._thread is None or not self._thread.is_alive():  # it ends with an error of the binding
                self._thread = threading.Thread(target=self._hand_out, name="libcamera", daemon=True)
                self._thread.start()
        return number, finished

    def end(self, number: int) -> None:
        """Forget the stream; what still arrives for it is dropped."""
        with self._lock:
            del self._streams[number]

    def _hand_out(self) -> None:
        events = select.poll()
        events.register(self._manager.event_fd, select.POLLIN)
        while True:
            ready = events.poll(_WAIT_MS)
            requests = self._manager.get_ready_requests() if ready else []
            with self._lock:
                for request in requests:
                    finished = self._streams.get(request.cookie >> _COOKIE_BITS)
                    if finished is not None:
                        finished.put_nowait(request)  # never full: it holds as many as there are requests
                if not self._streams and not requests:
                    self._thread = None
                    return


def cookie(stream: int, index: int) -> int:
    """The number by which the request ``index`` of ``stream`` finds its way back."""
    return stream << _COOKIE_BITS | index


def index_of(request_cookie: int) -> int:
    """The ``index`` that ``cookie`` was made of."""
    return request_cookie & (1 << _COOKIE_BITS) - 1
