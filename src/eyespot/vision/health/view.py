"""What a camera usually shows, learned slowly while all is well, and how one picture differs from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.vision.health.picture import COLUMNS, ROWS, Floats, Picture, block_means, correlation, likeness, quantile

LEAST_BLOCKS = 5
"""A scene with fewer blocks that show anything cannot be judged."""
_LEAST_ENERGY = 2.0
_LEAST_USUAL = 0.5
_FIRST_USUAL = 0.8
_EVERY_S = 5.0
_SAME_LEVELS = 4.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How a picture differs from the background, over the blocks that usually show something.

    Attributes:
        alike: ``(N,)`` float32 likeness of each such block as a share of what is usual.
        detail, fine: ``(N,)`` float32 strength of its detail, and of its finest detail, as a share of the usual.
        shapes: likeness of the large shapes of the whole picture, -1 to 1.
        light: contrast of the large shapes as a share of the usual.
    """

    alike: Floats
    detail: Floats
    fine: Floats
    shapes: float
    light: float


class Background:
    """One camera's usual picture. ``picture`` is None before the first look."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self.picture: Picture | None = None
        self.learned_s = 0.0
        self._waiting_s = 0.0
        self._usual: Floats = np.full((ROWS, COLUMNS), _FIRST_USUAL, np.float32)

    def alike(self, now: Picture) -> Floats:
        """Likeness of each block to the background, ``(ROWS, COLUMNS)``, -1 to 1."""
        assert self.picture is not None
        a, b = self.picture.gradient, now.gradient
        return correlation(block_means(a[0] * b[0] + a[1] * b[1]), self.picture.energy, now.energy)

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which blocks usually show something, ``(ROWS, COLUMNS)``."""
        assert self.picture is not None
        known: NDArray[np.bool_] = (self.picture.energy >= _LEAST_ENERGY) & (self._usual >= _LEAST_USUAL)
        return known

    def difference(self, now: Picture, previous: Picture | None, alike: Floats) -> Difference | None:
        """What is other in ``now``; None when the background shows too little to tell.

        Noise is no detail: how much of it there is tells the difference to the ``previous`` picture.
        """
        background, known = self.picture, self.known
        if background is None or np.count_nonzero(known) < LEAST_BLOCKS:
            return None
        noise = 0.0 if previous is None else noise_energy(previous, now)
        fine = np.maximum(now.fineness[known] - np.float32(noise), 0)
        detail = np.maximum(now.energy[known] - np.float32(noise / 5), 0)  # white noise: 4 variances against 20
        return Difference(
            alike=alike[known] / self._usual[known],
            detail=np.sqrt(detail / background.energy[known]),
            fine=np.sqrt(fine / np.maximum(background.fineness[known], np.float32(0.05))),
            shapes=likeness(background.shapes, now.shapes),
            light=now.contrast / max(background.contrast, 0.1),
        )

    def learn(self, now: Picture, alike: Floats | None, dt_s: float) -> None:
        """Follow a healthy picture; a background that is minutes old takes one in every few seconds only."""
        self.learned_s = min(self.learned_s + dt_s, self._memory_s)
        self._waiting_s += dt_s
        if self.picture is None or alike is None:
            self.picture = now
            return
        if self._waiting_s < min(_EVERY_S, self.learned_s / 10):
            return
        share = np.float32(1.0 - np.exp(-self._waiting_s / min(self._memory_s, max(1.0, self.learned_s))))
        self._waiting_s = 0.0
        self.picture = Picture(self.picture.image + share * (now.image - self.picture.image))
        self._usual += share * (alike - self._usual)


def noise_energy(previous: Picture, now: Picture) -> float:
    """The part of ``now``'s fineness that is noise, from the quarter of the picture in which least changed.

    0 when the two show different things, because then nothing can be told from their difference.
    """
    if quantile(np.abs(now.shapes - previous.shapes), 0.5) > _SAME_LEVELS:
        return 0.0
    return 0.5 * quantile(Picture(now.image - previous.image).fineness, 0.25)
