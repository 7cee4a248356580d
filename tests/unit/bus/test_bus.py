"""One suite over every bus: the memory bus and a real nats-server."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from eyespot.bus import subjects
from eyespot.bus.contract import MAX_PAYLOAD_BYTES, MAX_PENDING_MESSAGES, Bus
from eyespot.bus.nats import connect
from eyespot.bus.server import ServerPlan, prepare
from eyespot.contracts.status import Role
from eyespot.kernel.errors import EyespotError, Kind, invalid
from eyespot.testing.memory_bus import MemoryBus

Join = Callable[[Role], Awaitable[Bus]]


def start(plan: ServerPlan) -> subprocess.Popen[bytes]:
    return subprocess.Popen(plan.command)


@pytest.fixture(params=["memory", "nats"])
async def join(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Join]:
    if request.param == "memory":
        bus = MemoryBus()

        async def share(role: Role) -> Bus:
            return bus

        yield share
        await bus.close()
        return
    plan = prepare(tmp_path / "run")
    server = start(plan)
    joined: list[Bus] = []

    async def dial(role: Role) -> Bus:
        joined.append(await connect(tmp_path / "run", role))
        return joined[-1]

    yield dial
    for one in joined:
        await one.close()
    server.terminate()
    server.wait()


async def test_a_message_reaches_every_listener_of_its_subject(join: Join) -> None:
    vision, api, media = await join("vision"), await join("api"), await join("media")
    everything, one = api.subscribe(subjects.events(subjects.EVERY)), media.subscribe(subjects.events("front"))
    await everything.ready()
    await one.ready()
    await vision.publish(subjects.events("back"), b"1")
    await vision.publish(subjects.events("front"), b"2")
    first, second = await anext(everything), await anext(everything)
    assert [(first.subject, first.data), (second.subject, second.data)] == [
        (subjects.events("back"), b"1"),
        (subjects.events("front"), b"2"),
    ]
    assert (await anext(one)).data == b"2"


async def test_a_request_is_answered_and_errors_come_back_as_they_were(join: Join) -> None:
    media, api = await join("media"), await join("api")

    async def handler(payload: bytes) -> bytes:
        if payload == b"bad":
            raise invalid("No such thing.", "Ask for another.")
        return payload.upper()

    await media.serve(subjects.control("media"), handler)
    assert await api.request(subjects.control("media"), b"ping") == b"PING"
    with pytest.raises(EyespotError) as raised:
        await api.request(subjects.control("media"), b"bad")
    assert (raised.value.kind, raised.value.what, raised.value.todo) == (
        Kind.INVALID,
        "No such thing.",
        "Ask for another.",
    )


async def test_a_request_without_a_server_is_unavailable(join: Join) -> None:
    api = await join("api")
    with pytest.raises(EyespotError) as raised:
        await api.request(subjects.control("vision"), b"", timeout_s=0.5)
    assert raised.value.kind is Kind.UNAVAILABLE


async def test_a_slow_listener_loses_the_oldest_and_knows_how_many(join: Join) -> None:
    vision, api = await join("vision"), await join("api")
    slow = api.subscribe(subjects.tracks("front"))
    await slow.ready()
    count = MAX_PENDING_MESSAGES + 100
    for number in range(count):
        await vision.publish(subjects.tracks("front"), str(number).encode())
    while slow.dropped < 100:  # noqa: ASYNC110 - the other side has no event to wait for
        await asyncio.sleep(0.01)
    assert slow.dropped == 100
    assert (await anext(slow)).data == b"100"


async def test_a_payload_above_the_limit_is_refused(join: Join) -> None:
    vision = await join("vision")
    with pytest.raises(EyespotError) as raised:
        await vision.publish(subjects.tracks("front"), bytes(MAX_PAYLOAD_BYTES + 1))
    assert raised.value.kind is Kind.TOO_LARGE


async def test_closing_ends_a_subscription(join: Join) -> None:
    api = await join("api")
    listening = api.subscribe(subjects.events(subjects.EVERY))

    async def drain() -> int:
        return len([message async for message in listening])

    task = asyncio.create_task(drain())
    await listening.ready()
    await listening.close()
    assert await task == 0
