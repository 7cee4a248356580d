"""Tracked objects cut out and packed into one canvas: a grid, the surest first, shapes kept, none enlarged."""

import math
from collections.abc import Sequence
from dataclasses import replace

from eyespot.contracts.ring_slot import SeenObject
from eyespot.contracts.view import MIN_SIDE_PX
from eyespot.edge.frames.canvas import Canvas, Window
from eyespot.media.decode import Frame
from eyespot.media.pixels import Box

_EVEN = 2
"""Crops begin and end on even pixels, as colours in nv12 are halved."""


def draw_crops(canvas: Canvas, frame: Frame, region: Box, objects: Sequence[SeenObject]) -> list[SeenObject]:
    """Draw ``objects`` (boxes in fractions of ``region``) on a cleared ``canvas``; returns them with their crops.

    What does not fit, because cells would be smaller than 16 pixels, is left out.
    """
    fit = (canvas.width_px // MIN_SIDE_PX) * (canvas.height_px // MIN_SIDE_PX)
    kept = sorted(objects, key=lambda one: -one.score)[:fit]
    if not kept:
        return []
    columns, rows = grid(len(kept), canvas.width_px, canvas.height_px)
    cell = canvas.width_px // columns // _EVEN * _EVEN, canvas.height_px // rows // _EVEN * _EVEN
    drawn = []
    for place, one in enumerate(kept):
        box = in_picture(one.box, region)
        size = fitted(((box[2] - box[0]) * frame.width_px, (box[3] - box[1]) * frame.height_px), cell)
        left, top = place % columns * cell[0], place // columns * cell[1]
        window: Window = left, top, left + size[0], top + size[1]
        frame.fill(canvas.planes(window), canvas.order, *size, box=box)
        drawn.append(replace(one, crop=window))
    return drawn


def grid(count: int, width_px: int, height_px: int) -> tuple[int, int]:
    """Columns and rows of the grid that gives ``count`` cells the longest short side, each at least 16 pixels."""
    best, found = 0.0, (1, count)
    for columns in range(1, count + 1):
        rows = math.ceil(count / columns)
        side = min(width_px / columns, height_px / rows)
        if side > best:
            best, found = side, (columns, rows)
    return found


def fitted(size_px: tuple[float, float], cell_px: tuple[int, int]) -> tuple[int, int]:
    """Even width and height of a crop of ``size_px`` that fits into a cell, shape kept, not enlarged."""
    scale = min(1.0, cell_px[0] / size_px[0], cell_px[1] / size_px[1])
    width, height = (max(_EVEN, round(side * scale / _EVEN) * _EVEN) for side in size_px)
    return min(width, cell_px[0]), min(height, cell_px[1])


def in_picture(box: Box, region: Box) -> Box:
    """A box in fractions of ``region`` as fractions of the picture."""
    left, top, right, bottom = region
    width, height = right - left, bottom - top
    return left + box[0] * width, top + box[1] * height, left + box[2] * width, top + box[3] * height
