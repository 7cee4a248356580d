"""The motion gate: does anything move in a small grey image, and where.

A background model (running mean and running deviation per pixel) with a threshold that follows each pixel's own noise.
A change of light that is the same everywhere is taken out first. Changed pixels count by cells; a cell must be seen
changed twice within a moment, or many cells at once, before it is called motion, so noise and key frames pass quietly.
Owns nothing about objects: trees move too. Sources: Wren et al. 1997 (Pfinder) for the running Gaussian background.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.config import Settings

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Box = tuple[float, float, float, float]

CELL_PX = 4
"""Side of a cell in pixels of the small image."""
MAX_BOXES = 16


class MotionSettings(Settings):
    """How sensitive the gate is; levels are grey levels of 255."""

    least_level: float = Field(default=6.0, gt=0, le=255)
    """Smaller changes are never motion."""
    noise_factor: float = Field(default=5.0, gt=0, le=100)
    """A pixel's change must exceed its own mean deviation so many times."""
    cell_share: float = Field(default=0.2, gt=0, le=1)
    """Share of a cell's pixels that must have changed."""
    learn_s: float = Field(default=8.0, gt=0, le=3600)
    """Time constant of the background."""
    absorb_s: float = Field(default=40.0, gt=0, le=36_000)
    """The same where something moves: what stays becomes background within about a minute."""
    warm_s: float = Field(default=2.0, ge=0, le=60)
    """At start the gate says *moving* so long, while it learns what the scene looks like."""
    hold_s: float = Field(default=1.0, ge=0, le=60)
    """Motion lasts so long after the last moving cell."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What the gate says of one frame.

    Attributes:
        moving: something moves, or the gate is still learning.
        boxes: where, at most 16, largest first, in fractions of the picture; empty while learning.
        scene_change: most of the picture changed at once: the camera was turned, covered or switched.
        share: share of the picture's cells that changed, 0 to 1.
    """

    moving: bool
    boxes: tuple[Box, ...]
    scene_change: bool
    share: float


