"""Everything the board has, one look after another; each look is bounded in time, and one that fails says so."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from eyespot.hal.accelerators.chooser import known
from eyespot.hal.accelerators.contract import presence_of
from eyespot.hal.accelerators.guard import Guarded
from eyespot.hal.accelerators.plugins import installed_plugins
from eyespot.hal.board.codecs import LIMIT_S as CODEC_LIMIT_S
from eyespot.hal.board.codecs import MAX_STARTS, look_for_codecs
from eyespot.hal.board.cpu import Board, read_board
from eyespot.hal.board.devices import look_for_cameras, look_for_gpio, look_for_image_processors
from eyespot.hal.board.item import Item
from eyespot.hal.board.libcamera import look_for_libcamera
from eyespot.hal.board.nodes import look_for_chips, look_for_key_stores
from eyespot.hal.board.roots import Roots, text
from eyespot.hal.board.thermal import look_for_thermal_zones
from eyespot.hal.libcamera.listing import LIMIT_S as LIBCAMERA_LIMIT_S

LIMIT_S = 5.0
"""A look that takes longer is given up."""
Look = Callable[[Roots], Iterator[Item]]
ABSENT = {
    "gpu": "none found",
    "npu": "none found",
    "isp": "no media controller",
    "sensor": "no V4L2 camera and no libcamera; network cameras and files need none",
    "gpio": "no GPIO chip: relays and inputs need one",
    "key store": "no TPM and no OP-TEE: keys are files on the disk",
    "thermal": "the kernel shows no temperatures",
}
"""Kinds of hardware that a person looks for, and what it means that there is none."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The board at this moment.

    Attributes:
        model: the machine's own name, empty where it has none.
        board: processor, memory, usable accelerators.
        items: everything found, by kind, in the order of looking.
    """

    model: str
    board: Board
    items: tuple[Item, ...]

    def of(self, kind: str) -> tuple[Item, ...]:
        """The items of one kind."""
        return tuple(item for item in self.items if item.kind == kind)


def survey(roots: Roots | None = None, *, codecs: bool = True) -> Survey:
    """Look at everything below ``roots``; ``codecs`` also tries libav's hardware codecs (a few seconds)."""
    roots = roots or Roots()
    looks = [*_LOOKS, *([(look_for_codecs, MAX_STARTS * CODEC_LIMIT_S)] if codecs else [])]
    items = [item for look, limit_s in looks for item in bounded(look, roots, limit_s)]
    found = {item.kind for item in items}
    items += [Item(kind, "none", False, what) for kind, what in ABSENT.items() if kind not in found]
    board = read_board(roots.proc / "cpuinfo", roots.proc / "meminfo")
    return Survey(_model(roots), board, tuple(items))


def bounded(look: Look, roots: Roots, limit_s: float = LIMIT_S) -> list[Item]:
    """What ``look`` found within the limit; its failure or lateness as one more item. Never raises."""
    items: list[Item] = []
    problems: list[Any] = []
    kind = look.__name__.removeprefix("look_for_").replace("_", " ")

    def work() -> None:
        try:
            for item in look(roots):
                items.append(item)
        except Exception as error:  # noqa: BLE001 - hardware and its drivers fail in every way; the rest is still told
            problems.append(error)

    thread = threading.Thread(target=work, name=f"look-{kind}", daemon=True)
    thread.start()
    thread.join(limit_s)
    if thread.is_alive():
        return [*items, Item(kind, "look", False, f"did not answer within {limit_s:g} s", "A driver may hang.")]
    return [*items, *(Item(kind, "look", False, f"failed: {error}") for error in problems)]


def look_for_runtimes(_: Roots) -> Iterator[Item]:
    """Every accelerator the program knows, and plug-ins that are broken."""
    for accelerator in known():
        found = presence_of(accelerator)
        origin = f"plug-in {accelerator.origin}" if isinstance(accelerator, Guarded) else ""
        version = f"version {found.version}" if found.version else ""
        what = ", ".join(part for part in (origin, version if found.usable else found.why_not) if part)
        yield Item("runtime", accelerator.name, found.usable, what, found.todo, found.tested)
    for plugin in installed_plugins():
        if plugin.wrong:
            todo = f"Update or remove {plugin.origin}."
            yield Item("runtime", plugin.entry, False, f"plug-in of {plugin.origin}: {plugin.wrong}", todo)


def _model(roots: Roots) -> str:
    """The board's name from the device tree, or the maker's and product's from DMI."""
    tree = text(roots.proc / "device-tree/model", 256)
    if tree:
        return tree
    folder = roots.sys / "class/dmi/id"
    return " ".join(part for part in (text(folder / "sys_vendor", 128), text(folder / "product_name", 128)) if part)


_LOOKS: tuple[tuple[Look, float], ...] = (
    (look_for_runtimes, 30.0),
    (look_for_chips, LIMIT_S),
    (look_for_image_processors, LIMIT_S),
    (look_for_cameras, LIMIT_S),
    (look_for_libcamera, LIBCAMERA_LIMIT_S + 1.0),
    (look_for_gpio, LIMIT_S),
    (look_for_key_stores, LIMIT_S),
    (look_for_thermal_zones, LIMIT_S),
)
