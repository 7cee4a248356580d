"""Detection in fisheye pictures: flat views are cut out for the detector, its boxes are told in the fisheye picture.

Detectors know people and cars as ordinary lenses show them. So a picture of a lens that is not perspective is looked at
in several flat views side by side, and each box becomes the box around its outline in the picture that people see. The
picture as it is is looked at too: something near fills more than a view, and the middle is hardly bent.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Boxes, Detections
from eyespot.contracts.lens import LensGeometry
from eyespot.edge.detector import Asked, Detector
from eyespot.media.decode import Frame, Pixels
from eyespot.media.lens import Dewarp, Look, unproject
from eyespot.vision.boxes import merge

VIEW_DEGREES = 90.0
"""Width of a view; wider ones stretch what is at their sides."""
STEP_DEGREES = 60.0
"""Views are no farther apart, so that what one cuts off is whole in another."""
SLACK_DEGREES = 15.0
"""So much at the sides is left out before it costs another view."""
MOST_COLUMNS, MOST_ROWS = 5, 2
EDGE = 0.02
"""A box that ends so close to a view's inner edge, in parts of the view, is cut off by it and does not count."""
_OUTLINE = np.linspace(0.0, 1.0, 9)


@dataclass(frozen=True, slots=True)
class _View:
    """One flat view; ``inner``: which of its edges (left, top, right, bottom) another view lies beyond."""

    dewarp: Dewarp
    inner: NDArray[np.bool_]


class FlatViews:
    """The flat views of one lens.

    Args:
        picture_px: width and height of its pictures.
        input_px: height and width of the detector's input, which every view has.
    """

    def __init__(self, lens: LensGeometry, picture_px: tuple[int, int], input_px: tuple[int, int]) -> None:
        height_px, width_px = input_px
        aspect = width_px / height_px
        tall_degrees = 2 * math.degrees(math.atan(math.tan(math.radians(VIEW_DEGREES / 2)) / aspect))
        pans = _centres(*_span(lens, 0), VIEW_DEGREES, MOST_COLUMNS)
        tilts = _centres(*_span(lens, 1), tall_degrees, MOST_ROWS)
        self._source_px = _source_px(lens, picture_px, width_px)
        self._views = [
            _View(
                Dewarp(lens, self._source_px, (width_px, height_px), Look(pan, tilt, 0.0, VIEW_DEGREES)),
                np.array([column > 0, row > 0, column + 1 < len(pans), row + 1 < len(tilts)]),
            )
            for row, tilt in enumerate(tilts)
            for column, pan in enumerate(pans)
        ]

    def images(self, detector: Detector, frame: Frame) -> list[Pixels]:
        """The detector's input: ``frame`` as it is, and each view of it."""
        shrunk = _Shrunk(frame, self._source_px)
        # The detector asks a whole frame for its pixels and for nothing else.
        flat = [detector.image(cast(Frame, _FlatFrame(shrunk, view.dewarp))) for view in self._views]
        return [detector.image(frame), *flat]

    async def detect(self, detector: Detector, images: Sequence[Pixels], asked: Asked) -> Detections:
        """What ``detector`` finds in the ``images``, in fractions of the fisheye picture; raises what it raises."""
        whole, *parts = await asyncio.gather(*(detector.detect(image, asked) for image in images))
        return merge([whole, *(_in_picture(view, part) for view, part in zip(self._views, parts, strict=True))])


def flat_views(lens: LensGeometry | None, picture_px: tuple[int, int], input_px: tuple[int, int]) -> FlatViews | None:
    """The views that pictures of ``lens`` need; None where they can be looked at as they are."""
    if lens is None or lens.model == "perspective":
        return None
    return FlatViews(lens, picture_px, input_px)


class _Shrunk:
    """A fisheye picture no larger than the views need, converted once for all of them."""

    def __init__(self, frame: Frame, size_px: tuple[int, int]) -> None:
        self._frame, self._size_px = frame, size_px
        self._made: dict[str, Pixels] = {}

    def pixels(self, order: str) -> Pixels:
        if order not in self._made:
            convert = self._frame.rgb if order == "rgb" else self._frame.bgr
            self._made[order] = convert(*self._size_px)
        return self._made[order]


