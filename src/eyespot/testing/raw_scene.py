"""A scene of known colours and the raw picture that a sensor of known faults would make of it.

The sensor's model is linear: its colours are a fixed matrix away from linear sRGB, and light of another colour scales
them. A real sensor's spectral curves are not like that (two surfaces that look alike to an eye may differ to it), so
what is shown here is that the ISP undoes what it is told of, not that a matrix fits a real sensor.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.imaging.isp.auto_white_balance import Light
from eyespot.hal.imaging.isp.colour import srgb_decode, srgb_encode
from eyespot.hal.imaging.isp.raw import Raw, RawFormat
from eyespot.hal.imaging.isp.settings import SensorProfile
from eyespot.hal.imaging.isp.statistics import stretch

# The 24 patches of the classic colour chart, as 8-bit sRGB under D65 (published averages).
CHART = (
    (115, 82, 68), (194, 150, 130), (98, 122, 157), (87, 108, 67), (133, 128, 177), (103, 189, 170),
    (214, 126, 44), (80, 91, 166), (193, 90, 99), (94, 60, 108), (157, 188, 64), (224, 163, 46),
    (56, 61, 150), (70, 148, 73), (175, 54, 60), (231, 199, 31), (187, 86, 149), (8, 133, 161),
    (243, 243, 242), (200, 200, 200), (160, 160, 160), (122, 122, 121), (85, 85, 85), (52, 52, 52),
)  # fmt: skip
TO_SENSOR = np.array([[0.62, 0.33, 0.05], [0.18, 0.68, 0.14], [0.05, 0.27, 0.68]])
"""Linear sRGB to the sensor's balanced colours: broad, overlapping filters. Rows sum to 1."""
_inverse = np.linalg.inv(TO_SENSOR)
MATRIX = (
    (float(_inverse[0, 0]), float(_inverse[0, 1]), float(_inverse[0, 2])),
    (float(_inverse[1, 0]), float(_inverse[1, 1]), float(_inverse[1, 2])),
    (float(_inverse[2, 0]), float(_inverse[2, 1]), float(_inverse[2, 2])),
)
"""What undoes ``TO_SENSOR``: the colour matrix of the sensor's profile."""


@dataclass(frozen=True, slots=True)
class Scene:
    """``truth``: ``(height, width, 3)`` uint8 sRGB; ``patches``: rows and columns of the chart's 24 patches."""

    truth: NDArray[np.uint8]
    patches: tuple[tuple[slice, slice], ...]

    @property
    def linear(self) -> NDArray[np.float64]:
        """The scene in linear light, 0 to 1."""
        return srgb_decode(self.truth / 255.0)


