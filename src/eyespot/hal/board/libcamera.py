"""libcamera's cameras, or why there are none; nothing is told where no part of it is installed."""

from collections.abc import Callable, Iterator

from eyespot.hal.board.item import Item
from eyespot.hal.board.roots import Roots
from eyespot.hal.libcamera.listing import Listing, listed


def look_for_libcamera(_: Roots, look: Callable[[], Listing] = listed) -> Iterator[Item]:
    """One item a camera."""
    found = look()
    if not found.here:
        return
    if found.wrong:
        yield Item("sensor", "libcamera", False, found.wrong, found.todo)
        return
    if not found.cameras:
        yield Item("sensor", "libcamera", False, f"{found.version} finds no camera")
    for number, name in enumerate(found.cameras):
        todo = f'Use it with source = "libcamera:{number}".'
        yield Item("sensor", f"libcamera:{number}", True, f"camera {name} ({found.version})", todo, tested=False)
