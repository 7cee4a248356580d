"""One camera of libcamera in this process: what it offers, what is wanted of it, and who has it.

libcamera keeps no settings: controls go along with the requests for pictures. So what is wanted is kept here, given to
each stream when it begins, and to a running one with its next request.
"""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from eyespot.hal.libcamera.address import wanted_camera
from eyespot.hal.libcamera.binding import load
from eyespot.hal.libcamera.library import Library
from eyespot.kernel.errors import unavailable

UPRIGHT = "Rotate0"
ORIENTATIONS = (UPRIGHT, "Rotate0Mirror", "Rotate180", "Rotate180Mirror")
"""Names of the binding's orientations that can be asked for here: all that leave width and height as they are."""
_HANDOVER_S = 5.0
"""How long a new stream waits for the one before it to end."""


@dataclass(frozen=True, slots=True)
class Info:
    """One control as a camera offers it: the binding's ``ControlId`` and what its ``ControlInfo`` says.

    Attributes:
        values: the numbers it may hold; empty where low and high say it.
    """

    id: Any
    low: Any
    high: Any
    default: Any
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a camera offers: controls by libcamera's names, and orientations that it can give."""

    controls: dict[str, Info]
    orientations: tuple[str, ...]


class Camera:
    """Kept for as long as the process lives; used by several threads."""

    def __init__(self, library: Library, name: str) -> None:
        self.library = library
        self.name = name
        self._lock = threading.Lock()
        self._holder = threading.Lock()
        self._offer: Offer | None = None
        self._wanted: dict[str, Any] = {}
        self._due: dict[str, Any] = {}
        self._told: dict[str, Any] = {}
        self._orientation = UPRIGHT
        self._half_turn = False

    def offer(self) -> Offer:
        """What it offers; a camera that is not in use is taken for a moment to ask.

        Raises ``UNAVAILABLE`` when another program has it.
        """
        with self._lock:
            known = self._offer
        if known is not None:
            return known
        with self.held() as device:
            return self.configure(device, configuration(self.library.binding, device))

    def configure(self, device: Any, config: Any) -> Offer:
        """Configure ``device``, and read what it offers then: limits depend on its mode."""
        orientations = _orientations(self.library.binding, config)
        call("be configured", self.name, device.configure, config)
        offer = Offer({cid.name: _info(cid, info) for cid, info in device.controls.items()}, orientations)
        with self._lock:
            self._offer = offer
        return offer

    def want(self, values: Mapping[str, Any], instead_of: Collection[str] = ()) -> None:
        """Controls to hold from now on, by libcamera's names; those of ``instead_of`` are wanted no more."""
        with self._lock:
            for name in instead_of:
                self._wanted.pop(name, None)
                self._due.pop(name, None)
            self._wanted |= values
            self._due |= values
            for name in values:
                self._told.pop(name, None)

    def turn(self, orientation: str, *, half_turn: bool) -> None:
        """How pictures shall lie in memory; a running stream is configured anew. ``half_turn``: as it was asked for."""
        with self._lock:
            self._orientation, self._half_turn = orientation, half_turn

    @property
    def half_turn(self) -> bool:
        """Whether half a turn is a part of ``orientation``, and not two flips."""
        with self._lock:
            return self._half_turn

    @property
    def orientation(self) -> str:
        """How pictures shall lie in memory, one of ``ORIENTATIONS``."""
        with self._lock:
            return self._orientation

    def state(self) -> dict[str, Any]:
        """By name: what the last picture was taken with, and what is wanted where pictures do not tell."""
        with self._lock:
            return {**self._wanted, **self._told}

    def expected(self) -> dict[str, Any]:
        """As ``state``, what is wanted first: pictures that were under way then tell what was before."""
        with self._lock:
            return {**self._told, **self._wanted}

    def tell(self, metadata: Mapping[str, Any]) -> None:
        """What a picture was taken with."""
        with self._lock:
            self._told |= metadata

    def all_wanted(self) -> dict[str, Any]:
        """Everything wanted, for a stream that begins; nothing is due then."""
        with self._lock:
            self._due.clear()
            return dict(self._wanted)

    def due(self) -> dict[str, Any]:
        """What is to go along with the next request, once."""
        with self._lock:
            due, self._due = self._due, {}
            return due

    @contextmanager
    def held(self) -> Iterator[Any]:
        """libcamera's camera, acquired; one at a time in this process, which waits for the one before to end.

        Raises ``UNAVAILABLE`` when somebody else has it or it is gone.
        """
        if not self._holder.acquire(timeout=_HANDOVER_S):
            raise unavailable(f"{self.name} is in use by another stream of this camera host.", "Name it in one stream.")
        try:
            device = self.library.device(self.name)
            call("be taken", self.name, device.acquire)
            try:
                yield device
            finally:
                with self._lock:
                    self._told.clear()
                call("be let go", self.name, device.release)
        finally:
            self._holder.release()


def configuration(binding: Any, device: Any) -> Any:
    """The camera's own configuration for video; raises ``UNAVAILABLE`` where it has none."""
    config = device.generate_configuration([binding.StreamRole.VideoRecording])
    if config is None or config.size == 0:
        raise unavailable(f"{device.id} offers no pictures for video.", "`cam -l` and `cam -c 1 -I` say what it has.")
    return config


def call(what: str, name: str, function: Any, *arguments: Any) -> Any:
    """``function(*arguments)``; what the binding raises becomes ``UNAVAILABLE``: the camera cannot ``what``."""
    try:
        return function(*arguments)
    except RuntimeError as error:  # how the binding passes on every error of libcamera
        raise unavailable(
            f"{name} cannot {what}: {error}.", "Check that no other program uses it, and that it is plugged in."
        ) from error


class Cameras:
    """The cameras of one library, each the same object for whoever asks."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._lock = threading.Lock()
        self._known: dict[str, Camera] = {}

    def get(self, source: str) -> Camera:
        """The camera that ``source`` names; raises ``INVALID`` for no name, ``UNAVAILABLE`` while it is not there."""
        name = self.library.device(wanted_camera(source)).id
        with self._lock:
            return self._known.setdefault(name, Camera(self.library, name))


_opening = threading.Lock()
_ours: list[Cameras] = []


def cameras() -> Cameras:
    """This process's cameras; libcamera is started at the first call. Raises ``UNAVAILABLE`` where it is not."""
    with _opening:
        if not _ours:
            _ours.append(Cameras(Library(load())))
        return _ours[0]


def _info(cid: Any, info: Any) -> Info:
    return Info(cid, info.min, info.max, info.default, tuple(info.values))


def _orientations(binding: Any, config: Any) -> tuple[str, ...]:
    """Which of ``ORIENTATIONS`` the camera gives when asked, ``config`` left as it was."""
    if not hasattr(binding, "Orientation"):
        return (UPRIGHT,)
    before = config.orientation
    given = []
    for name in ORIENTATIONS:
        wanted = getattr(binding.Orientation, name)
        config.orientation = wanted
        status = config.validate()
        if status != binding.CameraConfiguration.Status.Invalid and config.orientation == wanted:
            given.append(name)
    config.orientation = before
    config.validate()
    return tuple(given)
