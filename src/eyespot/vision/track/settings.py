"""What may be set on the tracker.

Every length is in heights of the object itself and every time in seconds, so that the same values hold for any camera,
resolution, distance and frame rate.
"""

from pydantic import Field

from eyespot.kernel.config import Settings


class TrackerSettings(Settings):
    """Settings of one tracker; the defaults are meant to be left alone."""

    high_score: float = Field(default=0.4, ge=0, le=1)
    """Detections at or above are sure: they are matched first and may start tracks."""
    low_score: float = Field(default=0.2, ge=0, le=1)
    """Detections between this and ``high_score`` only carry on known tracks; lower ones are ignored."""
    new_score: float = Field(default=0.55, ge=0, le=1)
    """A detection that starts a track scores at least this."""
    confirm_hits: int = Field(default=3, ge=1, le=100)
    """A new track is shown once it was seen this often in a row, or for ``confirm_s`` when that is longer."""
    confirm_s: float = Field(default=0.2, ge=0, le=60)
    unsure_s: float = Field(default=5.0, ge=0, le=3600)
    """How long unsure detections alone carry a track on; then it waits to be surely seen again."""
    patience_s: float = Field(default=2.0, gt=0, le=600)
    """How long a track that is not seen is remembered, to be found again."""
    stationary_patience_s: float = Field(default=15.0, gt=0, le=3600)
    """The same for objects that stand still, which are often missed by detectors and come back where they were."""
    hold_s: float = Field(default=0.25, ge=0, le=60)
    """How long an unseen track is still shown at its predicted place as a plain active one."""
    stationary_s: float = Field(default=5.0, gt=0, le=3600)
    """An object that stays this long within ``stationary_reach`` stands still."""
    stationary_reach: float = Field(default=0.35, gt=0, le=10)
    """In object heights."""
    gate_heights: float = Field(default=0.5, gt=0, le=10)
    """Farthest that a detection may be from a track's predicted centre, before uncertainty is added."""
    max_tracks: int = Field(default=1000, ge=1, le=10_000)
    """At most so many tracks are kept; further objects wait until others have gone."""
