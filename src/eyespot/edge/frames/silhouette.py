"""Where objects are, without what they look like: their boxes in one flat grey on black.

No pixel of the picture gets here. The shape is that of the tracked box: nothing segments pictures yet.
"""

from collections.abc import Sequence

from eyespot.contracts.ring_slot import SeenObject
from eyespot.edge.frames.canvas import Canvas, Window


def draw_silhouette(canvas: Canvas, objects: Sequence[SeenObject]) -> None:
    """Flatten the box of each object on a cleared ``canvas``."""
    for one in objects:
        canvas.flatten(window_of(one.box, canvas))


def window_of(box: tuple[float, float, float, float], canvas: Canvas) -> Window:
    """A box in fractions of the view as a window: within the canvas, rounded out to whole steps, never empty."""
    step = canvas.step_px
    left, right = _span(box[0], box[2], canvas.width_px, step)
    top, bottom = _span(box[1], box[3], canvas.height_px, step)
    return left, top, right, bottom


def _span(low: float, high: float, size_px: int, step: int) -> tuple[int, int]:
    start = min(int(max(low, 0.0) * size_px) // step * step, size_px - step)
    stop = min(size_px, -(-int(-(-(high * size_px) // 1)) // step) * step)
    return start, max(stop, start + step)
