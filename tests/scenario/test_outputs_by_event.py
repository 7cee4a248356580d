"""A tripwire is crossed and a lamp goes on: the real media process, bus, packet socket and event store, and a vision
process whose detector is told what is there. And the same host's outputs from its command line and after a kill -9.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from eyespot.bus import nats, server, subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.output import OutputReport, OutputRequest, OutputsReport
from eyespot.edge.config_file import load_config
from eyespot.edge.detector import Detectors
from eyespot.edge.events.store import EventStore
from eyespot.edge.events.writer import EventWriter
from eyespot.edge.layout import StateLayout
from eyespot.edge.running import Running
from eyespot.edge.vision_camera import Shared, VisionCamera
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.packet_socket import PacketClient
from eyespot.testing.scripted_detector import ScriptedDetector

CONFIG = """
[[output]]
name = "lamp"
kind = "simulated"
pause_s = 3600
[[output]]
name = "gate"
chip = "/dev/null"
line = 4
[[storage.root]]
min_free_bytes = 0
[[camera]]
id = "cam"
detect = { rate_hz = 10 }
[[camera.stream]]
source = "synthetic:?width=160&height=96&fps=10&people=3"
[[camera.line]]
name = "wire"
a = [0.5, 0.0]
b = [0.5, 1.0]
outputs = ["lamp"]
pulse_s = 600
"""
WALK_NS = 4 * NS_PER_S


def walker(capture_ns: int) -> list[tuple[float, float, float, float]]:
    """Somebody who walks from left to right every four seconds, and is out of the picture for one of them."""
    x = (capture_ns % WALK_NS) / WALK_NS / 0.75
    return [(x, 0.3, x + 0.1, 0.9)] if x < 0.9 else []


class Host:
    """The processes that this test needs of a host."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.config = folder / "eyespot.toml"
        self.config.write_text(CONFIG)
        self.nats = subprocess.Popen(server.prepare(self.state / "run").command, stderr=subprocess.DEVNULL)
        self.media = self.start_media()

    def start_media(self) -> "subprocess.Popen[bytes]":
        where = ["--config", str(self.config), "--state", str(self.state)]
        return subprocess.Popen([sys.executable, "-m", "eyespot.edge.media_process", *where])

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "eyespot.cli.main", "outputs", *words, "--state", str(self.state)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def end(self) -> None:
        for process in (self.media, self.nats):
            process.terminate()
            process.wait()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.end()


@pytest.fixture
async def operator(host: Host) -> AsyncIterator[Bus]:
    bus = await nats.connect(host.state / "run", "operator")
    yield bus
    await bus.close()


async def ask(bus: Bus, request: OutputRequest) -> dict[str, OutputReport]:
    """The outputs by name; empty while the media process does not answer yet."""
    try:
        answer = await bus.request(subjects.control("media"), request.model_dump_json().encode())
    except EyespotError:
        return {}
    return {one.name: one for one in OutputsReport.model_validate_json(answer).outputs}


async def until(condition: Callable[[], Awaitable[object]], what: str) -> None:
    for _ in range(600):
        if await condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never happened: {what}")


async def test_a_crossing_pulses_the_lamp(host: Host, operator: Bus) -> None:
    listing = OutputRequest(do="list")

    async def ready() -> bool:
        return "lamp" in await ask(operator, listing)

    await until(ready, "media answers")
    bus, clock = await nats.connect(host.state / "run", "vision"), SystemClock()
    layout = StateLayout.of(host.state)
    writer = EventWriter(EventStore(layout.events_db), bus, clock)
    workers = ThreadPoolExecutor(2)
    detectors = cast(Detectors, ScriptedDetector(walker))
    shared = Shared(PacketClient(layout.packets_socket), bus, clock, workers, detectors, writer.submit)
    services = [Running(writer, clock)]
    camera = VisionCamera(load_config(host.config).camera[0], shared, layout.media_dir)
    services.append(Running(camera, clock))

    async def on() -> bool:
        return bool((await ask(operator, listing))["lamp"].on)

    async def asked_again() -> bool:
        return (await ask(operator, listing))["lamp"].skipped > 0

    try:
        await until(on, "the lamp goes on")
        await until(asked_again, "the next crossing is left out while the lamp is on")
        lamp = (await ask(operator, listing))["lamp"]
        assert lamp.pulsing
        assert lamp.pulses == 1
    finally:
        for service in reversed(services):
            await service.stop()
        workers.shutdown()
        await bus.close()


async def test_the_command_line_switches_and_says_what_is_wrong(host: Host, operator: Bus) -> None:
    async def ready() -> bool:
        return bool(await ask(operator, OutputRequest(do="list")))

    await until(ready, "media answers")
    shown = host.command("list").stdout
    assert "lamp" in shown
    assert "off" in shown
    assert "gate" in shown
    assert "→" in shown, "the broken one says what to do"
    assert "on" in host.command("set", "lamp", "on").stdout
    assert (await ask(operator, OutputRequest(do="list")))["lamp"].on
    again = host.command("pulse", "lamp")
    assert again.returncode == Kind.CONFLICT.value.exit_code
    assert "switched by hand" in again.stderr
    assert host.command("set", "siren", "on").returncode == Kind.NOT_FOUND.value.exit_code
    assert host.command("set", "lamp", "maybe").returncode == Kind.INVALID.value.exit_code
    assert host.command("pulse", "lamp", "1e9").returncode == Kind.INVALID.value.exit_code
    assert host.command("set", "gate", "on").returncode == Kind.UNAVAILABLE.value.exit_code


async def test_after_a_kill_the_next_process_holds_the_outputs_at_rest(host: Host, operator: Bus) -> None:
    switch = OutputRequest(do="set", name="lamp", on=True)

    async def switched() -> bool:
        return bool((await ask(operator, switch)).get("lamp"))

    await until(switched, "media answers")
    host.media.send_signal(signal.SIGKILL)
    host.media.wait()
    host.media = host.start_media()

    async def rests() -> bool:
        lamp = (await ask(operator, OutputRequest(do="list"))).get("lamp")
        return lamp is not None and lamp.on is False

    await until(rests, "the lamp rests")


async def test_an_operator_may_ask_media_and_nobody_else(host: Host, operator: Bus) -> None:
    api = await nats.connect(host.state / "run", "api")
    heard: list[bytes] = []

    async def handler(payload: bytes) -> bytes:
        heard.append(payload)
        return b""

    await api.serve(subjects.control("api"), handler)
    with pytest.raises(EyespotError):
        await operator.request(subjects.control("api"), b"", timeout_s=0.5)
    assert heard == []
    await api.close()
