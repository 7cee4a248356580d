"""Services on the real server: each within its own subjects, let in and put out by reloading; who is there is found."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.micro.service import ServiceInfo, ServicePing, ServiceStats

from eyespot.bus import server, subjects
from eyespot.bus.nats import NatsBus, connect
from eyespot.contracts.service_access import ServiceUser
from eyespot.contracts.status import Role
from eyespot.kernel.errors import EyespotError, Kind


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    running = start(server.prepare(tmp_path).command)
    yield running
    running.kill()
    running.wait()


@pytest.fixture
async def api(process: subprocess.Popen[bytes], tmp_path: Path) -> AsyncIterator[NatsBus]:
    bus = await connect(tmp_path, "api")
    yield bus
    await bus.close()


class Service:
    """A service with its key, as the relay signs in for it; what the server refuses is kept."""

    def __init__(self, name: str, **grants: tuple[str, ...]) -> None:
        self.seed, public = server.new_key()
        self.user = ServiceUser.model_validate({"name": name, "public_key": public, **grants})
        self.client = Client()
        self.refused: list[str] = []
        self.closed = asyncio.Event()

    async def join(self, run_dir: Path) -> Client:
        async def note(error: Exception) -> None:
            self.refused.append(str(error))

        async def end() -> None:
            self.closed.set()

        await self.client.connect(
            server.server_url(run_dir),
            closed_cb=end,
            nkeys_seed_str=self.seed,
            error_cb=note,
            allow_reconnect=False,
            inbox_prefix=f"_INBOX.service.{self.user.name}".encode(),
        )
        return self.client

    async def refusals(self) -> list[str]:
        """What the server refused by now."""
        await self.client.flush()
        await asyncio.sleep(0)
        return self.refused


async def let_in(run_dir: Path, process: subprocess.Popen[bytes], *services: Service) -> None:
    """Rewrite, reload, and wait until the last one is let in."""
    server.let_in(run_dir, [one.user for one in services])
    process.send_signal(signal.SIGHUP)
    if services:
        probe = await dial(run_dir, services[-1].seed)
        await probe.close()


async def dial(run_dir: Path, seed: str) -> Client:
    """Connect as soon as the server lets this key in."""
    while True:
        client = Client()
        try:
            await client.connect(
                server.server_url(run_dir), nkeys_seed_str=seed, allow_reconnect=False, error_cb=_ignore
            )
            return client
        except (NatsError, OSError):  # not let in yet
            await client.close()
            await asyncio.sleep(0.02)


async def _ignore(_: Exception) -> None:
    return


async def test_a_service_says_and_hears_its_own_alone(
    process: subprocess.Popen[bytes], tmp_path: Path, api: NatsBus
) -> None:
    one, two = Service("one", cameras=("yard",), read=("events",)), Service("two")
    await let_in(tmp_path, process, one, two)
    client, other = await one.join(tmp_path), await two.join(tmp_path)
    heard = api.subscribe(subjects.service_state(subjects.EVERY))
    await heard.ready()
    forbidden = [
        subjects.service_event("two"), subjects.service_state("two"), subjects.events("yard"),
        subjects.config_changed(),
        subjects.control("supervisor"), "$JS.API.INFO", "$JS.API.STREAM.CREATE.x", "$SYS.REQ.SERVER.PING", "$SRV.PING",
        "$KV.x.y", subjects.service_request("two", "do"), "_INBOX_api.x", "_INBOX.service.two.x",
    ]  # fmt: skip
    for subject in forbidden:
        await client.publish(subject, b"forged")
    for subject in (
        ">", "*.*", "eyespot.>", subjects.tracks("yard"), subjects.events("other"), subjects.service_config("two"),
        subjects.service_event("one"), "$JS.>", "_INBOX.>", "_INBOX_api.>", "_INBOX.service.two.>",
    ):  # fmt: skip
        await client.subscribe(subject, cb=_dismiss)
    await client.subscribe(subjects.events("yard"), cb=_dismiss)
    await client.publish(subjects.service_state("one"), b"own")
    await other.publish(subjects.service_state("two"), b"its")
    said = {(await anext(heard)).data, (await anext(heard)).data}
    assert said == {b"own", b"its"}
    refused = await one.refusals()
    assert len([text for text in refused if "publish" in text.lower()]) == len(forbidden)
    assert len([text for text in refused if "subscription" in text.lower()]) == 11
    assert not [text for text in refused if subjects.events("yard") in text and "subscription" in text.lower()]
    await client.close()
    await other.close()


async def _dismiss(_: Msg) -> None:
    return


async def test_a_granted_request_is_answered_and_others_are_not(
    process: subprocess.Popen[bytes], tmp_path: Path, api: NatsBus
) -> None:
    asks, serves = Service("asks", ask=("serves",)), Service("serves")
    await let_in(tmp_path, process, asks, serves)
    client, server_side = await asks.join(tmp_path), await serves.join(tmp_path)

    async def answer(message: Msg) -> None:
        await message.respond(b"answer")

    await server_side.subscribe(subjects.service_request("serves", subjects.EVERY), cb=answer)
    for _ in range(2):  # nats-py's first ping may overtake what is still buffered
        await server_side.flush()
    assert (await client.request(subjects.service_request("serves", "count"), b"", timeout=20)).data == b"answer"
    assert await api.request(subjects.service_request("serves", "count"), b"", timeout_s=20) == b"answer"
    await client.close()
    await server_side.close()


async def test_who_is_put_out_is_put_out_now_and_nobody_else_notices(
    process: subprocess.Popen[bytes], tmp_path: Path, api: NatsBus
) -> None:
    stays, goes = Service("stays"), Service("goes")
    await let_in(tmp_path, process, stays, goes)
    client, put_out = await stays.join(tmp_path), await goes.join(tmp_path)
    heard = api.subscribe(subjects.service_state("stays"))
    await heard.ready()
    await let_in(tmp_path, process, stays)
    await goes.closed.wait()
    await client.publish(subjects.service_state("stays"), b"still here")
    assert (await anext(heard)).data == b"still here"
    assert client.stats["reconnects"] == 0
    assert process.poll() is None
    await client.close()
    await put_out.close()


async def test_every_process_is_found_by_the_services_api(tmp_path: Path, api: NatsBus) -> None:
    media = await connect(tmp_path, "media")

    async def echo(data: bytes) -> bytes:
        if data == b"bad":
            raise EyespotError(*_REFUSAL)
        return data

    await media.serve(subjects.control("media"), echo)
    await api.request(subjects.control("media"), b"x", 20)
    with pytest.raises(EyespotError):
        await api.request(subjects.control("media"), b"bad", 20)
    found = await ask(tmp_path, "$SRV.PING", 2)
    assert {ServicePing.from_dict(one).name for one in found} == {"eyespot-api", "eyespot-media"}
    (one,) = await ask(tmp_path, "$SRV.STATS.eyespot-media", 1)
    (endpoint,) = ServiceStats.from_dict(one).endpoints
    assert (endpoint.subject, endpoint.num_requests, endpoint.num_errors) == (subjects.control("media"), 2, 1)
    assert endpoint.processing_time > 0
    identity = one["id"]
    (info,) = await ask(tmp_path, f"$SRV.INFO.eyespot-media.{identity}", 1)
    assert [each.subject for each in ServiceInfo.from_dict(info).endpoints] == [subjects.control("media")]
    await media.close()


async def ask(run_dir: Path, subject: str, answers: int) -> list[dict[str, object]]:
    """The answers to a discovery request of an ordinary client that has the operator's key."""
    access = server.read_access(run_dir, "operator")
    client = Client()
    await client.connect(access.url, nkeys_seed_str=access.seed, inbox_prefix=b"_INBOX_operator")
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    await client.publish(subject, b"", reply=inbox)
    found = [json.loads((await subscription.next_msg(20)).data) for _ in range(answers)]
    await client.close()
    return found


