"""Hotspots: where in the picture time is spent."""
