"""What the ISP is told: what the sensor is like (measured once, per kind of sensor), and what is wanted now."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import invalid

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
IDENTITY: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
MAX_GAIN = 16.0


@dataclass(frozen=True, slots=True)
class SensorProfile:
    """What is known of a sensor behind its lens.

    Attributes:
        black: sample value without light.
        matrix: from balanced sensor colours to linear sRGB; each row sums to 1, so that white stays white.
        shot: variance of a sample for each unit of its value above black, at unity gain (photon noise).
        read: standard deviation of a sample without light, in sample values, at unity gain.
        shading: gain of red, green, blue over the picture, ``(3, rows, columns)`` of a coarse grid spanning it corner
            to corner, each at least 1; None where the lens needs none.
        defects: ``(row, column)`` of samples known to be bad.
    """

    black: float = 0.0
    matrix: Matrix = IDENTITY
    shot: float = 0.5
    read: float = 2.0
    shading: NDArray[np.float32] | None = None
    defects: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        values = np.asarray(self.matrix, np.float64)
        if values.shape != (3, 3) or not np.isfinite(values).all() or abs(values.sum(axis=1) - 1).max() > 0.01:
            raise invalid("The colour matrix is unfit.", "It must be 3 by 3, and each row must sum to 1.")
        grid = self.shading
        if grid is not None and (grid.ndim != 3 or grid.shape[0] != 3 or min(grid.shape[1:]) < 2 or grid.min() < 0.5):
            raise invalid("The lens shading grid is unfit.", "It is (3, rows, columns), 2 by 2 or more, gains near 1.")


@dataclass(frozen=True, slots=True)
class IspSettings:
    """What is wanted of the next picture.

    Attributes:
        red_gain, blue_gain: white balance relative to green.
        digital_gain: brightening after the sensor, 1 to ``MAX_GAIN``.
        sensor_gain: what the sensor has amplified already (linear); the noise to expect grows with it.
        denoise: 0 (off) to 1; sharpen: 0 (off) to 1; both are strengths.
        wdr: 0 (off) to 1: how far shadows are lifted by the tone curve.
        saturation: 0 (grey) to 2, 1 as the sensor saw it.
        repair: replace samples that stand out from all their neighbours.
    """

    red_gain: float = 1.0
    blue_gain: float = 1.0
    digital_gain: float = 1.0
    sensor_gain: float = 1.0
    denoise: float = 0.5
    sharpen: float = 0.3
    wdr: float = 0.0
    saturation: float = 1.0
    repair: bool = True

    def __post_init__(self) -> None:
        for name in ("red_gain", "blue_gain"):
            _within(name, getattr(self, name), 0.1, MAX_GAIN)
        _within("digital_gain", self.digital_gain, 1.0, MAX_GAIN)
        _within("sensor_gain", self.sensor_gain, 1.0, 1024.0)
        for name in ("denoise", "sharpen", "wdr"):
            _within(name, getattr(self, name), 0.0, 1.0)
        _within("saturation", self.saturation, 0.0, 2.0)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise invalid(f"{name} is {value:g}.", f"It may be {low:g} to {high:g}.")
