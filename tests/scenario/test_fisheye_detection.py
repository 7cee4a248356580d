"""A fisheye camera: who stands at the rim is followed where people see him, because the lens was told."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame

from eyespot.contracts.lens import PLAIN, View
from eyespot.contracts.packet import Packet, StreamFormat
from eyespot.contracts.track import TracksMessage
from eyespot.edge.config import CameraSettings
from eyespot.edge.detector import Detectors
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.hal.sensors.encode import H264Encoder
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.media.hub import Hub
from eyespot.media.lens import Look
from eyespot.media.packet_socket import PacketClient, PacketServer
from eyespot.testing.fisheye_scene import ROUND, UprightDetector, fisheye_with_object, true_box
from eyespot.testing.memory_bus import MemoryBus

FPS, COUNT = 10, 24
START_NS = NS_PER_S


class PromptClient(PacketClient):
    """Never asks the server to gather packets, so that a test may run faster than time."""

    def units(self, *names: Any, **options: Any) -> Any:
        return super().units(*names, **{**options, "batch_ms": 0})

    def gather(self, *_: Any) -> None:
        return


def film() -> tuple[StreamFormat, list[Packet], dict[int, Any]]:
    """Somebody walks along the upper right rim; his true box in the picture by capture time."""
    encoder = H264Encoder(480, 480, FPS)
    packets, truth = list[Packet](), dict[int, Any]()
    for number in range(COUNT):
        x = 0.48 + 0.004 * number
        picture = fisheye_with_object(ROUND, Look(45, -30), (x, 0.25, x + 0.16, 0.57))
        capture_ns = START_NS + number * NS_PER_S // FPS
        frame = VideoFrame.from_ndarray(np.repeat(picture[..., None], 3, axis=2), "rgb24")
        truth[capture_ns] = true_box(picture)
        for one in encoder.encode(frame, capture_ns):
            packets.append(Packet("video", capture_ns, capture_ns, NS_PER_S // FPS, one.is_key, one.data))
    return StreamFormat(encoder.format, None, 0), packets, truth


async def until(condition: Any) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


async def tracks_with(view: View, folder: Path) -> tuple[list[TracksMessage], dict[int, Any]]:
    stream, packets, truth = film()
    hub, bus, workers = Hub("cam/main"), MemoryBus(), ThreadPoolExecutor(1)
    socket = folder / "run" / "packets.sock"
    stop, stop_server = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(PacketServer(socket, {("cam", "main"): hub}).run(stop_server))
    await until(socket.exists)
    finder = cast(Detectors, UprightDetector())
    shared = Shared(PromptClient(socket), bus, SystemClock(), workers, finder, lambda _: None)
    document = {"id": "cam", "stream": [{"source": "synthetic:"}], "detect": {"rate_hz": FPS}}
    camera = VisionCamera(CameraSettings.model_validate(document), shared, folder / "media")
    looking = asyncio.create_task(camera.run(stop))
    hub.publish(replace(stream, view=view))
    await until(lambda: camera.status()["state"] == "watching")
    for sent, packet in enumerate(packets, 1):
        hub.publish(packet)
        await until(lambda sent=sent: handled(camera) >= sent)
        await until(lambda: not camera.busy)
    stop.set()
    await looking
    stop_server.set()
    await serving
    workers.shutdown()
    assert camera.status()["inferences"] > 0
    return [TracksMessage.model_validate_json(one.data) for one in bus.published], truth


def handled(camera: VisionCamera) -> int:
    status = camera.status()
    return int(status["skipped"]) + int(status["counts"]["frames_decoded"])


async def test_with_the_lens_told_he_is_followed_where_he_is_seen(tmp_path: Path) -> None:
    messages, truth = await tracks_with(View(lens=ROUND), tmp_path)
    boxes = [(message.capture_ns, track.box) for message in messages for track in message.tracks]
    assert len(boxes) >= 8
    assert {track.id for message in messages for track in message.tracks} == {1}
    for capture_ns, box in boxes:
        np.testing.assert_allclose(box, truth[capture_ns], atol=0.03)


async def test_without_it_nobody_is_found(tmp_path: Path) -> None:
    messages, _ = await tracks_with(PLAIN, tmp_path)
    assert messages
    assert not any(message.tracks for message in messages)