_REFUSAL = (Kind.INVALID, "No.")


@pytest.mark.usefixtures("api")  # the server is up: before that, the signal would end it
async def test_what_jetstream_acknowledged_is_there_after_a_kill(
    process: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    config = json.loads((tmp_path / server.CONFIG_FILE).read_text())
    seed, public = server.new_key()
    config["authorization"]["users"].append({"nkey": public})
    (tmp_path / server.CONFIG_FILE).write_text(json.dumps(config))
    process.send_signal(signal.SIGHUP)
    client = await dial(tmp_path, seed)
    stream = client.jetstream()
    await stream.add_stream(name="outbox", subjects=["outbox.*"])
    for number in range(50):
        await stream.publish(f"outbox.{number}", b"x")
    process.kill()
    process.wait()
    await client.close()
    again = start([server.find_server(), "-c", str(tmp_path / server.CONFIG_FILE)])
    try:
        client = await dial(tmp_path, seed)
        assert (await client.jetstream().stream_info("outbox")).state.messages == 50
        await client.close()
    finally:
        again.kill()
        again.wait()


def test_every_role_has_permissions() -> None:
    from eyespot.bus.access import role_permissions

    roles: tuple[Role, ...] = subjects.ROLES
    assert all(
        not any(subject.startswith("$JS") for half in role_permissions(role) for subject in half) for role in roles
    )
