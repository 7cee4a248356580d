"""The relay between a service and the real bus server: who it is for, what it passes on, what it holds back."""

import asyncio
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eyespot.bus import server, subjects
from eyespot.bus.discovery import About
from eyespot.bus.nats import NatsBus, connect, join
from eyespot.contracts.frames_door import Grant
from eyespot.contracts.service_access import ServiceUser
from eyespot.edge.services.own_socket import OwnSocket
from eyespot.edge.services.relay import Limits, Relay
from eyespot.edge.services.relay_wire import FROM_SERVICE, Wire
from eyespot.edge.services.sign_in import Place, wait_until_let_in
from eyespot.kernel.clock import SystemClock

MINE = "counter"


class Stand:
    """A server, the api process on it, and relays of services that were let in."""

    def __init__(self, folder: Path) -> None:
        self.run_dir = folder
        self.process = subprocess.Popen(server.prepare(folder).command)
        self.relays: list[Relay] = []
        self.users: list[ServiceUser] = []

    async def relay(self, name: str, limits: Limits | None = None, uid: int | None = None) -> Path:
        """Open a relay for a new service; returns its socket."""
        seed, public = server.new_key()
        self.users.append(ServiceUser(name=name, public_key=public))
        server.let_in(self.run_dir, self.users)
        self.process.send_signal(signal.SIGHUP)
        path = self.run_dir / f"{name}.sock"
        grant = Grant(uid=os.geteuid() if uid is None else uid, socket=path)
        place = Place(name, public, seed)
        self.relays.append(Relay(place, grant, self.address, SystemClock(), limits=limits or Limits()))
        await self.relays[-1].open()
        await wait_until_let_in(place, self.address, SystemClock())
        return path

    def address(self) -> tuple[str, int]:
        host, _, port = server.server_url(self.run_dir).removeprefix("nats://").partition(":")
        return host, int(port)

    async def close(self) -> None:
        for relay in self.relays:
            await relay.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    made = Stand(tmp_path)
    yield made
    await made.close()


@pytest.fixture
async def api(stand: Stand) -> AsyncIterator[NatsBus]:
    bus = await connect(stand.run_dir, "api")
    yield bus
    await bus.close()


async def joined(socket: Path, name: str = MINE) -> NatsBus:
    """As the service."""
    return await join(socket, About(name, "1.0.0", "one"))


async def dial(socket: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, dict[str, object]]:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    info = await reader.readline()
    return reader, writer, json.loads(info.partition(b" ")[2]) if info.startswith(b"INFO") else {}


async def test_a_service_joins_without_a_key_and_is_found(stand: Stand, api: NatsBus) -> None:
    service = await joined(await stand.relay(MINE))
    heard = api.subscribe(subjects.service_state(MINE))
    await heard.ready()

    async def echo(data: bytes) -> bytes:
        return b"you said " + data

    await service.serve(subjects.service_request(MINE, "echo"), echo)
    assert await api.request(subjects.service_request(MINE, "echo"), b"hello", 20) == b"you said hello"
    await service.publish(subjects.service_state(MINE), b"state")
    assert (await anext(heard)).data == b"state"
    assert json.loads(await api.request(f"$SRV.PING.{MINE}", b"", 20))["name"] == MINE
    await service.close()


async def test_speaking_for_another_is_refused_by_the_server_and_recorded(stand: Stand, api: NatsBus) -> None:
    service, other = await joined(await stand.relay(MINE)), await joined(await stand.relay("other"), "other")
    heard = api.subscribe(subjects.service_state("other"))
    await heard.ready()
    for subject in (subjects.service_state("other"), "$JS.API.INFO", subjects.events("yard")):
        await service.publish(subject, b"forged")
    listening = service.subscribe(">")
    await listening.ready()
    await other.publish(subjects.service_state("other"), b"real")
    assert (await anext(heard)).data == b"real"
    refusals = stand.relays[0].status()["refusals"]
    assert [text for text in refusals if "Subscription to" in text and '">"' in text]
    assert len([text for text in refusals if "Publish to" in text]) == 3
    assert stand.relays[1].status()["refused"] == 0
    await service.close()
    await other.close()


@pytest.mark.parametrize(
    "claim",
    [{"user": "api"}, {"nkey": "UABC"}, {"jwt": "x"}, {"auth_token": "x"}, {"pass": "x"}, {"sig": "x"}],
    ids=lambda claim: next(iter(claim)),
)
@pytest.mark.usefixtures("api")
async def test_claiming_to_be_someone_is_refused_and_recorded(stand: Stand, claim: dict[str, str]) -> None:
    reader, writer, info = await dial(await stand.relay(MINE))
    assert not set(info) & {"nonce", "connect_urls", "client_ip", "auth_required"}
    writer.write(f"CONNECT {json.dumps(claim)}\r\n".encode())
    assert (await reader.readline()).startswith(b"-ERR 'It signed in by itself")
    assert await reader.read() == b""
    assert stand.relays[0].status()["refused"] == 1
    writer.close()


