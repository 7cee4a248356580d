"""Whether cameras that the configuration takes from libcamera can be had here."""

from collections.abc import Callable, Iterator

from eyespot.edge.config import CameraHostConfig
from eyespot.hal.libcamera.address import is_libcamera, position, wanted_camera
from eyespot.hal.libcamera.listing import Listing, listed
from eyespot.kernel.errors import EyespotError

Problem = tuple[str, str]
"""What is wrong, and what to do."""


def libcamera_problems(config: CameraHostConfig, look: Callable[[], Listing] = listed) -> Iterator[Problem | None]:
    """For each camera of libcamera that is configured its problem, or None; libcamera is left alone where none is."""
    sources = [stream.source for camera in config.enabled_cameras for stream in camera.stream]
    sources = [source for source in sources if is_libcamera(source)]
    if not sources:
        return
    found = look()
    for source in sources:
        try:
            wanted = wanted_camera(source)
        except EyespotError as error:
            yield error.what, error.todo
            continue
        if found.wrong:
            yield f"{source} cannot be used: {found.wrong}.", found.todo
        elif position(wanted, found.cameras) is None:
            there = ", ".join(found.cameras) or "none"
            yield f"libcamera has no camera '{wanted}'.", f"It finds: {there}."
        else:
            yield None
