"""A camera whose truth is known: the rendered scene, ready-made for tests, and its packets without an event loop."""

from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.hal.sensors.encode import H264Encoder
from eyespot.hal.sensors.scene import SceneMode, SceneObject, SceneSettings, SyntheticScene
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.hal.sensors.synthetic import SyntheticSensor, to_frame
from eyespot.kernel.clock import NS_PER_S, Clock

__all__ = [
    "SceneMode",
    "SceneObject",
    "SceneSettings",
    "SyntheticScene",
    "SyntheticSensor",
    "encode_scene",
    "synthetic_camera",
]


def synthetic_camera(clock: Clock, *, fast: bool = True, **scene: object) -> SyntheticSensor:
    """A sensor of ``SceneSettings(**scene)``, as fast as it is read unless ``fast`` is false."""
    settings = SensorSettings(pace="fast" if fast else "live")
    return SyntheticSensor(SceneSettings.model_validate(scene), settings, clock)


def encode_scene(
    scene: SyntheticScene, frames: int, *, start_ns: int = 0, wall_offset_ns: int = 0
) -> tuple[StreamFormat, list[Packet]]:
    """The first ``frames`` frames of ``scene`` as one format and its packets, from ``start_ns`` on."""
    wanted = scene.settings
    encoder = H264Encoder(wanted.width_px, wanted.height_px, wanted.fps)
    period_ns = round(NS_PER_S / wanted.fps)
    packets: list[Packet] = []
    for index in range(frames):
        capture_ns = start_ns + index * period_ns
        for encoded in encoder.encode(to_frame(scene.render(index)), capture_ns):
            packets.append(Packet("video", capture_ns, capture_ns, period_ns, encoded.is_key, encoded.data))
    return StreamFormat(encoder.format, None, wall_offset_ns), packets
