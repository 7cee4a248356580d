"""RTSP 1.0 client over TCP (RFC 2326, interleaved): packets of H.264, H.265 and AAC straight from a camera.

Owns the protocol from socket to ``Packet``. UDP and other codecs are libav's, see ``hal.sensors.chooser``. Why an own
client: docs/adr/0002-own-rtsp-client.md.
"""

from eyespot.hal.sensors.rtsp.client import RtspSensor, describe

__all__ = ["RtspSensor", "describe"]
