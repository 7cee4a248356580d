"""The motion model: a constant-velocity Kalman filter for all tracks at once, in units of each object's own height.

State of a track: centre (picture heights, isotropic) and logarithms of width and height, with a velocity each. The four
coordinates are independent, so a covariance is three numbers a coordinate. Noise is told in object heights (centre) and
in natural logarithms (size), which makes the same numbers right near and far, at any resolution; time is real seconds,
which makes them right at any frame rate. Process noise is white acceleration (Bar-Shalom, Li and Kirubarajan 2001,
section 6.2.2): covariance grows by ``q·dt³/3``, ``q·dt²/2`` and ``q·dt``.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

POSITION = slice(0, 4)
VELOCITY = slice(4, 8)
VAR_POSITION = slice(8, 12)
VAR_CROSS = slice(12, 16)
VAR_VELOCITY = slice(16, 20)
MEANS, VARIANCES = slice(0, 8), slice(8, 16)
"""Position and velocity together; variance of the position and its covariance with the velocity together."""
STATE_COLUMNS = 20
CENTRE_VELOCITY = slice(4, 6)

MEASURE_VARIANCE: Floats = np.array([0.095, 0.095, 0.16, 0.125]) ** 2
"""Of a sure detection: about a tenth of a height for the centre, a little more for the size."""
ACCELERATION: Floats = np.array([0.35, 0.35, 0.02, 0.02])
"""Spectral density ``q``: walkers change speed by about half a height a second each second, sizes slowly."""
START_SPEED_VARIANCE: Floats = np.array([0.8, 0.8, 0.1, 0.1]) ** 2
FREEDOM = 4.0
"""Degrees of freedom of the Student-t distribution that measurements are taken to follow: a box around two people, or
around the visible half of one, is an outlier and moves its track little."""
_ONES: Floats = np.ones(4)
SIZE_CALM_S = 1.0
"""Size velocity dies out with this time constant: nothing grows for ever."""


def born(measured: Floats) -> Floats:
    """``(N, STATE_COLUMNS)`` fresh states for ``(N, 4)`` measurements (centre x, centre y, log width, log height)."""
    state = np.zeros((len(measured), STATE_COLUMNS))
    state[:, POSITION] = measured
    state[:, VAR_POSITION] = MEASURE_VARIANCE
    state[:, VAR_VELOCITY] = START_SPEED_VARIANCE
    return state


def predict(table: Floats, dt_s: float, calm: Floats | float) -> None:
    """Move all states ``dt_s`` (0 or more) ahead, in place; ``calm``, 1 or ``(N, 1)``, slows the centres."""
    velocity, cross, spread = table[:, VELOCITY], table[:, VAR_CROSS], table[:, VAR_VELOCITY]
    if not isinstance(calm, float):
        table[:, CENTRE_VELOCITY] *= calm
    table[:, 6:8] *= math.exp(-dt_s / SIZE_CALM_S)
    table[:, POSITION] += velocity * dt_s
    noise = ACCELERATION * dt_s
    drift = spread * dt_s
    table[:, VAR_POSITION] += (cross * 2.0 + drift) * dt_s + noise * (dt_s * dt_s / 3.0)
    drift += noise * (dt_s / 2.0)
    cross += drift
    spread += noise


def correct(state: Floats, measured: Floats, doubt: Floats | float) -> None:
    """Fold a measurement into each state, in place; the further from the prediction, the less it weighs.

    The weight is that of a Student-t likelihood (one step of the usual iteration, Roth, Ozkan and Gustafsson 2013).

    Args:
        state: ``(M, STATE_COLUMNS or more)``.
        measured: ``(M, 4)`` centre x, centre y, log width, log height.
        doubt: factor on the measurement variance, 1 for sure detections or ``(M, 1)``.
    """
    variance, cross = state[:, VAR_POSITION], state[:, VAR_CROSS]
    noise = MEASURE_VARIANCE * doubt
    inverse = 1.0 / (variance + noise)
    wrong = measured - state[:, POSITION]
    surprise = _surprise(wrong, inverse, state[:, 3])
    if max(surprise.tolist()) > len(MEASURE_VARIANCE):
        noise = noise * np.maximum(1.0, (FREEDOM + surprise) / (FREEDOM + len(MEASURE_VARIANCE)))[:, None]
        inverse = 1.0 / (variance + noise)
    gains = state[:, VARIANCES].reshape(-1, 2, 4) * inverse[:, None]
    moves = state[:, MEANS].reshape(-1, 2, 4)
    moves += gains * wrong[:, None]
    state[:, VAR_VELOCITY] -= gains[:, 1] * cross
    rest = 1.0 - gains[:, 0]
    variance *= rest
    cross *= rest


def _surprise(wrong: Floats, inverse: Floats, log_height: Floats) -> Floats:
    """``(M,)`` squared Mahalanobis distances, about 4 for a good measurement; centres are compared in heights."""
    share = wrong * wrong
    share[:, :2] *= np.exp(log_height * -2.0)[:, None]
    share *= inverse
    result: Floats = share @ _ONES
    return result


def measurements(boxes: NDArray[np.floating], aspect: float) -> Floats:
    """``(N, 4)`` boxes in fractions as centre x, centre y, log width, log height in picture heights."""
    measured = np.empty((len(boxes), 4))
    low, high = boxes[:, :2], boxes[:, 2:]
    np.add(low, high, out=measured[:, :2])
    measured[:, :2] *= 0.5
    np.subtract(high, low, out=measured[:, 2:])
    measured[:, 0] *= aspect
    measured[:, 2] *= aspect
    np.log(np.maximum(measured[:, 2:], 1e-4), out=measured[:, 2:])
    return measured


def corners(centre_size: Floats) -> Floats:
    """``(N, 4)`` centre x, centre y, log width, log height as ``x1 y1 x2 y2`` in picture heights."""
    half = np.exp(centre_size[:, 2:]) * 0.5
    box = np.empty(centre_size.shape)
    np.subtract(centre_size[:, :2], half, out=box[:, :2])
    np.add(centre_size[:, :2], half, out=box[:, 2:])
    return box
