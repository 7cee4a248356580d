"""Cheap tests for activity: on a small grey image, and on the sizes of compressed packets."""

from eyespot.vision.motion.gate import Motion, MotionGate, MotionSettings
from eyespot.vision.motion.packets import PacketGate, PacketGateSettings

__all__ = ["Motion", "MotionGate", "MotionSettings", "PacketGate", "PacketGateSettings"]
