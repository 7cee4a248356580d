"""Looking closer at one camera's far objects: which parts of the picture are worth an inference of their own, now.

Joins `vision.regions` to what the camera knows: motion, tracks, and what the whole picture has just shown. Motion
must puzzle twice in a row. A place that shows nothing new when looked at closer (a tree, a flag) is left alone for a
while, for a shorter one where an object was lost; places take turns.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Boxes, Detections
from eyespot.kernel.clock import from_seconds
from eyespot.vision.boxes import merge
from eyespot.vision.regions import Box, RegionSettings, plan

BARREN_S = 3.0
"""Motion in a place that showed nothing is not looked at closer for so long."""
LOST_S = 1.0
"""An object that was lost is not looked for again for so long where the last closer look showed nothing new."""
REMEMBERED = 32
CANDIDATES = 8
MARGIN = 0.25
"""An object accounts for motion within its box widened by this part on each side."""
EDGE = 0.02
"""A box that ends so close to a region's edge (in parts of the region) is cut off by it and does not count."""

_NONE: Boxes = np.zeros((0, 4), np.float32)


@dataclass(frozen=True, slots=True)
class _Past:
    """A region that was looked at; ``fruitful``: it showed an object that the whole picture did not."""

    region: Box
    at_ns: int
    fruitful: bool


class Regions:
    """One camera's closer looks.

    Args:
        most: regions for each detection in the whole picture; 0: none ever.
        score: from which on a detection is an object.
    """

    def __init__(self, most: int, score: float) -> None:
        self._settings = RegionSettings(max_regions=CANDIDATES)
        self._most = most
        self._score = score
        self._past: deque[_Past] = deque(maxlen=REMEMBERED)
        self._puzzling: Boxes = _NONE
        self.looked = 0

    def choose(
        self,
        whole: Detections,
        motion: Sequence[Box],
        tracks: Boxes,
        picture_px: tuple[int, int],
        input_px: tuple[int, int],
    ) -> tuple[Box, ...]:
        """Regions for this picture, at most ``most``; all of the shape of the model's input.

        Args:
            whole: what the whole picture showed.
            motion, tracks: boxes in fractions of the picture; ``tracks`` as they were before this picture.
            picture_px: width and height of the picture.
            input_px: height and width of the model's input.
        """
        if not self._most:
            return ()
        lost = _inside(tracks)
        lost = lost[~_held(whole.boxes, lost)]
        lost = lost[~_held(self._barren(whole.capture_ns, LOST_S), lost, margin=0.0)]
        known = np.concatenate([self._seen(whole), tracks, self._barren(whole.capture_ns, BARREN_S)])
        moved = _boxes(motion)
        puzzling = moved[~_held(known, moved)]
        wishes = [*_rows(lost), *_rows(puzzling[_held(self._puzzling, puzzling, margin=1.0)])]
        self._puzzling = puzzling
        if not wishes:
            return ()
        height_px, width_px = input_px
        # Squares are planned in a picture stretched so that a square there has the shape of the input here.
        stretched_px = max(1, round(picture_px[0] * height_px / width_px)), picture_px[1]
        found = plan(wishes, stretched_px, (height_px, height_px), self._settings)
        return tuple(sorted(found, key=self._looked_ns)[: self._most])

    def join(self, whole: Detections, regions: Sequence[Box], parts: Sequence[Detections]) -> Detections:
        """``whole`` with what the regions showed, each object once."""
        kept, seen = [_uncut(part, region) for region, part in zip(regions, parts, strict=True)], self._seen(whole)
        for region, part in zip(regions, kept, strict=True):
            self.looked += 1
            news = not _held(seen, self._seen(part), margin=0.0).all()
            self._past.append(_Past(region, whole.capture_ns, news))
        return merge([whole, *kept]) if kept else whole

    def _barren(self, now_ns: int, within_s: float) -> Boxes:
        """Places that were looked at so short a time ago and showed nothing new."""
        recent = [past for past in self._past if now_ns - past.at_ns < from_seconds(within_s)]
        return _boxes([past.region for past in recent if not past.fruitful])

    def _seen(self, found: Detections) -> Boxes:
        return found.boxes[found.scores >= self._score]

    def _looked_ns(self, region: Box) -> int:
        """When the middle of ``region`` was last looked at closer, 0 for never."""
        times = [past.at_ns for past in self._past if _held(_boxes([past.region]), _boxes([region]), margin=0.0).any()]
        return max(times, default=0)


def _boxes(rows: Sequence[Box]) -> Boxes:
    return np.array(rows, np.float32).reshape(-1, 4)


def _rows(boxes: Boxes) -> Iterable[Box]:
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in boxes.tolist()]


def _inside(boxes: Boxes) -> Boxes:
    """Those whose middle is in the picture."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    return boxes[((middles > 0) & (middles < 1)).all(axis=1)]


def _held(boxes: Boxes, queries: Boxes, margin: float = MARGIN) -> NDArray[np.bool_]:
    """For each of ``queries`` whether its middle lies in one of ``boxes`` widened by ``margin``."""
    if not len(boxes) or not len(queries):
        return np.zeros(len(queries), bool)
    middles = ((queries[:, :2] + queries[:, 2:]) / 2)[:, None]
    wider = (boxes[:, 2:] - boxes[:, :2]) * np.float32(margin)
    inside = (boxes[:, :2] - wider <= middles) & (middles <= boxes[:, 2:] + wider)
    return np.asarray(np.any(np.all(inside, axis=2), axis=1), bool)


def _uncut(part: Detections, region: Box) -> Detections:
    """``part`` without what ``region``'s own edges cut off; the picture's edges may cut."""
    edge = np.array(region, np.float32)
    slack = np.array([region[2] - region[0], region[3] - region[1]] * 2, np.float32) * np.float32(EDGE)
    inner = np.array([edge[0] > 0, edge[1] > 0, edge[2] < 1, edge[3] < 1])
    touches: NDArray[np.bool_] = (np.abs(part.boxes - edge) < slack) & inner
    keep = ~touches.any(axis=1)
    return Detections(part.capture_ns, part.boxes[keep], part.scores[keep], part.labels[keep], part.aspect)
