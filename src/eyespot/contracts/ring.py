"""Frames in shared memory: the layout of a ring, one memory file (memfd) a view. Version 1.

All numbers are little-endian; every 8-byte field lies on a multiple of 8. The file is

    header      HEADER_BYTES (4096)
    slot 0      SLOT_HEADER_BYTES (256), then the object table, then pixels
    slot 1 …    each ``slot_bytes`` after the one before; ``slots`` of them

Frame number ``seq`` counts from 1 and lies in slot ``(seq - 1) % slots``. While the writer fills a slot, the slot's
``sequence`` is ``2 * seq - 1`` (odd); when it is done, ``2 * seq``. A reader looks at the sequence, uses the slot,
looks again, and throws away what it read unless both were ``2 * seq`` (a sequence lock, as the Linux kernel's
``seqlock``). The reader never writes, so it can hold nobody up.

What is in a slot is defined by ``SLOT_HEADER``, in the order of ``SLOT_FIELDS``; ``docs/guide/frames.md`` explains each
field to someone who has no Python.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

from eyespot.contracts.view import Form, PixelFormat, View
from eyespot.kernel.errors import EyespotError, Kind, corrupt, invalid

MAGIC: Final = b"EYESRING"
VERSION: Final = 1
HEADER_BYTES: Final = 4096
SLOT_HEADER_BYTES: Final = 256
OBJECT_BYTES: Final = 64

MIN_SLOTS, MAX_SLOTS = 2, 64
MAX_OBJECTS: Final = 64
"""Most entries of a slot's object table; the surest are kept."""
MAX_RING_BYTES: Final = 512 << 20
PAGE_BYTES: Final = 4096

HEADER = struct.Struct("<8sIIIIQIIIIIIIIddddd64s64s")
HEADER_FIELDS = (
    "magic", "version", "header_bytes", "slot_header_bytes", "slots", "slot_bytes", "objects_offset", "max_objects",
    "pixels_offset", "pixel_bytes", "form", "pixels", "width_px", "height_px", "rate_hz", "left", "top", "right",
    "bottom", "camera", "stream",
)  # fmt: skip
"""Written once, before anyone gets the ring. Offsets count from the beginning of a slot; ``pixel_bytes``, ``width_px``
and ``height_px`` are 0 for the forms without pixels; texts are UTF-8, filled up with zeros."""
NEWEST_OFFSET: Final = 512
"""u64: ``seq`` of the newest whole frame, 0 before the first. With the next, all that changes in the header."""
CLOSED_OFFSET: Final = 520
"""u64: not 0 once the writer has ended for good: no frame follows."""

SLOT_HEADER = struct.Struct("<QQqqqqIIIIIIiIIIII")
SLOT_FIELDS = (
    "sequence", "seq", "capture_ns", "wall_ns", "written_ns", "tracks_ns", "width_px", "height_px", "row_bytes",
    "pixel_bytes", "flags", "degrees", "lens", "objects_seen", "objects", "source_width_px", "source_height_px",
    "reserved",
)  # fmt: skip
"""
- ``sequence``, ``seq``: see above.
- ``capture_ns``, ``wall_ns``: when the picture was taken, monotonic (CLOCK_MONOTONIC of the host) and since 1970.
- ``written_ns``: monotonic time when the slot was done.
- ``tracks_ns``: capture time of the tracks that the objects come from; 0: none were known.
- ``width_px``, ``height_px``, ``row_bytes``, ``pixel_bytes``: of the pixels; all 0 for the forms without.
- ``flags``: bits of ``FLAG_*``. ``degrees``: 0, 90, 180 or 270, see ``contracts.lens.Orientation``.
- ``lens``: which of the camera's lenses, from 0; -1: not known.
- ``objects_seen``: tracked objects within the view; ``objects``: entries of the table, never more than ``max_objects``.
- ``source_width_px``, ``source_height_px``: of the picture that the view was cut from; 0 where none was decoded.
"""
FLAG_FLIP_HORIZONTAL, FLAG_FLIP_VERTICAL, FLAG_KEY = 1, 2, 4
"""How the sensor's picture was flipped to be upright; whether it was a key picture of the stream."""

OBJECT = struct.Struct("<IfffffHHHH24s8x")
OBJECT_FIELDS = (
    "track", "score", "x1", "y1", "x2", "y2", "crop_left", "crop_top", "crop_right", "crop_bottom", "label",
)  # fmt: skip
"""
- ``track``: its number, unique within one camera and one run of its vision process.
- ``x1`` to ``y2``: its box in fractions of the view's region, clipped to it.
- ``crop_left`` to ``crop_bottom``: where its crop lies in the pixels; all 0 for boxes.
- ``label``: UTF-8, filled up with zeros.
"""

