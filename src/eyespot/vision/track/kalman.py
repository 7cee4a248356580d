"""The motion model: a constant-velocity Kalman filter for all tracks at once, in units of each object's own height.

State of a track: centre (picture heights, isotropic) and logarithms of width and height, with a velocity each. The four
coordinates are independent, so a covariance is three numbers a coordinate. Noise is told in object heights (centre) and
in natural logarithms (size), which makes the same numbers right near and far, at any resolution; time is real seconds,
which makes them right at any frame rate. Process noise is white acceleration (Bar-Shalom, Li and Kirubarajan 2001,
section 6.2.2): covariance grows by ``q·dt³/3``, ``q·dt²/2`` and ``q·dt``. A table holds one track a column and one
number a row, so that what is computed alike lies side by side.
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
MEANS, VARIANCES, COVARIANCE = slice(0, 8), slice(8, 16), slice(8, 20)
"""Position and velocity together; variance of the position and its covariance with the velocity together; all three."""
STATE_ROWS = 20
CENTRE_VELOCITY, SIZE_VELOCITY = slice(4, 6), slice(6, 8)

MEASURE_VARIANCE: Floats = np.array([[0.095], [0.095], [0.16], [0.125]]) ** 2
"""Of a sure detection: about a tenth of a height for the centre, a little more for the size."""
ACCELERATION: Floats = np.array([0.35, 0.35, 0.02, 0.02])
"""Spectral density ``q``: walkers change speed by about half a height a second each second, sizes slowly."""
START_SPEED_VARIANCE: Floats = np.array([[0.8], [0.8], [0.1], [0.1]]) ** 2
FREEDOM = 4.0
"""Degrees of freedom of the Student-t distribution that measurements are taken to follow: a box around two people, or
around the visible half of one, is an outlier and moves its track little."""
SIZE_CALM_S = 1.0
"""Size velocity dies out with this time constant: nothing grows for ever."""


def born(measured: Floats) -> Floats:
    """``(STATE_ROWS, N)`` fresh states for ``(4, N)`` measurements (centre x, centre y, log width, log height)."""
    state = np.zeros((STATE_ROWS, measured.shape[1]))
    state[POSITION] = measured
    state[VAR_POSITION] = MEASURE_VARIANCE
    state[VAR_VELOCITY] = START_SPEED_VARIANCE
    return state


def predict(table: Floats, dt_s: float, calm: Floats | float) -> None:
    """Move all states ``dt_s`` (0 or more) ahead, in place; ``calm``, 1 or ``(N,)``, slows the centres."""
    cross = table[VAR_CROSS]
    if not isinstance(calm, float):
        table[CENTRE_VELOCITY] *= calm
    table[SIZE_VELOCITY] *= math.exp(-dt_s / SIZE_CALM_S)
    table[POSITION] += table[VELOCITY] * dt_s
    drift = table[VAR_VELOCITY] * dt_s
    spread = cross * 2.0
    spread += drift
    spread *= dt_s
    table[VAR_POSITION] += spread
    cross += drift
    noise = np.multiply.outer((dt_s**3 / 3.0, dt_s**2 / 2.0, dt_s), ACCELERATION)
    table[COVARIANCE] += noise.reshape(-1, 1)


def correct(state: Floats, measured: Floats, doubt: Floats | float) -> None:
    """Fold a measurement into each state, in place; the further from the prediction, the less it weighs.

    The weight is that of a Student-t likelihood (one step of the usual iteration, Roth, Ozkan and Gustafsson 2013).

    Args:
        state: ``(STATE_ROWS or more, M)``.
        measured: ``(4, M)`` centre x, centre y, log width, log height.
        doubt: factor on the measurement variance, 1 for sure detections or ``(M,)``.
    """
    variance, cross = state[VAR_POSITION], state[VAR_CROSS]
    noise = MEASURE_VARIANCE * doubt
    inverse = 1.0 / (variance + noise)
    wrong = measured - state[POSITION]
    surprise = _surprise(wrong, inverse, state[3])
    if max(surprise.tolist()) > len(MEASURE_VARIANCE):
        noise = noise * np.maximum(1.0, (FREEDOM + surprise) / (FREEDOM + len(MEASURE_VARIANCE)))
        inverse = 1.0 / (variance + noise)
    count = state.shape[1]
    gains = state[VARIANCES].reshape(2, 4, count) * inverse
    state[MEANS].reshape(2, 4, count)[:] += gains * wrong
    state[VAR_VELOCITY] -= gains[1] * cross
    state[VARIANCES].reshape(2, 4, count)[:] *= 1.0 - gains[0]


def _surprise(wrong: Floats, inverse: Floats, log_height: Floats) -> Floats:
    """``(M,)`` squared Mahalanobis distances, about 4 for a good measurement; centres are compared in heights."""
    share = wrong * wrong
    share[:2] *= np.exp(log_height * -2.0)
    share *= inverse
    result: Floats = np.add.reduce(share)
    return result


def measurements(boxes: NDArray[np.floating], aspect: float) -> Floats:
    """``(N, 4)`` boxes in fractions as ``(4, N)`` centre x, centre y, log width, log height in picture heights."""
    sides = np.array(boxes.T, np.float64, order="C")
    sides[0::2] *= aspect
    measured = np.empty_like(sides)
    low, high = sides[:2], sides[2:]
    centre, size = measured[:2], measured[2:]
    np.add(low, high, out=centre)
    centre *= 0.5
    np.subtract(high, low, out=size)
    np.log(np.maximum(size, 1e-4, out=size), out=size)
    return measured


def corners(centre_size: Floats) -> Floats:
    """``(4, N)`` centre x, centre y, log width, log height as ``x1 y1 x2 y2`` in picture heights."""
    half = np.exp(centre_size[2:])
    half *= 0.5
    box = np.empty(centre_size.shape)
    np.subtract(centre_size[:2], half, out=box[:2])
    np.add(centre_size[:2], half, out=box[2:])
    return box
