"""What one slot of a ring says beside its pixels, as values: the frame's stamp and the objects in it."""

from dataclasses import dataclass
from typing import Final

from eyespot.contracts.lens import Orientation
from eyespot.contracts.ring import FLAG_FLIP_HORIZONTAL, FLAG_FLIP_VERTICAL, FLAG_KEY, OBJECT
from eyespot.contracts.view import MAX_LABEL_BYTES

UNKNOWN_LENS: Final = -1
_PLAIN = Orientation()


@dataclass(frozen=True, slots=True)
class Stamp:
    """Everything about a frame but its pixels and objects; units and meanings are those of ``ring.SLOT_FIELDS``."""

    capture_ns: int
    wall_ns: int
    tracks_ns: int = 0
    orientation: Orientation = _PLAIN
    is_key: bool = False
    lens: int = UNKNOWN_LENS
    objects_seen: int = 0
    source_px: tuple[int, int] = (0, 0)

    @property
    def flags(self) -> int:
        """The bits of ``ring.FLAG_*``."""
        turned = self.orientation
        return (
            (FLAG_FLIP_HORIZONTAL if turned.flip_horizontal else 0)
            | (FLAG_FLIP_VERTICAL if turned.flip_vertical else 0)
            | (FLAG_KEY if self.is_key else 0)
        )


def orientation_of(flags: int, degrees: int) -> Orientation:
    """The orientation in a slot's ``flags`` and ``degrees``; as it is where ``degrees`` is not one of the four."""
    flips = bool(flags & FLAG_FLIP_HORIZONTAL), bool(flags & FLAG_FLIP_VERTICAL)
    if degrees == 90:
        return Orientation(*flips, 90)
    if degrees == 180:
        return Orientation(*flips, 180)
    if degrees == 270:
        return Orientation(*flips, 270)
    return Orientation(*flips)


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One tracked object in a view.

    Attributes:
        box: ``x1 y1 x2 y2`` in fractions of the view's region, clipped to it.
        crop: ``left top right bottom`` of its crop in pixels of the frame; all 0 when there is none.
    """

    track: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)

    def pack(self) -> bytes:
        """The table entry; a label that is too long is cut at a whole character."""
        label = self.label.encode()[:MAX_LABEL_BYTES].decode(errors="ignore").encode()
        return OBJECT.pack(self.track & 0xFFFF_FFFF, self.score, *self.box, *self.crop, label)

    @classmethod
    def unpack(cls, entry: bytes) -> "SeenObject":
        """The object in a table entry."""
        track, score, x1, y1, x2, y2, left, top, right, bottom, label = OBJECT.unpack(entry)
        text = label.rstrip(b"\0").decode(errors="replace")
        return cls(track, text, score, (x1, y1, x2, y2), (left, top, right, bottom))