class _FlatFrame:
    """One flat view of a picture, asked for its pixels as a frame is; always of the view's own size."""

    def __init__(self, source: _Shrunk, dewarp: Dewarp) -> None:
        self._source, self._dewarp = source, dewarp

    def rgb(self, width_px: int, height_px: int) -> Pixels:
        return self._dewarp.remap(self._source.pixels("rgb"))

    def bgr(self, width_px: int, height_px: int) -> Pixels:
        return self._dewarp.remap(self._source.pixels("bgr"))


def _span(lens: LensGeometry, axis: int) -> tuple[float, float]:
    """The angles at which the picture ends, to the left and right of the lens's axis (or above and below), degrees."""
    ends = np.full((2, 2), (lens.centre_x, lens.centre_y), np.float64)
    ends[:, axis] = (0.0, 1.0)
    rays = unproject(lens, ends)
    angles = np.degrees(np.arctan2(rays[:, axis], rays[:, 2]))
    low, high = np.where(np.isnan(angles), (-lens.max_degrees, lens.max_degrees), angles)
    return float(low), float(high)


def _centres(low: float, high: float, view: float, most: int) -> list[float]:
    """Where views ``view`` degrees wide point so as to cover ``low`` to ``high``, as far as ``most`` of them can."""
    rest = high - low - view
    if rest <= SLACK_DEGREES or most == 1:
        return [(low + high) / 2]
    wanted = min(view * STEP_DEGREES / VIEW_DEGREES, STEP_DEGREES)
    count = min(most, math.ceil(rest / wanted) + 1)
    step = min(wanted, rest / (count - 1))
    return [(low + high) / 2 + step * (place - (count - 1) / 2) for place in range(count)]


def _source_px(lens: LensGeometry, picture_px: tuple[int, int], view_width_px: int) -> tuple[int, int]:
    """The size at which the middle of the picture is as fine as the middle of a view: more would not be seen."""
    view_focal_px = view_width_px / 2 / math.tan(math.radians(VIEW_DEGREES / 2))
    scale = min(1.0, view_focal_px / (lens.focal_x * picture_px[0]))
    return max(16, round(picture_px[0] * scale / 2) * 2), max(16, round(picture_px[1] * scale / 2) * 2)


def _in_picture(view: _View, found: Detections) -> Detections:
    """``found`` in fractions of the fisheye picture, without what the view's inner edges cut off."""
    borders = np.array([0, 0, 1, 1], np.float32)
    keep = ~((np.abs(found.boxes - borders) < EDGE) & view.inner).any(axis=1)
    boxes = _outlines(view.dewarp, found.boxes)
    keep &= ((boxes[:, 2:] - boxes[:, :2]) > 0).all(axis=1)  # below 0 where the lens sees nothing
    return Detections(found.capture_ns, boxes[keep], found.scores[keep], found.labels[keep], found.aspect)


def _outlines(dewarp: Dewarp, boxes: Boxes) -> Boxes:
    """The boxes around where the outlines of ``boxes`` are in the picture; ends before starts where nothing is seen."""
    x1, y1, x2, y2 = boxes.astype(np.float64).T[:, :, None]
    across, down = x1 + (x2 - x1) * _OUTLINE, y1 + (y2 - y1) * _OUTLINE
    sides = [(across, y1 + 0 * across), (across, y2 + 0 * across), (x1 + 0 * down, down), (x2 + 0 * down, down)]
    points = np.concatenate([np.stack(side, axis=-1) for side in sides], axis=1)
    landed = np.clip(dewarp.to_source(points), 0.0, 1.0)
    low = np.where(np.isnan(landed), np.inf, landed).min(axis=1)
    high = np.where(np.isnan(landed), -np.inf, landed).max(axis=1)
    around: Boxes = np.concatenate([low, high], axis=1).astype(np.float32)
    return around
