"""The test camera gives packets with known truth, with and without an event loop."""

from eyespot.contracts.packet import Packet
from eyespot.media.decode import Decoder
from eyespot.testing.sim_clock import SimClock
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene, synthetic_camera


async def test_the_camera_and_its_truth_go_together() -> None:
    camera = synthetic_camera(SimClock(), width_px=160, height_px=96, people=2, frames=12)
    packets = [unit async for unit in camera.units() if isinstance(unit, Packet)]
    assert len(packets) == 12
    assert camera.scene.truth(camera.frame_index(packets[7].capture_ns)) == camera.scene.truth(7)


def test_encoded_scenes_decode_to_as_many_pictures() -> None:
    scene = SyntheticScene(SceneSettings(width_px=160, height_px=96, frames=5))
    stream, packets = encode_scene(scene, 5, start_ns=77, wall_offset_ns=3)
    assert stream.wall_offset_ns == 3
    assert packets[0].capture_ns == 77
    decoder = Decoder(stream.video)
    assert sum(len(decoder.decode(packet)) for packet in packets) == 5