def make_scene(width_px: int, height_px: int) -> Scene:
    """The colour chart, a zone plate, grey and colour ramps, and slanted edges; the rest a soft grey."""
    light = np.full((height_px, width_px, 3), 0.18)
    half_h, half_w = height_px // 2, width_px // 2
    patches = _draw_chart(light[:, :half_w])
    light[:half_h, half_w:] = _zone_plate(half_h, width_px - half_w)[..., None]
    low = light[half_h:, half_w:]
    ramp = np.linspace(0.0, 1.0, low.shape[1])
    band = low.shape[0] // 4
    for number, colour in enumerate(((1, 1, 1), (1, 0.25, 0.2), (0.2, 0.45, 1))):
        low[number * band : (number + 1) * band] = ramp[:, None] * np.array(colour)
    rows, columns = np.mgrid[: low.shape[0] - 3 * band, : low.shape[1]]
    low[3 * band :] = np.where(((columns + rows * 0.2) // 24) % 2 == 0, 0.05, 0.7)[..., None]
    return Scene(np.round(srgb_encode(light) * 255).astype(np.uint8), patches)


def _draw_chart(area: NDArray[np.float64]) -> tuple[tuple[slice, slice], ...]:
    """Fills ``area`` with the patches, four rows of six, and returns each one's middle."""
    colours = srgb_decode(np.array(CHART) / 255.0)
    tall, wide = area.shape[0] // 4, area.shape[1] // 6
    middles = []
    for number, colour in enumerate(colours):
        top, left = number // 6 * tall, number % 6 * wide
        gap_y, gap_x = tall // 10, wide // 10
        area[top + gap_y : top + tall - gap_y, left + gap_x : left + wide - gap_x] = colour
        inner = slice(top + tall // 4, top + 3 * tall // 4), slice(left + wide // 4, left + 3 * wide // 4)
        middles.append(inner)
    return tuple(middles)


def _zone_plate(height_px: int, width_px: int) -> NDArray[np.float64]:
    """Rings that get finer outwards, to a quarter of a cycle a pixel in the corners, the most that red can hold."""
    y, x = np.mgrid[:height_px, :width_px]
    squared = (y - height_px / 2) ** 2 + (x - width_px / 2) ** 2
    rate = 0.25 / np.hypot(height_px, width_px)
    plate: NDArray[np.float64] = 0.5 + 0.4 * np.cos(2 * np.pi * rate * squared)
    return plate


@dataclass(frozen=True, slots=True)
class Faults:
    """How a sensor spoils a scene.

    Attributes:
        illuminant: what the light does to red, green and blue; the brightest 1, for the ISP to show the scene at
            ``exposure``.
        exposure: brightness relative to the truth; what exceeds white is clipped.
        black: sample value without light.
        shot, read: noise as in ``SensorProfile``; 0 for none.
        falloff: share of light lost in the corners.
        hot: how many samples are stuck, half at white, half at black.
    """

    illuminant: tuple[float, float, float] = (0.6, 1.0, 0.5)
    exposure: float = 0.9
    black: float = 64.0
    shot: float = 0.25
    read: float = 1.5
    falloff: float = 0.4
    hot: int = 0
    seed: int = 1


def shading_grid(falloff: float) -> NDArray[np.float32]:
    """The gains that undo a fall-off with the square of the distance from the middle."""
    y, x = np.mgrid[-1:1:17j, -1:1:25j]
    loss = falloff * (x * x + y * y) / 2
    return np.repeat((1 / (1 - loss))[None], 3, axis=0).astype(np.float32)


def make_raw(linear: NDArray[np.float64], form: RawFormat, faults: Faults) -> Raw:
    """What the sensor makes of ``linear`` (``(height, width, 3)``, linear sRGB): ``(height, width)`` samples."""
    seen = linear @ TO_SENSOR.T * (np.array(faults.illuminant) * faults.exposure)
    y, x = form.red
    mosaic = np.ascontiguousarray(seen[..., 1])
    mosaic[y::2, x::2] = seen[y::2, x::2, 0]
    mosaic[1 - y :: 2, 1 - x :: 2] = seen[1 - y :: 2, 1 - x :: 2, 2]
    mosaic /= stretch(shading_grid(faults.falloff)[:1], form.height_px, form.width_px)[0]
    value = mosaic * (form.white - faults.black)
    random = np.random.default_rng(faults.seed)
    value += random.standard_normal(value.shape) * np.sqrt(faults.shot * np.maximum(value, 0) + faults.read**2)
    raw = np.clip(np.round(value + faults.black), 0, form.white).astype(np.uint16)
    for number in range(faults.hot):
        raw[random.integers(form.height_px), random.integers(form.width_px)] = form.white if number % 2 else 0
    return raw


def make_profile(faults: Faults) -> SensorProfile:
    """What a calibration of the sensor would have found."""
    return SensorProfile(
        black=faults.black,
        matrix=MATRIX,
        shot=faults.shot,
        read=faults.read,
        shading=shading_grid(faults.falloff) if faults.falloff else None,
    )


def light_of(kelvin: float) -> tuple[float, float, float]:
    """What a black body of ``kelvin`` (1,667 to 25,000) does to the sensor's red, green and blue; green is 1.

    The locus is the cubic approximation of Kim et al. (US patent 7,024,034); 6,504 K gives nearly (1, 1, 1).
    """
    t = 1e3 / kelvin
    if kelvin < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
    if kelvin < 2222:
        y = -1.1063814 * x**3 - 1.34811020 * x**2 + 2.18555832 * x - 0.20219683
    elif kelvin < 4000:
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    xyz = np.array([x / y, 1.0, (1 - x - y) / y])
    linear = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]) @ xyz
    red, green, blue = TO_SENSOR @ linear
    return float(red / green), 1.0, float(blue / green)


def calibrated_lights() -> tuple[Light, ...]:
    """The lights that a calibration of the sensor would list."""
    kelvins = (2300.0, 2850.0, 3500.0, 4500.0, 5500.0, 6500.0, 8000.0)
    return tuple(Light(kelvin, light_of(kelvin)[0], light_of(kelvin)[2]) for kelvin in kelvins)


def brightest_one(light: tuple[float, float, float]) -> tuple[float, float, float]:
    """``light`` scaled so that its strongest colour is 1."""
    most = max(light)
    return light[0] / most, light[1] / most, light[2] / most
