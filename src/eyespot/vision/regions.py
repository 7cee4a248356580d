"""Regions: which parts of the picture the detector should see on their own, because objects there are far away.

The whole picture shrunk to the model's input leaves a far person a few pixels high; a square cut around motion shows
the same person several times larger. Pure geometry; how often regions are run is the pipeline's decision.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import Field

from eyespot.kernel.config import Settings

Box = tuple[float, float, float, float]


class RegionSettings(Settings):
    """When regions are worth their inference, and how many."""

    small_px: float = Field(default=28.0, gt=0, le=1000)
    """Objects lower than this in the model's input are too small to be found reliably in the whole picture."""
    good_px: float = Field(default=80.0, gt=0, le=1000)
    """A region is chosen so small that its objects are about this high in the model's input."""
    most_zoom: float = Field(default=2.0, ge=1, le=8)
    """Model pixels per picture pixel at most: more shows nothing new."""
    max_regions: int = Field(default=2, ge=0, le=16)


@dataclass(frozen=True, slots=True)
class _Wish:
    """One far object: its centre and its size in pixels of the picture, and the side of the region it wants."""

    x: float
    y: float
    width: float
    height: float
    side: float


def plan(
    boxes: Iterable[Box], picture_px: tuple[int, int], input_px: tuple[int, int], settings: RegionSettings | None = None
) -> tuple[Box, ...]:
    """Regions to run the detector on besides the whole picture, those that hold most objects first.

    Args:
        boxes: tracks and motion boxes, ``x1 y1 x2 y2`` in fractions of the picture.
        picture_px: width and height of the picture.
        input_px: width and height of the model's input.

    Returns:
        At most ``max_regions`` boxes in fractions, square in pixels as far as the picture allows; empty when the
        whole picture shows everything large enough, or when no region would show it any larger.
    """
    settings = settings or RegionSettings()
    width, height = picture_px
    wishes = [wish for box in boxes if (wish := _wish(box, picture_px, input_px, settings))]
    regions: list[Box] = []
    while wishes and len(regions) < settings.max_regions:
        held, region = max((_around(wish, wishes, width, height) for wish in wishes), key=lambda pair: len(pair[0]))
        regions.append(region)
        wishes = [wish for wish in wishes if wish not in held]
    return tuple(regions)


def _wish(box: Box, picture_px: tuple[int, int], input_px: tuple[int, int], settings: RegionSettings) -> _Wish | None:
    width, height = picture_px
    box_width, box_height = (box[2] - box[0]) * width, (box[3] - box[1]) * height
    if box_width <= 0.0 or box_height <= 0.0:
        return None
    shown_px = (box[3] - box[1]) * input_px[1]
    if shown_px >= settings.small_px:
        return None
    least_px = max(input_px) / settings.most_zoom
    side = max(least_px, box_height * input_px[1] / settings.good_px, 1.5 * box_width, 1.5 * box_height)
    if side >= 0.75 * min(width, height):
        return None
    return _Wish((box[0] + box[2]) / 2 * width, (box[1] + box[3]) / 2 * height, box_width, box_height, side)


def _around(centre: _Wish, wishes: list[_Wish], width: int, height: int) -> tuple[list[_Wish], Box]:
    """The region around ``centre``, moved towards its neighbours as long as all stay inside; and what it holds."""
    side = centre.side
    held = [centre]
    x1, y1, x2, y2 = _edges(centre)
    for wish in sorted(wishes, key=lambda other: abs(other.x - centre.x) + abs(other.y - centre.y)):
        if wish is centre:
            continue
        a1, b1, a2, b2 = _edges(wish)
        grown = min(x1, a1), min(y1, b1), max(x2, a2), max(y2, b2)
        if grown[2] - grown[0] <= side and grown[3] - grown[1] <= side:
            x1, y1, x2, y2 = grown
            held.append(wish)
    left = min(max(0.0, (x1 + x2 - side) / 2), max(0.0, width - side))
    top = min(max(0.0, (y1 + y2 - side) / 2), max(0.0, height - side))
    return held, (left / width, top / height, min(1.0, (left + side) / width), min(1.0, (top + side) / height))


def _edges(wish: _Wish) -> Box:
    """The object's box in pixels with a tenth of margin."""
    half_width, half_height = wish.width * 0.6, wish.height * 0.6
    return wish.x - half_width, wish.y - half_height, wish.x + half_width, wish.y + half_height
