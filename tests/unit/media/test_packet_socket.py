"""Units cross the socket unchanged; strangers, slow clients and vanished servers are dealt with."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from eyespot.contracts.packet import AudioFormat, Packet, StreamFormat, Unit, VideoFormat
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.hub import Hub
from eyespot.media.packet_socket import MAX_LINE_BYTES, PacketClient, PacketServer

FORMAT = StreamFormat(
    VideoFormat("h265", 1920, 1080, b"\x01hvcC"), AudioFormat("aac", 48_000, 2, b"\x11\x90"), -1_234_567_890_123
)


def packet(number: int, *, key: bool = False, size: int = 1000) -> Packet:
    return Packet("video", number, number - 1, 40, key, bytes([number % 256]) * size)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(4000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never happened")


@asynccontextmanager
async def serving(path: Path, hub: Hub, *, allow_lossless: bool = False) -> AsyncIterator[PacketServer]:
    server = PacketServer(path, {("cam", "main"): hub}, allow_lossless=allow_lossless)
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop))
    await until(lambda: path.exists())
    try:
        yield server
    finally:
        stop.set()
        await task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "packets.sock"


async def talk(path: Path, line: bytes) -> dict[str, object]:
    """Send one raw line and read the answer."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(line)
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    document: dict[str, object] = json.loads(answer)
    return document


async def test_units_cross_unchanged_and_the_end_is_an_end(path: Path) -> None:
    hub = Hub("h")
    sent: list[Unit] = [FORMAT, *(packet(n, key=n % 10 == 0, size=n * 997) for n in range(10, 90))]
    async with serving(path, hub):
        units = PacketClient(path).units("cam", "main", reader="test", max_bytes=64 << 20)
        first = asyncio.create_task(anext(units))
        await until(lambda: hub.status()["readers"])
        for unit in sent:
            hub.publish(unit)
        hub.close()
        got = [await first, *[unit async for unit in units]]
    assert got == sent


async def test_only_the_owner_can_reach_the_socket(path: Path) -> None:
    async with serving(path, Hub("h")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


async def test_a_deep_folder_and_a_stale_socket_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 90) / ("e" * 90) / "packets.sock"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"stale")
    hub = Hub("h")
    hub.publish(FORMAT)
    server = PacketServer(path, {("cam", "main"): hub})
    stop = asyncio.Event()
    task = asyncio.create_task(server.run(stop))
    await until(lambda: path.is_socket())
    units = PacketClient(path).units("cam", "main", reader="test")
    assert await anext(units) == FORMAT
    await units.aclose()
    stop.set()
    await task


async def test_no_server_and_a_server_that_goes_away_are_unavailable(path: Path) -> None:
    client = PacketClient(path)
    with pytest.raises(EyespotError) as absent:
        await anext(client.units("cam", "main", reader="test"))
    assert absent.value.kind is Kind.UNAVAILABLE
    hub = Hub("h")
    hub.publish(FORMAT)
    async with serving(path, hub):
        units = client.units("cam", "main", reader="test")
        assert await anext(units) == FORMAT
    with pytest.raises(EyespotError) as gone:
        await anext(units)
    assert gone.value.kind is Kind.UNAVAILABLE


async def test_an_unknown_stream_is_not_found(path: Path) -> None:
    async with serving(path, Hub("h")):
        with pytest.raises(EyespotError, match="no stream nobody/main") as error:
            await anext(PacketClient(path).units("nobody", "main", reader="test"))
    assert error.value.kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[1]\n",
        b"{}\n",
        b'{"v":2,"camera":"cam","stream":"main","reader":"r"}\n',
        b'{"v":1,"camera":"cam","stream":"main","reader":""}\n',
        b'{"v":1,"camera":"cam","stream":"main","reader":"r","max_bytes":"many"}\n',
        b'{"v":1,"camera":"' + b"x" * 100 + b'","stream":"main","reader":"r"}\n',
        b"[" * 2000 + b"\n",
        b"x" * (MAX_LINE_BYTES * 2) + b"\n",
    ],
)
async def test_a_bad_hello_is_refused_with_a_reason(path: Path, line: bytes) -> None:
    async with serving(path, Hub("h")) as server:
        answer = await talk(path, line)
        assert answer["error"]["kind"] == "INVALID"  # type: ignore[index]
        assert server.status()["refused"] == 1


