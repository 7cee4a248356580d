"""How a local camera takes its pictures, as `[camera.imaging]` says: set when its stream begins and when that changes.

Owns when controls are set and what is told of refusals. The controls themselves are ``hal.imaging``.
"""
