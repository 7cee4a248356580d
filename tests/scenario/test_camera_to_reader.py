"""A camera's packets reach readers through ingest, hub and socket, and come back after every kind of trouble."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.hal.sensors.settings import SensorSettings
from eyespot.hal.sensors.synthetic import SyntheticSensor
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.kernel.errors import unavailable
from eyespot.media.decode import Decoder
from eyespot.media.hub import Hub
from eyespot.media.ingest import Ingest
from eyespot.media.packet_socket import PacketClient, PacketServer
from eyespot.testing.synthetic_camera import SceneSettings


class Trouble:
    """A camera that breaks off, sends damaged packets, runs its clock backwards and changes its resolution."""

    name = "trouble"

    def __init__(self, attempt: int) -> None:
        self._attempt = attempt

    def counters(self) -> dict[str, Any]:
        return {}

    async def units(self) -> AsyncGenerator[Unit, None]:
        if self._attempt == 1:
            raise unavailable("The camera is still starting.")
        width_px = 320 if self._attempt == 0 else 160
        scene = SceneSettings(width_px=width_px, height_px=96, people=1, frames=30)
        sensor = SyntheticSensor(scene, SensorSettings(pace="fast"), SystemClock())
        number = 0
        async for unit in sensor.units():
            if isinstance(unit, Packet):
                number += 1
                unit = self._spoiled(unit, number)
            yield unit
            if self._attempt == 0 and number == 15:
                raise unavailable("The camera broke off.")
        if self._attempt > 1:
            await asyncio.sleep(3600)

    def _spoiled(self, packet: Packet, number: int) -> Packet:
        times = (packet.capture_ns, packet.decode_ns)
        if number > 20:
            times = (times[0] - 500 * NS_PER_S, times[1] - 500 * NS_PER_S)
        data = packet.data
        if number == 5:
            data = data[: len(data) // 2]
        return Packet(packet.track, *times, packet.duration_ns, packet.is_key, data)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


async def test_a_reader_sees_it_all_through(tmp_path: Path) -> None:
    attempts = iter(range(100))
    states: list[str] = []
    hub = Hub("cam/main")
    ingest = Ingest(
        "cam", "main", lambda: Trouble(next(attempts)), hub, SystemClock(),
        uniform=lambda: 0.0, on_state=lambda state, _: states.append(state),
    )  # fmt: skip
    path = tmp_path / "run" / "packets.sock"
    server = PacketServer(path, {("cam", "main"): hub})
    stop = asyncio.Event()
    serving = asyncio.create_task(server.run(stop))
    await until(path.exists)

    formats: list[StreamFormat] = []
    packets: list[Packet] = []
    sizes: set[int] = set()

    async def watch() -> None:
        decoder: Decoder | None = None
        async for unit in PacketClient(path).units("cam", "main", reader="test"):
            if isinstance(unit, StreamFormat):
                formats.append(unit)
                decoder = Decoder(unit.video)
                continue
            packets.append(unit)
            assert decoder is not None
            sizes.update(frame.width_px for frame in decoder.decode(unit))

    watching = asyncio.create_task(watch())
    await until(lambda: hub.status()["readers"])
    running = asyncio.create_task(ingest.run(stop))
    await until(lambda: len(packets) == 45)
    stop.set()
    await asyncio.gather(serving, running)
    await asyncio.gather(watching, return_exceptions=True)

    assert states == ["live", "backoff", "connecting", "backoff", "connecting", "live"]
    assert [each.video.width_px for each in formats] == [320, 160]
    assert sizes == {320, 160}
    assert ingest.status()["reconnects"] == 2
    assert ingest.status()["timestamp_leaps"] == 1
    for part in (packets[:15], packets[15:]):
        times = [packet.decode_ns for packet in part]
        assert times == sorted(set(times))
        assert times[-1] - times[0] < 10 * NS_PER_S