class MotionGate:
    """The gate of one camera. Images may change size: the gate then learns anew."""

    def __init__(self, settings: MotionSettings | None = None) -> None:
        self.settings = settings or MotionSettings()
        self._mean: Floats = np.zeros((0, 0), np.float32)
        self._noise: Floats = self._mean
        self._heat: Floats = self._mean
        self._start_ns = self._last_ns = 0
        self._moved_ns: int | None = None
        self._changed_ns: int | None = None
        self._cells: NDArray[np.bool_] | None = None

    def changed(self) -> tuple[Box, ...]:
        """Where the last image differed from the background, also where that is not called motion yet.

        At most 16, largest first, in fractions of the picture; all of it while learning and at a change of scene.
        """
        return ((0.0, 0.0, 1.0, 1.0),) if self._cells is None else _boxes(self._cells)

    def update(self, grey: Grey, capture_ns: int, *, is_key: bool = False) -> Motion:
        """Look at the next ``(H, W)`` uint8 image (96 to 160 wide is best).

        Args:
            capture_ns: capture time, in order.
            is_key: the image comes from a key frame, whose compression differs; changes must then be a half larger.
        """
        image = grey.astype(np.float32)
        if image.shape != self._mean.shape:
            return self._learn_anew(image, capture_ns)
        settings = self.settings
        dt_s = max(0.0, (capture_ns - self._last_ns) / NS_PER_S)
        self._last_ns = max(capture_ns, self._last_ns)
        warm = capture_ns - self._start_ns < settings.warm_s * NS_PER_S
        change = image - self._mean
        shift = _middle(change[::4, ::4])
        if shift:
            change -= np.float32(shift)
        size = np.abs(change)
        factor = 1.5 if is_key else 1.0
        limit = self._noise * np.float32(settings.noise_factor * factor)
        np.maximum(limit, np.float32(settings.least_level * factor), out=limit)
        mask = size > limit
        cells = _cells(mask) >= settings.cell_share * CELL_PX * CELL_PX
        share = float(np.count_nonzero(cells)) / cells.size
        self._absorb(change, size, mask, dt_s, shift, warm=warm)
        scene_change = self._is_new_scene(share, image, capture_ns)
        self._cells = None if scene_change or warm else cells
        if scene_change or warm:
            self._moved_ns = capture_ns
            return Motion(True, (), scene_change, share)
        return self._judge(cells, share, dt_s, capture_ns)

    def _judge(self, cells: NDArray[np.bool_], share: float, dt_s: float, capture_ns: int) -> Motion:
        self._heat *= np.float32(np.exp(-dt_s / 0.8))
        lit = cells & (_spread(self._heat) > 0.25)
        self._heat[cells] = 1.0
        moves = bool(lit.any())
        if moves:
            self._moved_ns = capture_ns
        holds = self._moved_ns is not None and capture_ns - self._moved_ns <= self.settings.hold_s * NS_PER_S
        return Motion(moves or holds, _boxes(lit if moves else cells & holds), False, share)

    def _learn_anew(self, image: Floats, capture_ns: int) -> Motion:
        self._mean = image.copy()
        self._noise = np.full(image.shape, 1.0, np.float32)
        self._heat = np.zeros((image.shape[0] // CELL_PX, image.shape[1] // CELL_PX), np.float32)
        self._start_ns = self._last_ns = capture_ns
        self._changed_ns = self._cells = None
        return Motion(True, (), False, 0.0)

    def _absorb(
        self, change: Floats, size: Floats, mask: NDArray[np.bool_], dt_s: float, shift: float, *, warm: bool
    ) -> None:
        settings = self.settings
        quick = 1.0 - np.exp(-dt_s / (1.0 if warm else settings.learn_s))
        slow = quick if warm else 1.0 - np.exp(-dt_s / settings.absorb_s)
        rate = mask * np.float32(slow - quick)
        rate += np.float32(quick)
        change *= rate
        self._mean += change
        if shift:
            self._mean += np.float32(shift)
        np.minimum(size, self._noise * np.float32(3.0) + np.float32(1.0), out=size)
        size -= self._noise
        size *= np.float32(quick)
        self._noise += size

    def _is_new_scene(self, share: float, image: Floats, capture_ns: int) -> bool:
        """True when most cells changed; when that lasts a second the background is replaced."""
        if share < 0.6:
            self._changed_ns = None
            return False
        if self._changed_ns is None:
            self._changed_ns = capture_ns
        elif capture_ns - self._changed_ns >= NS_PER_S:
            self._learn_anew(image, capture_ns)
        return True


def _cells(mask: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Changed pixels per cell; what does not fill a cell at the right and lower border is left out."""
    rows, columns = mask.shape[0] // CELL_PX, mask.shape[1] // CELL_PX
    part = np.ascontiguousarray(mask[: rows * CELL_PX, : columns * CELL_PX])
    # Four neighbouring pixels are one word: sum words down the cell, then the four bytes of each word.
    words = part.view(np.uint32).reshape(rows, CELL_PX, columns).sum(axis=1, dtype=np.uint32)
    counts: NDArray[np.uint32] = (words * np.uint32(0x01010101)) >> np.uint32(24)
    return counts


def _middle(values: Floats) -> float:
    """The median (the upper of two) of any array."""
    flat = values.ravel()
    return float(np.partition(flat, flat.size // 2)[flat.size // 2])


def _spread(heat: Floats) -> Floats:
    """The largest value among each cell and its eight neighbours."""
    wide = heat.copy()
    np.maximum(wide[1:], heat[:-1], out=wide[1:])
    np.maximum(wide[:-1], heat[1:], out=wide[:-1])
    tall = wide.copy()
    np.maximum(wide[:, 1:], tall[:, :-1], out=wide[:, 1:])
    np.maximum(wide[:, :-1], tall[:, 1:], out=wide[:, :-1])
    return wide


def _boxes(cells: NDArray[np.bool_]) -> tuple[Box, ...]:
    """Boxes around groups of cells that touch, roughly: groups whose boxes interlock become one."""
    rows, columns = cells.shape
    ys, xs = (index.tolist() for index in cells.nonzero())
    done: list[list[int]] = []
    growing: list[list[int]] = []
    for y, x in zip(ys, xs, strict=True):
        # A group is [cells, top, left, bottom, right]; it takes what lies within its columns while rows follow on.
        while growing and growing[0][3] < y - 1:
            done.append(growing.pop(0))
        touching = [group for group in growing if group[2] - 1 <= x <= group[4] + 1]
        if not touching:
            growing.append([1, y, x, y, x])
            continue
        first = touching[0]
        for other in touching[1:]:
            growing.remove(other)
            first[0] += other[0]
            first[1:3] = min(first[1], other[1]), min(first[2], other[2])
            first[4] = max(first[4], other[4])
        first[0] += 1
        first[2], first[3], first[4] = min(first[2], x), y, max(first[4], x)
        growing.sort(key=lambda group: group[3])
    done += growing
    done.sort(reverse=True)
    return tuple(
        (x1 / columns, y1 / rows, (x2 + 1) / columns, (y2 + 1) / rows) for _, y1, x1, y2, x2 in done[:MAX_BOXES]
    )