FORM_CODES: dict[Form, int] = {"full": 1, "crops": 2, "silhouette": 3, "boxes": 4, "metadata": 5}
PIXEL_CODES: dict[PixelFormat, int] = {"rgb": 1, "nv12": 2, "grey": 3}
NO_PIXELS: Final = 0
"""In place of a pixel code."""


@dataclass(frozen=True, slots=True)
class RingLayout:
    """Where things lie in one ring. Offsets of objects and pixels count from the beginning of a slot."""

    slots: int
    slot_bytes: int
    max_objects: int
    pixels_offset: int
    pixel_bytes: int

    @property
    def total_bytes(self) -> int:
        """Size of the whole memory file."""
        return HEADER_BYTES + self.slots * self.slot_bytes

    def slot_offset(self, seq: int) -> int:
        """Where the slot of frame ``seq`` (from 1) begins in the file."""
        return HEADER_BYTES + (seq - 1) % self.slots * self.slot_bytes


def layout_of(view: View, slots: int) -> RingLayout:
    """The layout of a ring for ``view``; slots begin on pages.

    Raises:
        EyespotError: ``INVALID`` on a number of slots out of bounds, ``TOO_LARGE`` beyond ``MAX_RING_BYTES``.
    """
    if not MIN_SLOTS <= slots <= MAX_SLOTS:
        raise invalid(f"A ring of {slots} slots cannot be made.", f"Choose {MIN_SLOTS} to {MAX_SLOTS}.")
    max_objects = MAX_OBJECTS if view.form in ("crops", "boxes") else 0
    pixels_offset = SLOT_HEADER_BYTES + max_objects * OBJECT_BYTES
    slot_bytes = -(-(pixels_offset + view.pixel_bytes) // PAGE_BYTES) * PAGE_BYTES
    layout = RingLayout(slots, slot_bytes, max_objects, pixels_offset, view.pixel_bytes)
    if layout.total_bytes > MAX_RING_BYTES:
        raise EyespotError(
            Kind.TOO_LARGE,
            f"{slots} frames of {view.width_px}x{view.height_px} {view.pixels} take {layout.total_bytes} bytes.",
            f"At most {MAX_RING_BYTES} are allowed: ask for smaller frames.",
        )
    return layout


def header_bytes(view: View, layout: RingLayout) -> bytes:
    """The fixed part of a ring's header."""
    with_pixels = view.has_pixels
    return HEADER.pack(
        MAGIC, VERSION, HEADER_BYTES, SLOT_HEADER_BYTES, layout.slots, layout.slot_bytes, SLOT_HEADER_BYTES,
        layout.max_objects, layout.pixels_offset, layout.pixel_bytes, FORM_CODES[view.form],
        PIXEL_CODES[view.pixels] if with_pixels else NO_PIXELS, view.width_px if with_pixels else 0,
        view.height_px if with_pixels else 0, view.rate_hz, *view.region, view.camera.encode(), view.stream.encode(),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RingHeader:
    """A ring's header as read; ``view`` lacks the labels, which a ring does not carry."""

    layout: RingLayout
    view: View


def parse_header(data: bytes, file_bytes: int) -> RingHeader:
    """The header in the first bytes of a ring's file of ``file_bytes``; raises ``CORRUPT`` when it is not one."""
    if len(data) < HEADER.size or data[:8] != MAGIC:
        raise corrupt("This is no ring of frames.", "Check which descriptor was handed over.")
    named = dict(zip(HEADER_FIELDS, HEADER.unpack_from(data), strict=True))
    sizes = named["version"], named["header_bytes"], named["slot_header_bytes"], named["objects_offset"]
    if sizes != (VERSION, HEADER_BYTES, SLOT_HEADER_BYTES, SLOT_HEADER_BYTES):
        raise corrupt(f"A ring of version {named['version']}; this program reads {VERSION}.", "Update the older side.")
    try:
        view = _view(named)
    except (KeyError, ValueError) as error:
        raise corrupt(f"A ring's header does not parse: {error}.") from error
    found = RingLayout(*(named[key] for key in ("slots", "slot_bytes", "max_objects", "pixels_offset", "pixel_bytes")))
    if found != layout_of(view, found.slots) or found.total_bytes != file_bytes:
        raise corrupt("A ring's header contradicts itself or the size of its file.")
    return RingHeader(found, view)


def _view(named: dict[str, Any]) -> View:
    forms = {code: form for form, code in FORM_CODES.items()}
    pixels = {code: name for name, code in PIXEL_CODES.items()}
    document = {
        "camera": named["camera"].rstrip(b"\0").decode(),
        "stream": named["stream"].rstrip(b"\0").decode(),
        "form": forms[named["form"]],
        "rate_hz": named["rate_hz"],
        "region": [named[side] for side in ("left", "top", "right", "bottom")],
    }
    if named["pixels"] != NO_PIXELS:
        document |= {"pixels": pixels[named["pixels"]], **{key: named[key] for key in ("width_px", "height_px")}}
    return View.model_validate(document)
