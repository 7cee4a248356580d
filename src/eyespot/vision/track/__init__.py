"""The multi-object tracker: scale-free, camera-independent, numpy only."""

from eyespot.vision.track.settings import TrackerSettings
from eyespot.vision.track.tracker import Tracker
from eyespot.vision.track.tracks import ACTIVE, OCCLUDED, STATES, STATIONARY, Tracks, no_tracks

__all__ = ["ACTIVE", "OCCLUDED", "STATES", "STATIONARY", "Tracker", "TrackerSettings", "Tracks", "no_tracks"]
