"""Auto exposure: statistics of a picture and how it was exposed in, the next exposure out.

The loop reckons with the *scene*: each picture comes with the exposure it was taken with, so what the scene needs
follows from one picture alone, however many frames late the sensor obeys. Delay therefore cannot make it hunt; clipped
pictures only understate, and are caught up with step by step.
"""

from dataclasses import dataclass
from math import floor, log2

import numpy as np

from eyespot.hal.imaging.isp.statistics import HISTOGRAM_BINS, Statistics
from eyespot.kernel.errors import invalid

_DARKEST = 1e-4
_HIGHLIGHT_SHARE = 0.02
_HIGHLIGHT_LEVEL = 0.9
_CLIPPED_LEVEL = 0.98
_CLIPPED_BRIGHT = 1.3
_KEEP_STOPS = 0.25


@dataclass(frozen=True, slots=True)
class Exposure:
    """How a picture is exposed: ``seconds``, then ``gain`` (linear, 1 is none, analogue and digital together).

    ``flicker_free`` is False where mains light may show as bands: the scene is too bright for a whole half-wave.
    """

    seconds: float
    gain: float
    flicker_free: bool = True

    @property
    def total(self) -> float:
        """Seconds times gain: brightness of the picture for a given scene."""
        return self.seconds * self.gain


@dataclass(frozen=True, slots=True)
class ExposureSettings:
    """What the loop may do and wants.

    Attributes:
        min_seconds, max_seconds: exposure times that the sensor and the frame rate allow.
        max_gain: linear.
        target: mean brightness of the middle-weighted picture, as a share of white, linear.
        compensation_stops: wish of the owner, brighter above 0.
        protect_stops: how far highlights may pull brightness below the target.
        speed: share of the error (in stops) taken away with each picture.
        max_step_stops: the most that one picture changes.
        start_stops, stop_stops: errors at which the loop starts to move and comes to rest.
        mains_hz: frequency of the mains: long exposures are whole half-waves of it; 0 for daylight.
    """

    min_seconds: float = 1e-4
    max_seconds: float = 1 / 30
    max_gain: float = 16.0
    target: float = 0.16
    compensation_stops: float = 0.0
    protect_stops: float = 1.0
    speed: float = 0.4
    max_step_stops: float = 1.5
    start_stops: float = 0.2
    stop_stops: float = 0.05
    mains_hz: float = 50.0

    def __post_init__(self) -> None:
        sound = 0 < self.min_seconds <= self.max_seconds and self.max_gain >= 1 and 0 < self.target < 1
        sound = sound and 0 < self.speed <= 1 and 0 < self.stop_stops <= self.start_stops and self.mains_hz >= 0
        if not (sound and self.max_step_stops > 0 and 0 <= self.protect_stops <= 4):
            raise invalid("The settings of auto exposure contradict each other.", "Check its ranges.")


class AutoExposure:
    """The loop. ``next`` is called once a picture; nothing else is kept than whether it is moving and what it asked."""

    def __init__(self, settings: ExposureSettings, start: Exposure | None = None) -> None:
        self._settings = settings
        self.asked = start or self.split(settings.min_seconds * 10, None)
        self.is_moving = False

    def next(self, statistics: Statistics, taken: Exposure) -> Exposure:
        """The exposure to ask for, after a picture with ``statistics`` that was taken with ``taken``."""
        settings = self._settings
        wanted = taken.total * self._factor(statistics)
        low, high = settings.min_seconds, settings.max_seconds * settings.max_gain
        error = log2(min(max(wanted, low), high) / self.asked.total)
        self.is_moving = abs(error) > (settings.stop_stops if self.is_moving else settings.start_stops)
        if self.is_moving:
            step = max(-settings.max_step_stops, min(settings.max_step_stops, settings.speed * error))
            self.asked = self.split(self.asked.total * 2.0**step, self.asked)
        return self.asked

    def split(self, total: float, before: Exposure | None) -> Exposure:
        """``total`` as time and gain: time first (less noise), in whole half-waves of the mains where it is that long.

        Stays with the time of ``before`` while a little gain more does, so that the number of half-waves does not flip.
        """
        settings = self._settings
        total = min(max(total, settings.min_seconds), settings.max_seconds * settings.max_gain)
        wave = 0.5 / settings.mains_hz if settings.mains_hz else 0.0
        most = floor(settings.max_seconds / wave + 1e-6) * wave if wave else settings.max_seconds
        if wave == 0 or total < wave or most < wave:
            seconds = min(max(total, settings.min_seconds), settings.max_seconds)
            return Exposure(seconds, min(max(1.0, total / seconds), settings.max_gain), flicker_free=wave == 0)
        seconds = min(floor(total / wave + 1e-6) * wave, most)
        if before is not None and wave <= before.seconds < seconds and before.flicker_free:
            stays = log2(total / (before.seconds + wave)) < _KEEP_STOPS
            seconds = before.seconds if stays else seconds
        gain = total / seconds
        if gain > settings.max_gain:  # darker than whole half-waves can serve: light first
            return Exposure(settings.max_seconds, min(total / settings.max_seconds, settings.max_gain), False)
        return Exposure(seconds, gain)

    def _factor(self, statistics: Statistics) -> float:
        """By how much brighter the picture should have been."""
        settings = self._settings
        rows, columns = statistics.clipped.shape
        y, x = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)[None, :]
        weights = 1.0 / (1.0 + x * x + y * y)
        mean = float((statistics.cells.max(axis=2) * weights).sum() / weights.sum())
        factor = settings.target * 2.0**settings.compensation_stops / max(mean, _DARKEST)
        above = np.cumsum(statistics.histogram[::-1])
        bright = 1.0 - int(np.searchsorted(above, _HIGHLIGHT_SHARE)) / HISTOGRAM_BINS
        if bright > _CLIPPED_LEVEL:  # how bright it is cannot be told: more than a step above rest
            bright = _CLIPPED_BRIGHT
        least = factor * 2.0**-settings.protect_stops
        return float(max(min(factor, _HIGHLIGHT_LEVEL / max(bright, _DARKEST)), least))