async def test_a_client_that_does_not_read_never_slows_the_hub(path: Path) -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    async with serving(path, hub):
        reader, writer = await asyncio.open_unix_connection(str(path))
        hello = {"v": 1, "camera": "cam", "stream": "main", "reader": "stuck", "max_bytes": 200_000}
        writer.write(json.dumps(hello).encode() + b"\n")
        assert json.loads(await reader.readline()) == {"ok": True}
        for number in range(300):
            hub.publish(packet(number, key=number % 10 == 0, size=50_000))
            await asyncio.sleep(0)
        stats = hub.status()["readers"]["stuck"]
        assert stats["queued_bytes"] <= 200_000
        assert stats["dropped"] > 200
        writer.close()


async def test_the_server_stops_though_a_client_never_reads(path: Path) -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    async with serving(path, hub) as server:
        _, writer = await asyncio.open_unix_connection(str(path))
        hello = {"v": 1, "camera": "cam", "stream": "main", "reader": "stuck", "max_bytes": 4_000_000}
        writer.write(json.dumps(hello).encode() + b"\n")
        await until(lambda: hub.status()["readers"])
        for number in range(60):
            hub.publish(packet(number, key=True, size=50_000))
        hub.close()
        await asyncio.sleep(0.05)
    assert server.status()["clients"] == []
    writer.close()


async def test_a_client_that_hangs_up_leaves_the_hub(path: Path) -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    async with serving(path, hub) as server:
        units = PacketClient(path).units("cam", "main", reader="test")
        await anext(units)
        assert server.status()["clients"] == ["cam/main:test"]
        await units.aclose()
        await until(lambda: not hub.status()["readers"])
        await until(lambda: not server.status()["clients"])
        assert server.status()["served"] == 1


async def test_a_patient_client_gets_batches_and_may_change_its_mind(path: Path) -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    client = PacketClient(path)
    async with serving(path, hub):
        units = client.units("cam", "main", reader="test", batch_ms=2000)
        first = asyncio.create_task(anext(units))
        await until(lambda: hub.status()["readers"])
        hub.publish(packet(10, key=True))
        await asyncio.sleep(0.1)
        assert not first.done()
        client.gather("cam", "main", "test", 0)
        while not first.done():
            client.gather("cam", "main", "test", 0)
            await asyncio.sleep(0.02)
        assert await first == FORMAT
        assert await anext(units) == packet(10, key=True)
        await units.aclose()


async def test_a_client_that_names_a_capture_time_gets_all_up_to_it_at_once(path: Path) -> None:
    hub = Hub("h")
    hub.publish(FORMAT)
    client = PacketClient(path)
    async with serving(path, hub):
        units = client.units("cam", "main", reader="test", batch_ms=2000)
        first = asyncio.create_task(anext(units))
        await until(lambda: hub.status()["readers"])
        client.gather("cam", "main", "test", 2000, packet(12).capture_ns)
        hub.publish(packet(10, key=True))
        hub.publish(packet(11))
        await asyncio.sleep(0.1)
        assert not first.done()
        begun_s = asyncio.get_running_loop().time()
        hub.publish(packet(12))
        assert await first == FORMAT
        assert [await anext(units) for _ in range(3)] == [packet(10, key=True), packet(11), packet(12)]
        assert asyncio.get_running_loop().time() - begun_s < 1.5  # long before the batch time
        await units.aclose()


async def test_lossless_needs_the_servers_leave(path: Path) -> None:
    for allowed in (True, False):
        hub = Hub("h")
        hub.publish(FORMAT)
        async with serving(path, hub, allow_lossless=allowed):
            units = PacketClient(path).units("cam", "main", reader="r", max_bytes=64 << 10, lossless=True)
            assert await anext(units) == FORMAT

            async def publish(hub: Hub = hub) -> None:
                for number in range(200):
                    await hub.publish_wait(packet(number, key=number % 10 == 0, size=20_000))
                hub.close()

            publishing = asyncio.create_task(publish())
            got = [unit async for unit in units]
            await publishing
        assert (len(got) == 200) is allowed
