"""Synthetic tracking scenes: exact ground truth and detections as an imperfect detector would give them.

Different frame rates, shapes of picture, sizes and speeds, so that a tracker tuned to one clip shows it. Nearer objects
(lower foot) hide farther ones, posts hide everything behind them; a hidden object is scored low or missed. No pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.detections import Detections

Row = tuple[int, int, float, float, float, float]
"""Frame from 0, id, left, top, width, height; in picture heights."""


@dataclass(frozen=True, slots=True)
class SceneKind:
    """What a scene is like. Sizes in picture heights, speeds in object heights a second."""

    name: str
    fps: float
    seconds: float
    aspect: float
    objects: int
    height: tuple[float, float]
    width_ratio: float
    speed: float
    miss: float
    noise: float
    ghosts: float
    posts: int


KINDS = (
    SceneKind("street", 25.0, 24.0, 16 / 9, 10, (0.12, 0.30), 0.40, 0.8, 0.05, 0.03, 0.05, 1),
    SceneKind("hall", 5.0, 60.0, 4 / 3, 8, (0.20, 0.40), 0.40, 0.6, 0.05, 0.04, 0.05, 0),
    SceneKind("yard", 10.0, 40.0, 4 / 3, 16, (0.04, 0.09), 0.45, 0.9, 0.15, 0.06, 0.20, 2),
    SceneKind("road", 15.0, 30.0, 16 / 9, 8, (0.06, 0.20), 1.80, 2.5, 0.05, 0.03, 0.05, 2),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip's worth of truth and detections."""

    name: str
    aspect: float
    truth: list[Row]
    detections: list[Detections]


def scene(kind: SceneKind, seed: int) -> Scene:
    """The scene of ``kind`` that ``seed`` draws."""
    random = np.random.default_rng(seed)
    frames = int(kind.fps * kind.seconds)
    posts = random.uniform(0.2, 0.8, kind.posts) * kind.aspect
    walkers = [_Walker(kind, random) for _ in range(kind.objects)]
    truth: list[Row] = []
    detections: list[Detections] = []
    ids = list(range(1, len(walkers) + 1))
    for frame in range(frames):
        for place, walker in enumerate(walkers):
            walker.move(1.0 / kind.fps)
            if walker.is_gone:
                walkers[place] = _Walker(kind, random, at_border=True)
                ids[place] = max(ids) + 1
        boxes = np.array([walker.box() for walker in walkers])
        inside = (boxes[:, 0] + boxes[:, 2] > 0) & (boxes[:, 0] + boxes[:, 2] < 2 * kind.aspect)
        for number, box in zip(np.array(ids)[inside].tolist(), boxes[inside].tolist(), strict=True):
            truth.append((frame, number, box[0], box[1], box[2] - box[0], box[3] - box[1]))
        visible = _visible(boxes, posts)[inside]
        detections.append(_detect(kind, frame, boxes[inside], visible, random))
    return Scene(kind.name, kind.aspect, truth, detections)


class _Walker:
    """One object on its way: size follows from how near it is, direction wanders, some stand for a while."""

    def __init__(self, kind: SceneKind, random: np.random.Generator, *, at_border: bool = False) -> None:
        self._kind, self._random = kind, random
        near = random.uniform()
        self._foot = np.array([random.uniform(0.1, 0.9) * kind.aspect, 0.35 + 0.6 * near])
        self._heading = random.choice((0.0, np.pi)) + random.normal(0, 0.25)
        self._pace = kind.speed * random.uniform(0.6, 1.3)
        self._stands_s = 0.0
        self._size = random.normal(1.0, 0.06)
        if at_border:
            left = bool(random.integers(2))
            self._foot[0] = 0.0 if left else kind.aspect
            self._heading = (0.0 if left else np.pi) + random.normal(0, 0.25)

    @property
    def height(self) -> float:
        low, high = self._kind.height
        near = (self._foot[1] - 0.35) / 0.6
        return float((low + (high - low) * near) * self._size)

    @property
    def is_gone(self) -> bool:
        side = self.height * self._kind.width_ratio / 2
        return not -side <= self._foot[0] <= self._kind.aspect + side

    def move(self, dt_s: float) -> None:
        random = self._random
        if self._stands_s > 0.0:
            self._stands_s -= dt_s
            return
        if random.uniform() < 0.02 * dt_s:
            self._stands_s = random.uniform(2.0, 8.0)
        self._heading += random.normal(0, 0.35) * dt_s**0.5
        step = self._pace * self.height * dt_s
        self._foot += step * np.array([np.cos(self._heading), 0.5 * np.sin(self._heading)])
        if not 0.35 <= self._foot[1] <= 0.95:
            self._heading = -self._heading
            self._foot[1] = np.clip(self._foot[1], 0.35, 0.95)

    def box(self) -> tuple[float, float, float, float]:
        height = self.height
        half = height * self._kind.width_ratio / 2
        x, y = float(self._foot[0]), float(self._foot[1])
        return x - half, y - height, x + half, y


def _visible(boxes: NDArray[np.float64], posts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each box that nothing nearer covers (the largest single cover counts)."""
    low = np.maximum(boxes[:, None, :2], boxes[:, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[:, 2:])
    inside = np.clip(high - low, 0, None).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    nearer = boxes[:, 3] > boxes[:, None, 3]
    covered = (inside / area[:, None] * nearer).max(axis=1)
    for post in posts:
        low_x, high_x = np.maximum(boxes[:, 0], post - 0.03), np.minimum(boxes[:, 2], post + 0.03)
        covered = np.maximum(covered, np.clip(high_x - low_x, 0, None) / (boxes[:, 2] - boxes[:, 0]))
    return np.asarray(1.0 - covered, np.float64)


def _detect(
    kind: SceneKind,
    frame: int,
    boxes: NDArray[np.float64],
    visible: NDArray[np.float64],
    random: np.random.Generator,
) -> Detections:
    heights = (boxes[:, 3:4] - boxes[:, 1:2]) if len(boxes) else np.zeros((0, 1))
    scores = np.clip(0.75 * visible**0.7 + random.normal(0, 0.08, len(boxes)), 0.02, 0.99)
    found = (random.uniform(size=len(boxes)) > kind.miss) & (visible > 0.25)
    noisy = boxes + random.normal(0, 1, boxes.shape) * kind.noise * heights
    ghosts = int(random.poisson(kind.ghosts))
    if ghosts:
        height = random.uniform(*kind.height, ghosts)
        x, y = random.uniform(0, kind.aspect, ghosts), random.uniform(0.35, 0.95, ghosts)
        half = height * kind.width_ratio / 2
        noisy = np.concatenate((noisy, np.stack((x - half, y - height, x + half, y), axis=1)))
        scores = np.concatenate((scores, random.uniform(0.1, 0.55, ghosts)))
        found = np.concatenate((found, np.ones(ghosts, bool)))
    part = noisy[found] / [kind.aspect, 1.0, kind.aspect, 1.0]
    return Detections(
        capture_ns=round(frame * 1e9 / kind.fps),
        boxes=np.clip(part, 0.0, 1.0).astype(np.float32),
        scores=scores[found].astype(np.float32),
        labels=np.zeros(int(found.sum()), np.int32),
        aspect=kind.aspect,
    )
