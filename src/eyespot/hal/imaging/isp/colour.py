"""Sensor colours to display colours: matrix, saturation, and the tone curve as a table."""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.demosaic import Phases
from eyespot.hal.imaging.isp.settings import Matrix

TABLE_BITS = 12
TABLE_TOP = (1 << TABLE_BITS) - 1
_LUMA = np.array([0.2126, 0.7152, 0.0722])
"""Shares of linear red, green and blue in brightness (ITU-R BT.709)."""
_WDR_STOPS = 2.0
_MOST_LIGHT = 1.75
"""The demosaicing filters make at most this of samples from 0 to 1, and at least 1 less than this below 0."""


def srgb_encode(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linear light 0 to 1 to sRGB 0 to 1 (IEC 61966-2-1); values outside are clipped."""
    light = np.clip(linear, 0.0, 1.0)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def srgb_decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    """sRGB 0 to 1 to linear light 0 to 1 (IEC 61966-2-1)."""
    value = np.clip(encoded, 0.0, 1.0)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def tone_table(wdr: float) -> NDArray[np.uint8]:
    """The tone curve: linear light 0 to ``TABLE_TOP`` to an 8-bit sRGB value.

    ``wdr`` 0 is sRGB itself; up to 1 shadows are lifted by up to two stops while white stays: ``x (1 + k) / (x + k)``
    (Reinhard et al. 2002, with a white point) with k falling from infinity.
    """
    light = np.arange(TABLE_TOP + 1) / TABLE_TOP
    if wdr > 0:
        lift = 2.0 ** (_WDR_STOPS * wdr)
        # slope at zero is (1 + k) / k = lift
        k = 1.0 / (lift - 1.0)
        light = light * (1.0 + k) / (light + k)
    return np.round(srgb_encode(light) * 255).astype(np.uint8)


def saturated(matrix: Matrix, saturation: float) -> NDArray[np.float32]:
    """``matrix`` followed by a change of saturation that keeps brightness: ``(3, 3)``."""
    grey = np.tile(_LUMA, (3, 1))
    mixed: NDArray[np.float64] = (grey + saturation * (np.eye(3) - grey)) @ np.asarray(matrix, np.float64)
    return mixed.astype(np.float32)


def to_display(phases: Phases, matrix: NDArray[np.float32], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Apply ``matrix`` and ``table`` to linear colours 0 to 1; the result has the shape of ``phases``.

    Indices below 0 and beyond the table read its ends.

    Worked out colour by colour: a product of matrices would wake the threads of a BLAS for three by three numbers.
    """
    scaled = matrix * np.float32(TABLE_TOP)
    shown = np.empty(phases.shape, np.uint8)
    light = np.empty(phases.shape[3:], np.float32)
    term, index = np.empty_like(light), np.empty(light.shape, np.int16)
    fits = float(np.abs(scaled).sum(axis=1).max()) * _MOST_LIGHT < np.iinfo(np.int16).max
    for y, x in product((0, 1), (0, 1)):
        for row, weights in enumerate(scaled):
            np.multiply(phases[0, y, x], weights[0], out=light)
            for column in (1, 2):
                np.multiply(phases[column, y, x], weights[column], out=term)
                light += term
            if not fits:
                np.clip(light, np.float32(0), np.float32(TABLE_TOP), out=light)
            np.copyto(index, light, casting="unsafe")
            np.take(table, index, out=shown[row, y, x], mode="clip")
    return shown
