"""Pictures upright and straight: turns and flips, and perspective views cut out of a fisheye picture.

Owns the geometry of ``contracts.lens`` and remapping pixels by it. Models: see ``LensGeometry``; the polynomial is that
of Kannala and Brandt, "A generic camera model and calibration method" (PAMI 2006).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.contracts.lens import LensGeometry, Orientation
from eyespot.kernel.errors import invalid
from eyespot.media.pixels import Pixels

Floats = NDArray[np.float64]
_NEWTON_STEPS = 30
_MAX_SIDE_PX = 8192
_WEIGHT_BITS = 7


def upright(picture: Pixels, orientation: Orientation) -> Pixels:
    """``picture`` (``(rows, columns)`` or ``(rows, columns, n)``) flipped, then turned; contiguous."""
    return np.ascontiguousarray(upright_view(picture, orientation))


def upright_view(picture: Pixels, orientation: Orientation) -> Pixels:
    """The same as ``upright``, in the memory of ``picture``."""
    if orientation.flip_horizontal:
        picture = picture[:, ::-1]
    if orientation.flip_vertical:
        picture = picture[::-1]
    return np.rot90(picture, -(orientation.degrees // 90))


def upright_points(points: Floats, orientation: Orientation) -> Floats:
    """Where points ``(..., 2)`` (x, y in fractions of the picture) of the sensor's picture are in the upright one."""
    x, y = points[..., 0], points[..., 1]
    if orientation.flip_horizontal:
        x = 1 - x
    if orientation.flip_vertical:
        y = 1 - y
    for _ in range(orientation.degrees // 90):
        x, y = 1 - y, x
    return np.stack([x, y], axis=-1)


def radius(lens: LensGeometry, angle: Floats) -> Floats:
    """Distance from the centre, in focal lengths, of rays ``angle`` (radians) off the axis."""
    if lens.model == "perspective":
        return np.asarray(np.tan(angle))
    if lens.model == "equidistant":
        return angle
    k1, k2, k3, k4 = lens.k
    square = angle * angle
    return angle * (1 + square * (k1 + square * (k2 + square * (k3 + square * k4))))


def angle_of(lens: LensGeometry, distance: Floats) -> Floats:
    """The inverse of ``radius``, up to the lens's widest angle; NaN beyond. Halving is mixed in where Newton strays."""
    widest = np.radians(lens.max_degrees)
    if lens.model == "perspective":
        angle: Floats = np.arctan(distance)
    elif lens.model == "equidistant":
        angle = distance
    else:
        angle = _solve(lens, distance, widest)
    return np.where(angle <= widest + 1e-12, angle, np.nan)


def _solve(lens: LensGeometry, distance: Floats, widest: float) -> Floats:
    """The least angle whose polynomial is ``distance``; beyond ``widest`` where there is none."""
    powers = np.array([1.0, *lens.k]) * (1, 3, 5, 7, 9)
    low, high = np.zeros_like(distance), np.full_like(distance, widest)
    angle = np.minimum(distance, widest)
    for _ in range(_NEWTON_STEPS):
        error = radius(lens, angle) - distance
        low, high = np.where(error < 0, angle, low), np.where(error > 0, angle, high)
        square = angle * angle
        slope = sum(power * square**number for number, power in enumerate(powers))
        with np.errstate(divide="ignore", invalid="ignore"):
            step = angle - error / slope
        angle = np.where((step > low) & (step < high), step, np.where(error == 0, angle, (low + high) / 2))
    reached = radius(lens, np.full_like(distance, widest))
    return np.where(distance <= reached + 1e-9, angle, np.inf)


def project(lens: LensGeometry, rays: Floats) -> Floats:
    """Where rays ``(..., 3)`` (x right, y down, z along the axis) land: ``(..., 2)`` in fractions; NaN: not seen."""
    x, y, z = np.moveaxis(rays, -1, 0)
    off_axis = np.hypot(x, y)
    angle = np.arctan2(off_axis, z)
    seen = angle <= np.radians(lens.max_degrees)
    distance = radius(lens, np.where(seen, angle, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(off_axis > 0, distance / off_axis, 0.0)
    landed = np.stack([lens.centre_x + lens.focal_x * scale * x, lens.centre_y + lens.focal_y * scale * y], axis=-1)
    return np.where(seen[..., None], landed, np.nan)


def unproject(lens: LensGeometry, points: Floats) -> Floats:
    """Rays of length 1, ``(..., 3)``, that land at ``points`` (``(..., 2)``, fractions); NaN beyond the lens."""
    x = (points[..., 0] - lens.centre_x) / lens.focal_x
    y = (points[..., 1] - lens.centre_y) / lens.focal_y
    distance = np.hypot(x, y)
    angle = angle_of(lens, distance)
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(distance > 0, np.sin(angle) / distance, 0.0)
    return np.stack([x * scale, y * scale, np.cos(angle)], axis=-1)


@dataclass(frozen=True, slots=True)
class Look:
    """A perspective view into the scene: where it points, and how wide it is.

    Attributes:
        pan_degrees: to the right of the lens's axis; tilt_degrees: below it; roll_degrees: clockwise.
        width_degrees: horizontal field of view, above 0 and below 170.
    """

    pan_degrees: float = 0.0
    tilt_degrees: float = 0.0
    roll_degrees: float = 0.0
    width_degrees: float = 90.0

    def turn(self) -> Floats:
        """``(3, 3)``: from directions in the view to directions in front of the lens."""
        pan, tilt, roll = np.radians([self.pan_degrees, self.tilt_degrees, self.roll_degrees])
        about_y = np.array([[np.cos(pan), 0, np.sin(pan)], [0, 1, 0], [-np.sin(pan), 0, np.cos(pan)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        turned: Floats = about_y @ about_x @ about_z
        return turned


class Dewarp:
    """Cuts one perspective view out of pictures of one lens and size. The map is worked out once.

    Pixels are blended from the four nearest (bilinear, weights of 1/128); what the lens does not see is 0.

    Raises:
        EyespotError: ``INVALID`` on absurd sizes or fields of view.
    """

    def __init__(
        self, lens: LensGeometry, source_px: tuple[int, int], size_px: tuple[int, int], look: Look | None = None
    ) -> None:
        """``source_px`` and ``size_px`` are width and height, of the lens's pictures and of the view."""
        self._lens, self._look = lens, look or Look()
        self._source_px, self._size_px = source_px, size_px
        if not all(2 <= side <= _MAX_SIDE_PX for side in (*source_px, *size_px)):
            raise invalid("The size of a view is unfit.", f"Give sides of 2 to {_MAX_SIDE_PX} pixels.")
        if not 0 < self._look.width_degrees < 170:
            raise invalid("A flat view cannot be that wide.", "Give less than 170 degrees, or several views.")
        self._scale = 2 * np.tan(np.radians(self._look.width_degrees) / 2) / size_px[0]
        self._index, self._weights, self._unseen = self._map()

    def remap(self, picture: Pixels) -> Pixels:
        """The view of ``picture``, ``(height, width)`` or ``(height, width, n)`` uint8."""
        width, height = self._source_px
        if picture.shape[:2] != (height, width) or picture.dtype != np.uint8:
            raise invalid(f"The picture is {list(picture.shape)}.", f"This view is made of {width}x{height} pictures.")
        if picture.ndim == 3:
            return np.stack([self.remap(picture[..., n]) for n in range(picture.shape[2])], axis=-1)
        flat = np.ascontiguousarray(picture).reshape(-1)
        mixed = np.full(self._index.shape, 1 << (2 * _WEIGHT_BITS - 1), np.uint32)
        for offset, weight in zip((0, 1, width, width + 1), self._weights, strict=True):
            mixed += np.take(flat, self._index + offset, mode="clip") * weight
        view = (mixed >> np.uint32(2 * _WEIGHT_BITS)).astype(np.uint8)
        view[self._unseen] = 0
        return view

    def to_source(self, points: Floats) -> Floats:
        """Where points ``(..., 2)`` of the view (fractions) are in the lens's picture (fractions); NaN: not seen."""
        width, height = self._size_px
        x = (points[..., 0] - 0.5) * width * self._scale
        y = (points[..., 1] - 0.5) * height * self._scale
        rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ self._look.turn().T
        return project(self._lens, rays)

    def to_view(self, points: Floats) -> Floats:
        """Where points ``(..., 2)`` of the lens's picture (fractions) are in the view; NaN behind it."""
        rays = unproject(self._lens, points) @ self._look.turn()
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = np.where(rays[..., 2:] > 1e-9, rays[..., :2] / rays[..., 2:], np.nan)
        width, height = self._size_px
        view: Floats = flat / self._scale / (width, height) + 0.5
        return view

    def _map(self) -> tuple[NDArray[np.intp], NDArray[np.uint32], NDArray[np.bool_]]:
        width, height = self._size_px
        wide, tall = self._source_px
        x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
        landed = self.to_source(np.stack([x, y], axis=-1)) * (wide, tall) - 0.5
        inside = (landed >= -0.5) & (landed <= np.array([wide, tall]) - 0.5)
        seen = np.asarray(inside.all(axis=-1))  # NaN compares as outside
        at_x = np.clip(np.where(seen, landed[..., 0], 0), 0, wide - 1)
        at_y = np.clip(np.where(seen, landed[..., 1], 0), 0, tall - 1)
        left = np.minimum(at_x.astype(np.intp), wide - 2)
        top = np.minimum(at_y.astype(np.intp), tall - 2)
        one = 1 << _WEIGHT_BITS
        right = np.round((at_x - left) * one).astype(np.uint32)
        below = np.round((at_y - top) * one).astype(np.uint32)
        weights = np.stack([(one - right) * (one - below), right * (one - below), (one - right) * below, right * below])
        return top * wide + left, weights, ~seen
