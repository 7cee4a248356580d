"""The inference process, for real: answers through shared memory, crashes, restarts, the next target, hostile peers."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import numpy as np
import pytest

from eyespot.edge import infer_wire as wire
from eyespot.edge.infer_client import Account, RemoteSession
from eyespot.edge.infer_models import Wanted
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import open_session
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind

CAMERA = Account("camera", 0.5)
PICTURE = np.full((32, 48, 3), (10, 20, 30), np.uint8)


async def _session(path: Path, wanted: Wanted = Wanted("means"), account: Account = CAMERA) -> RemoteSession:  # noqa: B008
    return await asyncio.to_thread(RemoteSession, path, wanted, account, SystemClock(), patience_s=20)


async def test_answers_come_through_shared_memory(started) -> None:  # type: ignore[no-untyped-def]
    async with started() as (process, crashes):
        session = await _session(process.socket)
        assert session.input_px == (32, 48)
        assert session.choice.accelerator == "fake"
        for value in (10, 200):
            mean, again = await asyncio.to_thread(session.run, np.full_like(PICTURE, value))
            assert mean.tolist() == [[value] * 3]
            assert again.shape == (2, 3)
        with pytest.raises(EyespotError, match=r"\[32, 48, 3\] uint8"):
            session.run(np.zeros((8, 8, 3), np.uint8))
        session.close()
        with pytest.raises(EyespotError, match="closed"):
            session.run(PICTURE)
    assert crashes == []


async def test_a_crash_costs_the_request_in_flight_and_the_next_target_takes_over(started) -> None:  # type: ignore[no-untyped-def]
    async with started("crash_after=3") as (process, crashes):
        session = await _session(process.socket)
        targets, answered, lost = [], 0, 0
        while len(crashes) < 2 or not lost or answered < 5:
            try:
                await asyncio.to_thread(session.run, PICTURE)
                answered += 1
                targets.append(session.choice.variant)
            except EyespotError as error:
                lost += error.kind is Kind.UNAVAILABLE and "ended while it ran this" in error.what
            assert lost <= 4
        session.close()
    assert lost in (len(crashes), len(crashes) - 1)
    assert crashes[0].how == "signal KILL"
    assert crashes[0].died_in == ("means/first@fake",)
    assert crashes[1].avoided == ("means/first@fake",)
    assert targets[0] == "first"
    assert targets[-1] == "second"


async def test_an_idle_process_that_is_killed_blames_no_target(started) -> None:  # type: ignore[no-untyped-def]
    async with started() as (process, crashes):
        session = await _session(process.socket)
        os.kill(process.status()["pid"], signal.SIGKILL)
        while not crashes:  # noqa: ASYNC110 - the process is another one
            await asyncio.sleep(0.02)
        mean, _ = await asyncio.to_thread(session.run, PICTURE)
        assert mean.tolist() == [[10, 20, 30]]
        assert session.reconnects == 1
        session.close()
    assert crashes[0].died_in == crashes[0].avoided == ()


async def test_refusals_come_in_the_workers_words(started) -> None:  # type: ignore[no-untyped-def]
    async with started() as (process, _):
        with pytest.raises(EyespotError, match="no model package"):
            await _session(process.socket, Wanted("none"))
        with pytest.raises(EyespotError, match="no variant 'third'"):
            await _session(process.socket, Wanted("means", variant="third"))
        first = await _session(process.socket)
        with pytest.raises(EyespotError, match="50% is left") as caught:
            await _session(process.socket, account=Account("greedy", 0.6))
        assert caught.value.kind is Kind.EXHAUSTED
        late = SystemClock().monotonic_ns() - 1
        with pytest.raises(EyespotError, match="deadline passed"):
            await asyncio.to_thread(first.run, PICTURE, deadline_ns=late)
        assert (await asyncio.to_thread(first.run, PICTURE))[0].tolist() == [[10, 20, 30]]
        first.close()


async def test_hostile_peers_lose_their_connection_alone(started) -> None:  # type: ignore[no-untyped-def]
    async with started() as (process, crashes):
        session = await _session(process.socket)
        for message in (
            b"{",
            b"[]",
            b'{"OpenRequest": {"client": "../x"}}',
            b'{"Run": 1}',
            b"[" * 60_000,
            b"\xff" * 900,
        ):
            peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            peer.connect(str(process.socket))
            peer.send(message)
            peer.settimeout(10)
            assert await asyncio.to_thread(peer.recv, 10) == b""
            peer.close()
        assert (await asyncio.to_thread(session.run, PICTURE))[0].tolist() == [[10, 20, 30]]
        session.close()
    assert crashes == []


def test_memory_is_what_it_says() -> None:
    arena = wire.Arena.make(4096)
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(arena.descriptor, 10)
    twin = wire.Arena.map(os.dup(arena.descriptor), 4096)
    [placed] = arena.place([np.arange(6, dtype=np.int16).reshape(2, 3)], 64)
    assert twin.view(placed).tolist() == [[0, 1, 2], [3, 4, 5]]
    for bad in (
        wire.Placed(dtype="float32", shape=(1024,), offset=4),
        wire.Placed(dtype="object", shape=(1,), offset=0),
        wire.Placed(dtype="uint8", shape=(-1,), offset=0),
        wire.Placed(dtype="uint8", shape=(1 << 62, 1 << 62), offset=0),
    ):
        with pytest.raises(EyespotError):
            twin.view(bad)
    with pytest.raises(EyespotError, match="do not fit"):
        arena.place([np.zeros(5000, np.uint8)], 0)
    with pytest.raises(EyespotError, match="not as it says"):
        wire.Arena.map(os.dup(arena.descriptor), 8192)
    unsealed = os.memfd_create("unsealed")
    os.ftruncate(unsealed, 64)
    with pytest.raises(EyespotError):
        wire.Arena.map(unsealed, 64)
    arena.close_descriptor()


@pytest.mark.footage
async def test_the_real_model_answers_as_it_does_in_process(model_dir: Path, tmp_path: Path) -> None:
    from eyespot.edge.infer_process import InferenceProcess
    from eyespot.kernel.config import inherited_env

    package = ModelPackage.load(model_dir / "nanodet-g")
    own = open_session(package)
    picture = np.random.default_rng(1).integers(0, 255, (*own.input_px, 3), np.uint8)
    process = InferenceProcess(model_dir, tmp_path, inherited_env(), SystemClock())
    stop = asyncio.Event()
    running = asyncio.create_task(process.run(stop))
    session = await _session(process.socket, Wanted("nanodet-g"))
    there = await asyncio.to_thread(session.run, picture)
    for mine, other in zip(own.run(picture), there, strict=True):
        np.testing.assert_array_equal(mine, other)
    session.close()
    own.close()
    stop.set()
    await running
