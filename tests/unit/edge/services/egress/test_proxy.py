"""The proxy of one service: reaches what was granted and nothing else, says so, bounds and notes everything."""

import asyncio
import contextlib
import ipaddress
import os
import urllib.error
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from eyespot.contracts.destination import IpAddress
from eyespot.contracts.frames_door import Grant
from eyespot.edge.services.egress.limits import Limits
from eyespot.edge.services.egress.proxy import EgressProxy
from eyespot.edge.services.egress.reach import Outside
from eyespot.edge.services.egress.record import Connection
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind, unavailable
from eyespot.sdk import network

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Stand:
    """An echo server on loopback that says ``HTTP`` to GET, and proxies to it."""

    def __init__(self, folder: Path) -> None:
        self.run, self.noted = folder, {}  # type: dict[str, Connection]
        self.names: dict[str, list[str]] = {}
        self.own: set[IpAddress] = set()
        self.proxies: list[EgressProxy] = []
        self.looked_up: list[str] = []
        self.port, self.accepted = 0, 0

    async def serve(self) -> None:
        self.server = await asyncio.start_server(self._echo, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _echo(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                if data.startswith(b"GET /away"):
                    data = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
                elif data.startswith(b"GET "):
                    data = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
                writer.write(data)
                await writer.drain()
        writer.close()

    async def _resolve(self, name: str) -> list[IpAddress]:
        self.looked_up.append(name)
        if name not in self.names:
            raise unavailable(f"{name} has no address.")
        return [ipaddress.ip_address(text) for text in self.names[name]]

    async def proxy(self, *granted: str, limits: Limits | None = None, uid: int | None = None) -> EgressProxy:
        grant = Grant(uid=os.geteuid() if uid is None else uid, socket=self.run / "net.sock")
        made = EgressProxy(
            "probe", grant, granted, Outside(self._resolve, lambda: self.own), self.note, SystemClock(), limits=limits
        )
        await made.open()
        self.proxies.append(made)
        return made

    def note(self, connection: Connection) -> None:
        self.noted[connection.id] = connection

    @property
    def here(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def last(self, outcome: str) -> Connection:
        """The newest note, once it has ``outcome``."""
        while not self.noted or list(self.noted.values())[-1].outcome != outcome:  # noqa: ASYNC110 - notes give no event
            await asyncio.sleep(0.005)
        return list(self.noted.values())[-1]

    async def close(self) -> None:
        for proxy in self.proxies:
            await proxy.close()
        self.server.close()


@pytest.fixture
async def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    monkeypatch.setenv("EYESPOT_RUN", str(tmp_path))
    made = Stand(tmp_path)
    await made.serve()
    yield made
    await made.close()


async def refused(host: str, port: int) -> EyespotError:
    with pytest.raises(EyespotError) as caught:
        await network.open_connection(host, port)
    return caught.value


async def raw(stand: Stand, data: bytes) -> bytes:
    """What comes back for bytes of one's own making."""
    reader, writer = await asyncio.open_unix_connection(str(stand.run / "net.sock"))
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


async def test_what_was_granted_is_reached_and_noted_with_its_bytes(stand: Stand) -> None:
    proxy = await stand.proxy(stand.here)
    reader, writer = await network.open_connection("127.0.0.1", stand.port)
    writer.write(b"x" * 300_000)
    writer.write_eof()
    assert len(await reader.read()) == 300_000
    writer.close()
    found = await stand.last("ended")
    assert (found.service, found.host, found.port, found.address) == ("probe", "127.0.0.1", stand.port, "127.0.0.1")
    assert (found.sent_bytes, found.received_bytes, found.why) == (300_000, 300_000, "")
    assert proxy.status() | {"open": 0} == {
        "open": 0, "made": 1, "refused": 0, "failed": 0, "sent_bytes": 300_000, "received_bytes": 300_000,
        "refusals": [],
    }  # fmt: skip


async def test_an_open_connection_is_noted_before_it_ends(stand: Stand) -> None:
    await stand.proxy(stand.here)
    _, writer = await network.open_connection("127.0.0.1", stand.port)
    assert (await stand.last("open")).port == stand.port
    writer.close()


async def test_http_by_the_standard_library_follows_no_redirect_to_what_was_not_granted(stand: Stand) -> None:
    await stand.proxy(stand.here)

    def fetch(path: str) -> bytes:
        with network.opener().open(f"http://{stand.here}{path}", timeout=10) as answer:
            content: bytes = answer.read()
            return content

    assert await asyncio.to_thread(fetch, "/") == b"hello"
    with pytest.raises((EyespotError, urllib.error.URLError), match=r"elsewhere.example:80 is not granted"):
        await asyncio.to_thread(fetch, "/away")
    assert (await stand.last("refused")).host == "elsewhere.example"


@pytest.mark.parametrize(
    "host", ["example.org", "127.0.0.2", "localhost", "169.254.169.254", "::1", "127.1", "evil.test"]
)
async def test_what_was_not_granted_is_refused_and_noted(stand: Stand, host: str) -> None:
    proxy = await stand.proxy(stand.here, "good.example:443")
    error = await refused(host, stand.port)
    assert error.kind in (Kind.FORBIDDEN, Kind.INVALID)
    assert (await stand.last("refused")).why
    assert (proxy.status()["refused"], stand.accepted, stand.looked_up) == (1, 0, [])
    assert len(proxy.status()["refusals"]) == 1


async def test_another_port_of_a_granted_host_is_refused(stand: Stand) -> None:
    await stand.proxy("127.0.0.1:1")
    assert (await refused("127.0.0.1", stand.port)).kind is Kind.FORBIDDEN


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::ffff:127.0.0.1", "::1", "192.168.7.7", "169.254.169.254", "64:ff9b::7f00:1"]
)
async def test_a_granted_name_does_not_lead_into_the_machine_or_its_network(stand: Stand, address: str) -> None:
    stand.names["rebound.example"] = [address]
    proxy = await stand.proxy(f"rebound.example:{stand.port}")
    error = await refused("rebound.example", stand.port)
    assert (error.kind, address in str(error)) == (Kind.FORBIDDEN, False), "it is told no address of the network"
    found = await stand.last("refused")
    assert (found.host, found.address) == ("rebound.example", str(ipaddress.ip_address(address)))
    assert "not a public address" in found.why
    assert stand.accepted == 0
    assert "rebound.example" in proxy.status()["refusals"][0]


async def test_a_public_address_of_the_machine_itself_is_no_way_in(stand: Stand) -> None:
    stand.names["self.example"] = ["93.184.216.34"]
    stand.own.add(ipaddress.ip_address("93.184.216.34"))
    await stand.proxy("self.example:443")
    assert (await refused("self.example", 443)).kind is Kind.FORBIDDEN
    assert "own" in (await stand.last("refused")).why


async def test_a_name_is_looked_up_once_for_each_connection(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address that was checked is connected to: what the name means a moment later does not count."""
    tried: list[object] = []

    async def open_connection(host: str, port: int, **_: object) -> Streams:
        tried.append((host, port))
        stand.names["turning.example"] = ["127.0.0.1"]
        raise OSError("no route in this test")

    stand.names["turning.example"] = ["93.184.216.34", "10.0.0.1", "2606:2800::1"]
    await stand.proxy("turning.example:443")
    monkeypatch.setattr("eyespot.edge.services.egress.reach.asyncio.open_connection", open_connection)
    error = await asyncio.to_thread(_connect_error, "turning.example", 443)
    assert error.kind is Kind.UNAVAILABLE
    assert tried == [("93.184.216.34", 443), ("2606:2800::1", 443)]
    assert stand.looked_up == ["turning.example"]
    assert (await stand.last("failed")).address == "2606:2800::1"


def _connect_error(host: str, port: int) -> EyespotError:
    with pytest.raises(EyespotError) as caught:
        network.connect(host, port)
    return caught.value


async def test_what_cannot_be_reached_is_a_failure(stand: Stand) -> None:
    proxy = await stand.proxy("127.0.0.1:1", "nowhere.example:1", "0.0.0.0:1")
    assert (await refused("127.0.0.1", 1)).kind is Kind.UNAVAILABLE
    assert "nowhere.example" in str(await refused("nowhere.example", 1))
    assert (await refused("0.0.0.0", 1)).kind is Kind.FORBIDDEN
    assert (proxy.status()["failed"], proxy.status()["refused"], proxy.status()["made"]) == (2, 1, 0)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET http://127.0.0.1/ HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"CONNECT HERE HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", b"400"),
        (b"CONNECT HERE HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"CONNECT HERE\r\n\r\n", b"400"),
        (b"CONNECT HERE, other:1 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x00\xa5\x01" + b"\r\n\r\n", b"400"),
        (b"CONNECT HERE HTTP/1.1\r\nHost: " + b"a" * 20_000, b"400"),
        (b"CONNECT " + b"a" * 6000 + b":80 HTTP/1.1\r\nHost: a\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_connect_is_refused_and_noted(stand: Stand, request_: bytes, status: bytes) -> None:
    proxy = await stand.proxy(stand.here)
    answer = await raw(stand, request_.replace(b"HERE", stand.here.encode()))
    assert answer.split(b" ")[1] == status
    assert (proxy.status()["refused"], stand.accepted) == (1, 0)
    assert (await stand.last("refused")).why


async def test_one_that_does_not_finish_its_request_is_sent_away(stand: Stand) -> None:
    await stand.proxy(stand.here, limits=Limits(head_s=0.05))
    assert b"No request came" in await raw(stand, b"CONNECT ")
    assert (await stand.last("refused")).port == 0


async def test_nobody_else_gets_out_by_its_socket(stand: Stand) -> None:
    await stand.proxy(stand.here, uid=os.geteuid() + 1)
    (stand.run / "net.sock").chmod(0o777)
    await refused("127.0.0.1", stand.port)
    assert "may not" in (await stand.last("refused")).why
    assert stand.accepted == 0


async def test_a_silent_connection_is_ended(stand: Stand) -> None:
    await stand.proxy(stand.here, limits=Limits(idle_s=0.05))
    reader, writer = await network.open_connection("127.0.0.1", stand.port)
    assert await reader.read() == b""
    await stand.last("idle")
    writer.close()


async def test_closing_ends_what_is_open(stand: Stand) -> None:
    proxy = await stand.proxy(stand.here)
    reader, writer = await network.open_connection("127.0.0.1", stand.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    await proxy.close()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    assert (await stand.last("closed")).sent_bytes == 5
    assert not (stand.run / "net.sock").exists()
    writer.close()


async def test_more_connections_than_allowed_wait_for_their_turn(stand: Stand) -> None:
    proxy = await stand.proxy(stand.here, limits=Limits(connections=2, attempts_per_s=1000))
    first, second = [await network.open_connection("127.0.0.1", stand.port) for _ in range(2)]
    third = asyncio.create_task(network.open_connection("127.0.0.1", stand.port))
    await asyncio.sleep(0.1)
    assert (third.done(), proxy.status()["open"]) == (False, 2)
    first[1].close()
    (await third)[1].close()
    second[1].close()


async def test_bytes_are_held_to_the_rate(stand: Stand) -> None:
    waits: list[float] = []

    class Counting(SystemClock):
        async def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            await asyncio.sleep(min(seconds, 0.01))

    grant = Grant(uid=os.geteuid(), socket=stand.run / "net.sock")
    limits = Limits(bytes_per_s=10_000)
    outside = Outside(stand._resolve, lambda: stand.own)
    stand.proxies.append(EgressProxy("probe", grant, [stand.here], outside, stand.note, Counting(), limits=limits))
    await stand.proxies[-1].open()
    reader, writer = await network.open_connection("127.0.0.1", stand.port)
    writer.write(b"x" * 40_000)
    writer.write_eof()
    assert len(await reader.read()) == 40_000
    writer.close()
    assert max(wait for wait in waits if wait < 100) > 1, "40 kB there and back at 10 kB a second"
