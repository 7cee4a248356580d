"""What an owner may set about recording, keeping and disks."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from eyespot.kernel.config import Settings

SyncPolicy = Literal["fragment", "segment", "never"]


class RecordSettings(Settings):
    """What is recorded of one camera stream."""

    mode: Literal["continuous", "events", "off"] = "continuous"
    """``continuous``: everything; ``events``: only around events; ``off``: nothing."""
    preroll_s: float = Field(default=5.0, ge=0, le=60)
    """Seconds kept from before an event."""
    postroll_s: float = Field(default=10.0, ge=0, le=600)
    """Seconds recorded after an event."""
    preroll_max_bytes: int = Field(default=32 << 20, ge=1 << 20, le=1 << 30)
    """Most memory the seconds before an event may take."""
    segment_s: float = Field(default=60.0, ge=2, le=3600)
    """A new file is begun at the first key frame after this many seconds."""
    fragment_s: float = Field(default=1.0, ge=0.1, le=10)
    """A fragment, the most that a crash can lose, is at most about this long."""
    sync: SyncPolicy = "fragment"
    """When footage is forced to the disk. ``fragment``: each second, so that a power cut, like a crash, loses nothing
    but the unfinished fragment; ``segment``: at the end of each file, which spares flash memory, and a power cut can
    lose what the system had not written by itself (about 30 s); ``never``: left to the system."""
    audio: bool = True
    """Whether audio, where the camera sends it and its owner allowed it, is recorded."""


class RetentionSettings(Settings):
    """How long footage is kept. Free space on the disk goes before everything here."""

    days: float = Field(default=7.0, gt=0, le=3650)
    """Days for footage without events."""
    event_days: float = Field(default=30.0, gt=0, le=3650)
    """Days for footage with events."""
    max_bytes: int | None = Field(default=None, ge=1 << 20)
    """Most bytes one camera may keep; none for no limit."""

    @model_validator(mode="after")
    def _events_at_least_as_long(self) -> "RetentionSettings":
        if self.event_days < self.days:
            raise ValueError("event_days must not be less than days")
        return self


class RootSettings(Settings):
    """One disk (or folder) for footage."""

    path: Path
    """Folder that holds the archive; made when it is missing."""
    tier: Literal["hot", "cold"] = "hot"
    """``hot`` is written to; ``cold`` takes older footage from hot disks."""
    max_bytes: int | None = Field(default=None, ge=1 << 20)
    """Most bytes of footage on it; none for no limit."""
    min_free_bytes: int = Field(default=1 << 30, ge=0)
    """Free space that is always left on it."""
