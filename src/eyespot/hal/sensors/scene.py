"""A rendered scene with exact ground truth: people-like figures walk in front of a textured wall and hide each other.

Everything follows from the settings and the frame number, so any frame can be made again and its truth asked for
without rendering. Cheap numpy on 4:2:0 planes; knows nothing of encoding or time.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from eyespot.kernel.config import Settings

Plane = NDArray[np.uint8]
Planes = tuple[Plane, Plane, Plane]
"""Luma ``(H, W)`` and the two chroma planes ``(H/2, W/2)``, uint8, limited range BT.601."""

SceneMode = Literal["day", "night", "blank", "frozen", "covered", "bright", "blurred", "moved", "nudged"]
"""``blank``: black picture; ``frozen``: repeats the last live one; ``covered``: something right before the lens;
``bright``: something bright there; ``moved``: the camera points elsewhere, ``nudged``: a thirtieth of the width."""


class SceneSettings(Settings):
    """What is rendered."""

    width_px: int = Field(default=640, ge=64, le=4096, multiple_of=2)
    height_px: int = Field(default=360, ge=64, le=4096, multiple_of=2)
    fps: float = Field(default=10.0, gt=0, le=120)
    people: int = Field(default=3, ge=0, le=64)
    seed: int = Field(default=1, ge=0, le=1 << 31)
    noise: int = Field(default=0, ge=0, le=32)
    """Sensor noise: the largest change of a luma value, up or down."""
    frames: int | None = Field(default=None, ge=1)
    """The scene ends after this many frames; empty: never."""
    schedule: tuple[tuple[int, SceneMode], ...] = ()
    """From which frame on which mode holds, rising; ``day`` before the first."""


_HIDING = ("blank", "covered", "bright")


@dataclass(frozen=True, slots=True)
class SceneObject:
    """The truth about one figure in one frame.

    Attributes:
        id: the same figure in every frame, from 1.
        box: ``x1 y1 x2 y2`` in fractions of the picture, clipped to it; the whole figure, hidden parts included.
        visible: part of the figure's pixels that is inside the picture and not hidden by another, 0 to 1.
    """

    id: int
    box: tuple[float, float, float, float]
    visible: float


@dataclass(frozen=True, slots=True)
class _Figure:
    id: int
    height_px: int
    feet_px: int
    speed_px: float
    phase_px: float
    coat: tuple[int, int, int]
    legs: tuple[int, int, int]


class SyntheticScene:
    """Renders frames and tells their truth."""

    def __init__(self, settings: SceneSettings | None = None) -> None:
        self.settings = settings or SceneSettings()
        self._background = _background(self.settings)
        self._figures = _figures(self.settings)
        self._switches: list[tuple[int, SceneMode]] = list(self.settings.schedule)

    def switch(self, mode: SceneMode, from_frame: int) -> None:
        """Let ``mode`` hold from ``from_frame`` on, replacing what was scheduled from there."""
        self._switches = [entry for entry in self._switches if entry[0] < from_frame] + [(from_frame, mode)]

    def mode(self, index: int) -> SceneMode:
        """The mode of frame ``index``."""
        return self._mode_and_start(index)[0]

    def truth(self, index: int) -> list[SceneObject]:
        """Every figure in frame ``index`` of which something can be seen; empty when the mode shows nothing."""
        mode, start = self._mode_and_start(index)
        if mode in _HIDING:
            return []
        owner = np.zeros((self.settings.height_px, self.settings.width_px), np.uint8)
        shown = [(figure, *self._place(figure, max(0, start - 1) if mode == "frozen" else index, mode))
                 for figure in self._figures]  # fmt: skip
        for figure, left, top, mask in shown:
            window, part = _clip(owner, mask, left, top)
            window[part] = figure.id
        objects = [self._object(figure, left, top, mask, owner) for figure, left, top, mask in shown]
        return sorted((each for each in objects if each.visible > 0), key=lambda each: each.id)

    def render(self, index: int) -> Planes:
        """Frame ``index``; the planes are the caller's own."""
        mode, start = self._mode_and_start(index)
        if mode == "frozen":
            return self.render(start - 1) if start > 0 else self._live(0, "day")
        if mode in _HIDING:
            return self._hidden(mode)
        return self._live(index, mode)

    def _mode_and_start(self, index: int) -> tuple[SceneMode, int]:
        mode: SceneMode = "day"
        start = 0
        for from_frame, name in self._switches:
            if from_frame <= index:
                mode, start = name, from_frame
        return mode, start

    def _live(self, index: int, mode: SceneMode) -> Planes:
        luma, blue, red = (plane.copy() for plane in self._background)
        turn_px = self._turn_px(mode)
        if turn_px:
            luma, blue, red = (np.roll(p, turn_px * p.shape[1] // luma.shape[1], axis=1) for p in (luma, blue, red))
        for figure in self._figures:
            left, top, mask = self._place(figure, index, mode)
            _paint(luma, (blue, red), figure, mask, left, top)
        if mode == "night":
            luma[:] = luma // 4 + 14
            blue[:], red[:] = 128, 128
        if mode == "blurred":
            luma = _blur(luma)
        if self.settings.noise:
            luma = self._noisy(luma, index)
        return luma, blue, red

    def _hidden(self, mode: SceneMode) -> Planes:
        height, width = self.settings.height_px, self.settings.width_px
        luma = np.full((height, width), 16, np.uint8)
        if mode != "blank":
            luma += (np.arange(width) * 12 // width).astype(np.uint8)
        if mode == "bright":
            luma += np.uint8(190)
        chroma = np.full((height // 2, width // 2), 128, np.uint8)
        return luma, chroma, chroma.copy()

    def _noisy(self, luma: Plane, index: int) -> Plane:
        most = self.settings.noise
        noise = np.random.default_rng((self.settings.seed, index)).integers(-most, most + 1, luma.shape, np.int16)
        noisy: Plane = np.clip(luma + noise, 16, 235).astype(np.uint8)
        return noisy

    def _place(self, figure: _Figure, index: int, mode: SceneMode) -> tuple[int, int, NDArray[np.bool_]]:
        """Left and top in pixels and the silhouette of ``figure`` in frame ``index``."""
        mask = _silhouette(figure.height_px, (index // 2) % 4)
        span = self.settings.width_px + 2 * mask.shape[1]
        along = (figure.phase_px + figure.speed_px * index / self.settings.fps) % (2 * span)
        left = round(along if along < span else 2 * span - along) - mask.shape[1]
        left += self._turn_px(mode)
        return left, figure.feet_px - figure.height_px, mask

    def _turn_px(self, mode: SceneMode) -> int:
        """How far the picture's content lies to the right of where it usually is; even."""
        width_px = self.settings.width_px
        return {"moved": width_px // 8 * 2, "nudged": width_px // 60 * 2}.get(mode, 0)

    def _object(self, figure: _Figure, left: int, top: int, mask: NDArray[np.bool_], owner: Plane) -> SceneObject:
        height, width = owner.shape
        window, part = _clip(owner, mask, left, top)
        seen = int(np.count_nonzero(window[part] == figure.id))
        box = (
            min(max(left / width, 0.0), 1.0),
            min(max(top / height, 0.0), 1.0),
            min(max((left + mask.shape[1]) / width, 0.0), 1.0),
            min(max((top + mask.shape[0]) / height, 0.0), 1.0),
        )
        return SceneObject(figure.id, box, seen / int(np.count_nonzero(mask)))


def _figures(settings: SceneSettings) -> list[_Figure]:
    """The figures, farthest first, so that nearer ones are painted over them."""
    rng = np.random.default_rng(settings.seed)
    figures = []
    for number in range(1, settings.people + 1):
        depth = float(rng.uniform(0.0, 1.0))
        height_px = max(16, round(settings.height_px * (0.22 + 0.28 * depth)))
        feet_px = round(settings.height_px * (0.62 + 0.36 * depth))
        speed_px = settings.width_px * float(rng.uniform(0.06, 0.16)) * (0.6 + 0.4 * depth)
        phase_px = float(rng.uniform(0, 2 * settings.width_px))
        coat = (int(rng.integers(40, 220)), int(rng.integers(70, 190)), int(rng.integers(70, 190)))
        legs = (int(rng.integers(25, 90)), int(rng.integers(110, 150)), int(rng.integers(110, 150)))
        figures.append(_Figure(number, height_px, feet_px, speed_px, phase_px, coat, legs))
    return sorted(figures, key=lambda figure: figure.feet_px)


def _background(settings: SceneSettings) -> Planes:
    """A wall of blocks above a floor, with grain: texture enough for motion, blur and movement checks."""
    rng = np.random.default_rng(settings.seed + 7)
    height, width = settings.height_px, settings.width_px
    coarse = rng.integers(80, 180, (height // 24 + 1, width // 32 + 1))
    luma = np.kron(coarse, np.ones((24, 32)))[:height, :width]
    floor = round(height * 0.6)
    luma[floor:] = 110 + 40 * np.linspace(0, 1, height - floor)[:, None]
    luma += rng.integers(-6, 7, (height, width))
    hue = np.full((height // 2, width // 2), 128, np.uint8)
    blue, red = hue.copy(), hue.copy()
    blue[: floor // 2] = 122
    red[: floor // 2] = 134
    return np.clip(luma, 16, 235).astype(np.uint8), blue, red


@lru_cache(maxsize=256)
def _silhouette(height_px: int, step: int) -> NDArray[np.bool_]:
    """A figure of ``height_px``: head, coat and two legs in one of four steps; ``(height, width)`` bool."""
    width_px = max(8, round(height_px * 0.38))
    y = (np.arange(height_px)[:, None] + 0.5) / height_px
    x = (np.arange(width_px)[None, :] + 0.5) / width_px - 0.5
    head = (x / 0.2) ** 2 + ((y - 0.09) / 0.09) ** 2 <= 1
    coat = (np.abs(x) <= 0.28 + 0.2 * (y - 0.17)) & (y > 0.17) & (y <= 0.58)
    swing = (0.0, 0.14, 0.0, -0.14)[step] * (y - 0.55) / 0.45
    legs = ((np.abs(x - 0.16 - swing) <= 0.12) | (np.abs(x + 0.16 + swing) <= 0.12)) & (y > 0.55)
    edge = (np.abs(x) > 0.49) & (y > 0.3) & (y < 0.45)
    mask: NDArray[np.bool_] = head | coat | legs | edge
    mask.flags.writeable = False
    return mask


def _clip(plane: Plane, mask: NDArray[np.bool_], left: int, top: int) -> tuple[Plane, NDArray[np.bool_]]:
    """The window of ``plane`` under ``mask`` placed at ``left, top``, and the part of the mask inside the picture."""
    x1, y1 = max(0, left), max(0, top)
    x2, y2 = min(plane.shape[1], left + mask.shape[1]), min(plane.shape[0], top + mask.shape[0])
    if x2 <= x1 or y2 <= y1:
        return plane[:0, :0], mask[:0, :0]
    return plane[y1:y2, x1:x2], mask[y1 - top : y2 - top, x1 - left : x2 - left]


def _paint(
    luma: Plane, chroma: tuple[Plane, Plane], figure: _Figure, mask: NDArray[np.bool_], left: int, top: int
) -> None:
    """Paint ``figure``: head, coat, legs, each in its colour."""
    rows = mask.shape[0]
    for start, stop, colour in (
        (0, round(rows * 0.17), (170, 108, 152)),
        (round(rows * 0.17), round(rows * 0.56), figure.coat),
        (round(rows * 0.56), rows, figure.legs),
    ):
        window, part = _clip(luma, mask[start:stop], left, top + start)
        window[part] = colour[0]
        for plane, value in zip(chroma, colour[1:], strict=True):
            window, part = _clip(plane, mask[start:stop:2, ::2], left // 2, (top + start) // 2)
            window[part] = value


def _blur(luma: Plane, size: int = 15) -> Plane:
    """A box blur of ``size`` pixels both ways, as a lens out of focus."""
    sums = luma.astype(np.float64)
    for axis in (0, 1):
        pads = [(0, 0), (0, 0)]
        pads[axis] = (size // 2 + 1, size // 2)
        total = np.cumsum(np.pad(sums, pads, mode="edge"), axis=axis)
        low, high = [slice(None)] * 2, [slice(None)] * 2
        low[axis], high[axis] = slice(None, -size), slice(size, None)
        sums = (total[tuple(high)] - total[tuple(low)]) / size
    return np.clip(np.rint(sums), 16, 235).astype(np.uint8)
