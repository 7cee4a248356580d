"""What one function may see of one camera: the part of the picture, its size, its rate, and in which form.

A view is cut before anyone maps it, so what it leaves out never reaches its reader. Two equal views are one distinct
view: they are cut once and share one ring, whoever reads them.
"""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from eyespot.kernel.config import Settings
from eyespot.kernel.ids import is_slug

Form = Literal["full", "crops", "silhouette", "boxes", "metadata"]
PixelFormat = Literal["rgb", "nv12", "grey"]

ANY_CAMERA = "*"
"""In a manifest: the camera that the owner assigns."""
WITH_PIXELS: tuple[Form, ...] = ("full", "crops", "silhouette")
BY_LABEL: tuple[Form, ...] = ("crops", "silhouette", "boxes", "metadata")
"""The forms that are made from, or count, tracked objects."""
MIN_SIDE_PX, MAX_SIDE_PX = 16, 4096
MAX_RATE_HZ = 60.0
MAX_LABELS, MAX_LABEL_BYTES = 16, 23
MIN_REGION = 0.01
"""Least width and height of a region, in fractions of the picture."""
WHOLE_PICTURE = (0.0, 0.0, 1.0, 1.0)


class View(Settings):
    """One view. Equal views are the same view; labels are kept sorted, so that their order means nothing."""

    camera: str = ANY_CAMERA
    """A camera id, or * for the one that the owner assigns."""
    stream: str = Field(default="", max_length=64)
    """A stream of the camera, empty: the one in which objects are detected."""
    form: Form = "full"
    """full: the region as it is; crops: tracked objects cut out; silhouette: tracked boxes flat, all else black;
    boxes: where tracked objects are, no pixels; metadata: times and how many objects, nothing else."""
    labels: tuple[str, ...] = Field(default=(), max_length=MAX_LABELS)
    """Objects of these labels, empty: of every label; for the forms that are made from tracked objects."""
    pixels: PixelFormat = "rgb"
    """rgb: three bytes a pixel; nv12: brightness, then colours (U, V) at half width and height; grey: brightness."""
    width_px: int = Field(default=640, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    """Width of what is handed out; the region is scaled to it."""
    height_px: int = Field(default=360, ge=MIN_SIDE_PX, le=MAX_SIDE_PX)
    """Height of what is handed out."""
    rate_hz: float = Field(default=5.0, gt=0, le=MAX_RATE_HZ, allow_inf_nan=False)
    """Frames a second at most; a slower camera gives its own rate."""
    region: tuple[float, float, float, float] = WHOLE_PICTURE
    """Part of the picture as left, top, right and bottom, fractions from 0 to 1."""

    @field_validator("camera")
    @classmethod
    def _camera(cls, camera: str) -> str:
        if camera != ANY_CAMERA and not is_slug(camera):
            raise ValueError(f"'{camera[:80]}' is no camera id, give a-z, 0-9, - and _, or * for any camera")
        return camera

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: tuple[str, ...]) -> tuple[str, ...]:
        for label in labels:
            if not 0 < len(label.encode()) <= MAX_LABEL_BYTES or not label.isprintable():
                raise ValueError(f"a label has 1 to {MAX_LABEL_BYTES} bytes of printable text, not '{label[:40]}'")
        return tuple(sorted(set(labels)))

    @field_validator("region")
    @classmethod
    def _region(cls, region: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = region
        if not all(0 <= value <= 1 for value in region):
            raise ValueError("a region is given in fractions from 0 to 1")
        if right - left < MIN_REGION or bottom - top < MIN_REGION:
            raise ValueError(f"a region is left, top, right, bottom and at least {MIN_REGION} wide and high")
        return region

    @model_validator(mode="after")
    def _form_and_keys_agree(self) -> "View":
        if self.form not in BY_LABEL and self.labels:
            raise ValueError(f"'labels' means nothing for form '{self.form}', leave it out")
        if self.form not in WITH_PIXELS:
            given = sorted(self.model_fields_set & {"pixels", "width_px", "height_px"})
            if any(getattr(self, key) != type(self).model_fields[key].default for key in given):
                raise ValueError(f"a view of form '{self.form}' has no pixels, leave out {' and '.join(given)}")
        elif self.pixels == "nv12" and (self.width_px % 2 or self.height_px % 2):
            raise ValueError("nv12 halves its colours, so 'width_px' and 'height_px' must be even")
        return self

    @property
    def has_pixels(self) -> bool:
        """Whether anything of the picture itself is handed out."""
        return self.form in WITH_PIXELS

    @property
    def pixel_bytes(self) -> int:
        """Bytes of one frame's pixels; 0 for the forms without."""
        if not self.has_pixels:
            return 0
        area = self.width_px * self.height_px
        return {"rgb": area * 3, "nv12": area * 3 // 2, "grey": area}[self.pixels]

    def of(self, camera: str, stream: str) -> "View":
        """This view of one definite ``camera`` and ``stream``."""
        return View.model_validate({**self._plain(), "camera": camera, "stream": stream})

    def _plain(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in View.model_fields if key in self.model_fields_set}


class NamedView(View):
    """A view as a manifest or a grant lists it: frames arrive under its ``name``."""

    name: str
    """What the service calls it: a-z, 0-9, - and _."""

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not is_slug(name):
            raise ValueError(f"'{name[:80]}' is no name for a view, give a-z, 0-9, - and _")
        return name

    @property
    def view(self) -> View:
        """What it shows, without what it is called."""
        return View.model_validate(self._plain())
