"""How a camera's pictures relate to the world: orientation, lens geometry, and the parts that nobody may see."""

from dataclasses import dataclass
from typing import Literal

from eyespot.kernel.errors import invalid

Polygon = tuple[tuple[float, float], ...]
"""Corners ``(x, y)`` in fractions of the picture; closed by itself."""
MAX_MASKS = 64
MAX_CORNERS = 128


@dataclass(frozen=True, slots=True)
class Orientation:
    """How the sensor is mounted. To show a picture upright it is first flipped, then turned.

    Attributes:
        degrees: clockwise turn to be applied: 0, 90, 180 or 270.
    """

    flip_horizontal: bool = False
    flip_vertical: bool = False
    degrees: Literal[0, 90, 180, 270] = 0

    def __post_init__(self) -> None:
        if self.degrees not in (0, 90, 180, 270):
            raise invalid(f"A picture cannot be turned by {self.degrees} degrees.", "Choose 0, 90, 180 or 270.")


@dataclass(frozen=True, slots=True)
class LensGeometry:
    """Where a ray lands: a ray at angle t off the axis lands ``r(t)`` from the centre of the picture.

    ``perspective``: r = focal tan t. ``equidistant``: r = focal t. ``polynomial`` (Kannala and Brandt, PAMI 2006, as
    OpenCV's fisheye model): r = focal (t + k1 t³ + k2 t⁵ + k3 t⁷ + k4 t⁹).

    Attributes:
        focal_x, focal_y: in widths and heights of the picture, so that they hold at every resolution.
        centre_x, centre_y: in fractions of the picture.
        max_degrees: angle off the axis beyond which nothing is seen.
    """

    model: Literal["perspective", "equidistant", "polynomial"]
    focal_x: float
    focal_y: float
    centre_x: float = 0.5
    centre_y: float = 0.5
    k: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    max_degrees: float = 90.0

    def __post_init__(self) -> None:
        if self.model not in ("perspective", "equidistant", "polynomial"):
            raise invalid(f"There is no lens model '{self.model}'.")
        if not (0.01 <= self.focal_x <= 100 and 0.01 <= self.focal_y <= 100):
            raise invalid("The focal length is unfit.", "It is in widths and heights of the picture, 0.01 to 100.")
        limit = 89.9 if self.model == "perspective" else 180.0
        if not (0 < self.max_degrees <= 180 and -1 <= self.centre_x <= 2 and -1 <= self.centre_y <= 2):
            raise invalid("The lens geometry is unfit.", "Check its centre and its widest angle.")
        if len(self.k) != 4 or not all(abs(value) <= 100 for value in self.k):
            raise invalid("The lens polynomial is unfit.", "Give four numbers between -100 and 100.")
        object.__setattr__(self, "max_degrees", min(self.max_degrees, limit))


@dataclass(frozen=True, slots=True)
class View:
    """The frame metadata of a stream's geometry: true of every frame until a new one is announced.

    Attributes:
        orientation: how the sensor's pictures were made upright; done already, so a reader has nothing to turn.
        lens: the geometry of the upright pictures; None when nobody told it.
        masks: what is hidden in the upright pictures; burned in already.
    """

    orientation: Orientation = Orientation()
    lens: LensGeometry | None = None
    masks: tuple[Polygon, ...] = ()

    def __post_init__(self) -> None:
        check_masks(self.masks)

    @property
    def changes_pixels(self) -> bool:
        """Whether pictures have to be decoded and encoded again to look like this."""
        return bool(self.masks) or self.orientation != Orientation()


def check_masks(masks: tuple[Polygon, ...]) -> None:
    """Raise ``INVALID`` unless ``masks`` are few enough, of 3 to ``MAX_CORNERS`` corners, all within the picture."""
    if len(masks) > MAX_MASKS:
        raise invalid(f"{len(masks)} privacy masks are too many.", f"Use at most {MAX_MASKS}.")
    for mask in masks:
        if not 3 <= len(mask) <= MAX_CORNERS:
            raise invalid(f"A privacy mask of {len(mask)} corners cannot be used.", f"Give 3 to {MAX_CORNERS}.")
        if not all(len(corner) == 2 and all(0 <= value <= 1 for value in corner) for corner in mask):
            raise invalid("A privacy mask leaves the picture.", "Give corners as fractions from 0 to 1.")


PLAIN = View()
"""Pictures as the sensor sends them, of which nothing is known."""
