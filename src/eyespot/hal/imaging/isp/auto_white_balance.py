"""Auto white balance: statistics of a picture in, red and blue gains out.

Light in the world lies near one curve from candle to blue sky; a sensor's calibration says where that curve runs in its
colours. The loop tries points along it and keeps the one under which most cells of the picture come out grey, strongly
coloured cells counting no more than a limit (the search of the Raspberry Pi's libcamera tuning guide, without priors).
A coloured wall therefore does not pull it as it pulls a grey world. Without a calibration it is a grey world of the
cells nearest to grey.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.statistics import Statistics
from eyespot.kernel.errors import invalid

_DIM, _BRIGHT = 0.02, 0.92
_LEAST_CELLS = 6
_FAR = 0.12
"""A cell further than this from grey (in logarithms of colour ratios) counts no more for being further."""
_STEPS = 64


@dataclass(frozen=True, slots=True)
class Light:
    """A grey surface under a light of ``kelvin``: its red and blue in the sensor's colours, green being 1."""

    kelvin: float
    red: float
    blue: float


@dataclass(frozen=True, slots=True)
class Balance:
    """White balance: gains relative to green, and the light they are for (0 where it is not known)."""

    red_gain: float
    blue_gain: float
    kelvin: float = 0.0


@dataclass(frozen=True, slots=True)
class BalanceSettings:
    """What the loop may do and wants.

    Attributes:
        lights: the sensor's calibration, two or more by rising ``kelvin``; empty for none.
        off_curve: how far (logarithm) the answer may leave the curve, for lamps that are no black bodies.
        speed: share of the error (in logarithms of the gains) taken away with each picture.
        start, stop: errors at which the loop starts to move and comes to rest; 0.02 is two per cent of a gain.
        min_gain, max_gain: bounds of both gains.
    """

    lights: tuple[Light, ...] = ()
    off_curve: float = 0.08
    speed: float = 0.25
    start: float = 0.025
    stop: float = 0.006
    min_gain: float = 0.25
    max_gain: float = 8.0

    def __post_init__(self) -> None:
        kelvins = [light.kelvin for light in self.lights]
        if len(kelvins) == 1 or kelvins != sorted(set(kelvins)) or any(min(x.red, x.blue) <= 0 for x in self.lights):
            raise invalid(
                "The calibration of the lights is unfit.", "Give two or more, by rising kelvin, ratios above 0."
            )
        if not (0 < self.speed <= 1 and 0 < self.stop <= self.start and 0 < self.min_gain < self.max_gain):
            raise invalid("The settings of auto white balance contradict each other.", "Check its ranges.")


class AutoWhiteBalance:
    """The loop. ``next`` is called once a picture."""

    def __init__(self, settings: BalanceSettings, start: Balance | None = None) -> None:
        self._settings = settings
        self._curve = _curve(settings.lights)
        self.asked = start or Balance(1.0, 1.0)
        self.is_moving = False

    def next(self, statistics: Statistics) -> Balance:
        """The balance to use from now on; unchanged when the picture has too few usable cells to judge by."""
        colours = _usable(statistics)
        if len(colours) < _LEAST_CELLS:
            return self.asked
        wanted, kelvin = self._estimate(colours)
        settings = self._settings
        now = np.log([self.asked.red_gain, self.asked.blue_gain])
        error = -wanted - now
        self.is_moving = float(np.abs(error).max()) > (settings.stop if self.is_moving else settings.start)
        self.is_moving |= self.asked.kelvin == 0 and kelvin > 0
        if self.is_moving:
            red, blue = np.exp(now + settings.speed * error).clip(settings.min_gain, settings.max_gain)
            self.asked = Balance(float(red), float(blue), kelvin)
        return self.asked

    def _estimate(self, colours: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        """Logarithms of red and blue of grey under the light, and its kelvin (0 without a calibration)."""
        if self._curve is None:
            return _nearest_grey(colours, np.median(colours, axis=0)), 0.0
        kelvins, points = self._curve
        distances = ((colours[None] - points[:, None]) ** 2).sum(axis=2)
        best = int(np.minimum(distances, _FAR**2).sum(axis=1).argmin())
        refined = _nearest_grey(colours, points[best])
        off = refined - points[best]
        length = float(np.hypot(*off))
        limit = self._settings.off_curve
        return points[best] + off * min(1.0, limit / max(length, 1e-9)), float(kelvins[best])


def gains_for(kelvin: float, lights: tuple[Light, ...]) -> Balance:
    """The balance for a light of ``kelvin`` by the calibration ``lights``; beyond its ends, that of the end."""
    if len(lights) < 2:
        raise invalid("The sensor has no calibration of lights.", "Give gains instead of a colour temperature.")
    mireds = [-1e6 / light.kelvin for light in lights]
    red = exp(-float(np.interp(-1e6 / kelvin, mireds, [log(light.red) for light in lights])))
    blue = exp(-float(np.interp(-1e6 / kelvin, mireds, [log(light.blue) for light in lights])))
    return Balance(red, blue, kelvin)


def _usable(statistics: Statistics) -> NDArray[np.float64]:
    """``(n, 2)`` logarithms of red and blue over green of cells neither dim nor clipped."""
    cells = statistics.cells.reshape(-1, 3).astype(np.float64)
    fit = (cells.min(axis=1) > _DIM / 4) & (cells[:, 1] > _DIM) & (cells.max(axis=1) < _BRIGHT)
    fit &= statistics.clipped.reshape(-1) < 0.05
    chosen = cells[fit]
    ratios: NDArray[np.float64] = np.log(chosen[:, (0, 2)] / chosen[:, 1:2])
    return ratios


def _nearest_grey(colours: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """The middle of the cells around ``start``, by weights that fall to nothing at ``_FAR`` (mean shift)."""
    at = start
    for _ in range(10):
        weights = np.maximum(0.0, 1.0 - ((colours - at) ** 2).sum(axis=1) / _FAR**2)
        if weights.sum() < 1e-6:
            return at
        at = (colours * weights[:, None]).sum(axis=0) / weights.sum()
    return at


def _curve(lights: tuple[Light, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Kelvins and ``(n, 2)`` logarithms of red and blue along the calibrated curve, even in 1 / kelvin."""
    if not lights:
        return None
    kelvins = 1.0 / np.linspace(1 / lights[0].kelvin, 1 / lights[-1].kelvin, _STEPS)
    balances = [gains_for(float(kelvin), lights) for kelvin in kelvins]
    return kelvins, -np.log([[item.red_gain, item.blue_gain] for item in balances])
