"""Does the camera still see what it is meant to see: blind, covered, moved, frozen, blurred.

``scene`` joins the parts: ``picture`` measures one image, ``view`` compares it with the learned background, ``shift``
looks for the same scene elsewhere in the image, ``liveliness`` tells a frozen picture from a quiet one, ``findings``
makes starts and ends of what lasts.
"""

from eyespot.vision.health.findings import KINDS, HealthUpdate, PictureKind
from eyespot.vision.health.scene import SceneHealth
from eyespot.vision.health.settings import HealthSettings

__all__ = ["KINDS", "HealthSettings", "HealthUpdate", "PictureKind", "SceneHealth"]
