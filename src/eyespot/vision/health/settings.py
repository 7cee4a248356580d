"""Thresholds of scene health, relative to the camera's own history wherever there is one. Times are seconds of capture
time, so that they mean the same at any rate of looks."""

from pydantic import Field

from eyespot.kernel.config import Settings


class HealthSettings(Settings):
    """When a picture is not what it should be."""

    learn_s: float = Field(default=10.0, gt=0, le=3600)
    """Healthy pictures are gathered so long before anything is judged against them."""
    memory_s: float = Field(default=600.0, gt=0, le=86_400)
    """Time constant with which the background follows the scene."""
    dark_level: float = Field(default=24.0, ge=0, le=255)
    """Blind: nineteen pixels of twenty are darker than this."""
    block_likeness: float = Field(default=0.5, gt=0, lt=1)
    """A block no longer shows what it used to when this share of its usual likeness, at most, is left."""
    cover_detail: float = Field(default=0.35, gt=0, lt=1)
    """Covered: three blocks of four have at most this share of their detail left, and the large shapes are gone."""
    hidden_share: float = Field(default=0.7, gt=0, lt=1)
    """Covered or turned away: this share of the blocks, at least, steadily shows something else."""
    blur_detail: float = Field(default=0.5, gt=0, lt=1)
    """Blurred: three blocks of four have at most this share of their fine detail left; large shapes are in place."""
    least_shift: float = Field(default=0.01, gt=0, lt=0.5)
    """Moved: by this share of the picture's width, at least, and never less than 1.5 pixels of the small image."""
    start_s: float = Field(default=4.0, ge=0, le=600)
    """A finding starts once it has lasted so long."""
    view_s: float = Field(default=15.0, ge=0, le=600)
    """The same where another view took the old one's place: a lorry that stops before the camera is no fault."""
    end_s: float = Field(default=3.0, ge=0, le=600)
    """A finding ends once it has been gone so long."""
    accept_s: float = Field(default=120.0, gt=0, le=86_400)
    """A new view that has been there so long becomes the background, which ends *moved*."""
    accept_hidden_s: float = Field(default=1800.0, gt=0, le=86_400)
    """The same for whatever hides most of the old view but is sharp itself, which ends *covered*."""
    frozen_s: float = Field(default=6.0, gt=0, le=600)
    """Frozen: for so long, no two pictures differed by more than ``frozen_change`` of what is usual."""
    frozen_change: float = Field(default=0.25, gt=0, lt=1)
    """The part of the usual change between pictures below which they count as the same."""
    least_change: float = Field(default=0.04, gt=0, lt=1)
    """Only a camera whose quietest pictures usually differ in this share of the pixels, at least, can be frozen."""
    lively_s: float = Field(default=30.0, gt=0, le=3600)
    """What is usual is learned so long before a picture may count as frozen."""