@pytest.mark.usefixtures("api")
async def test_another_user_of_the_machine_is_sent_away(stand: Stand) -> None:
    reader, writer, info = await dial(await stand.relay(MINE, uid=os.geteuid() + 1))
    assert info == {}
    assert await reader.read() == b""
    assert "may not" in stand.relays[0].status()["refusals"][0]
    writer.close()


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n", b"x" * 10_000, b"PUB a 99999999999\r\n", b"PUB a -1\r\n", b"PUB a 70000\r\n",
        b"PUB a 1\r\nxxxx\r\n", b"CONNECT {}\r\n", b"MSG a 1 1\r\nx\r\n", b"PUB\r\n", b"\r\n",
        b"SUB " + b"a" * 5000 + b" 1\r\n",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("api")
async def test_what_is_no_protocol_ends_that_connection_alone(stand: Stand, said: bytes) -> None:
    socket = await stand.relay(MINE)
    service = await joined(socket)
    reader, writer, _ = await dial(socket)
    writer.write(b"CONNECT {}\r\n" + said)
    answer = await reader.read()
    assert b"-ERR" in answer
    await service.publish(subjects.service_state(MINE), b"still here")
    assert stand.relays[0].status()["refused"] >= 1
    await service.close()
    writer.close()


@pytest.mark.usefixtures("api")
async def test_a_flood_is_slowed_down_counted_and_nobody_elses_trouble(stand: Stand) -> None:
    socket = await stand.relay(MINE, Limits(messages_per_s=50))
    service, other = await joined(socket), await joined(await stand.relay("other"), "other")
    clock = SystemClock()
    begin_ns = clock.monotonic_ns()
    for _ in range(150):
        await service.publish(subjects.service_state(MINE), b"x")
    heard = other.subscribe(subjects.service_config("other"))
    await heard.ready()
    other_ready_s = (clock.monotonic_ns() - begin_ns) / 1e9
    heard = service.subscribe(subjects.service_config(MINE))
    await heard.ready()
    took_s = (clock.monotonic_ns() - begin_ns) / 1e9
    assert took_s > 1.9, "150 messages at 50 a second, of which a second's worth was saved up"
    assert other_ready_s < took_s
    assert stand.relays[0].status()["throttled"] >= 90
    assert stand.relays[1].status()["throttled"] == 0
    await service.close()
    await other.close()


@pytest.mark.usefixtures("api")
async def test_connections_and_subscriptions_are_bounded(stand: Stand) -> None:
    socket = await stand.relay(MINE, Limits(connections=2, subscriptions=3))
    kept = [await dial(socket) for _ in range(2)]
    _, writer, info = await dial(socket)
    assert info == {}
    writer.close()
    reader, writer, _ = kept[0]
    writer.write(b"CONNECT {}\r\n" + b"".join(b"SUB a.%d %d\r\n" % (n, n) for n in range(4)))
    assert b"More than 3 subscriptions" in await reader.read()
    for _, each, _ in kept:
        each.close()


async def test_a_connection_that_the_end_overtakes_is_hung_up(tmp_path: Path) -> None:
    served: list[asyncio.StreamWriter] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(writer)

    own = OwnSocket(Grant(uid=os.geteuid(), socket=tmp_path / "own.sock"), serve, 1024)
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_unix_connection(sock=ours)
    own.accept(reader, writer)  # as the listener does; its task has not begun when all ends
    await own.close()
    assert served == []
    assert writer.is_closing()
    theirs.close()


async def test_a_service_comes_back_when_the_server_did(stand: Stand, api: NatsBus) -> None:
    service = await joined(await stand.relay(MINE))
    heard = api.subscribe(subjects.service_state(MINE))
    await heard.ready()
    stand.process.kill()
    stand.process.wait()
    stand.process = await asyncio.to_thread(
        subprocess.Popen, [server.find_server(), "-c", str(stand.run_dir / server.CONFIG_FILE)]
    )

    async def keep_saying() -> None:
        while True:
            await service.publish(subjects.service_state(MINE), b"after")
            await asyncio.sleep(0.05)

    saying = asyncio.create_task(keep_saying())
    assert (await anext(heard)).data == b"after"
    saying.cancel()
    await service.close()


def test_frames_come_whole_however_the_bytes_come() -> None:
    said = b'CONNECT {"a": 1}\r\nPUB a.b 5\r\nhello\r\nHPUB a r 12 17\r\nNATS/1.0\r\n\r\nworld\r\nsub x 1\r\nPING\r\n'
    wire = Wire(FROM_SERVICE, max_line_bytes=64, max_payload_bytes=64)
    at_once = wire.feed(said)
    assert b"".join(frame.raw for frame in at_once) == said
    assert [frame.verb for frame in at_once] == [b"CONNECT", b"PUB", b"HPUB", b"SUB", b"PING"]
    wire = Wire(FROM_SERVICE, max_line_bytes=64, max_payload_bytes=64)
    assert [frame for byte in said for frame in wire.feed(bytes([byte]))] == at_once
