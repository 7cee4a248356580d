"""One frame of a view to be looked at by the owner: asked of the frames process, which cuts it as for a service."""

from typing import Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, model_validator

from eyespot.contracts.view import ANY_CAMERA, NamedView, View
from eyespot.kernel.config import Settings

MAX_JPEG_BYTES = 512 << 10


class SampleRequest(Settings):
    """``eyespot.control.frames``: cut one frame of ``view`` now."""

    v: Literal[1] = 1
    view: NamedView
    """Of a definite camera."""

    @model_validator(mode="after")
    def _definite(self) -> "SampleRequest":
        if self.view.camera == ANY_CAMERA:
            raise ValueError("a sample needs a definite camera")
        return self


class SampleObject(BaseModel):
    """One tracked object that comes with a frame."""

    model_config = ConfigDict(frozen=True)

    track: int
    label: str
    score: float
    box: tuple[float, float, float, float]
    """``x1 y1 x2 y2`` in fractions of the view's region."""
    crop: tuple[int, int, int, int]
    """``left top right bottom`` of its crop in pixels of the view; all 0 where it has none."""


class ViewSample(BaseModel):
    """What a service would have been handed at that moment, and nothing else."""

    model_config = ConfigDict(frozen=True)

    v: Literal[1] = 1
    view: View
    """What was cut."""
    capture_ns: int
    """Monotonic time of the picture."""
    wall_ns: int
    """Wall time of the picture."""
    tracks_ns: int
    """Capture time of the tracks that the objects come from; 0: none were known, or none are wanted."""
    objects_seen: int
    """Tracked objects within the view; 0 for ``full``."""
    objects: tuple[SampleObject, ...] = ()
    """Those that are told of, for ``crops`` and ``boxes``."""
    jpeg: Base64Bytes = Field(default=b"", max_length=MAX_JPEG_BYTES * 2)
    """The pixels, made smaller where they would be more than a megapixel; empty for the forms without."""
