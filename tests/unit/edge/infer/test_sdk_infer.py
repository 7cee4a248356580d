"""The SDK's ``infer`` against the real door, on a Unix socket as a service finds it."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from service_rig import hosting, until

from eyespot.edge.infer_doorkeeper import Doorkeeper
from eyespot.edge.infer_guests import Guests
from eyespot.edge.infer_journal import Journal
from eyespot.edge.infer_models import Models
from eyespot.edge.infer_rest import rest_server
from eyespot.infer.share.accelerator import SharedAccelerator
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.sdk.infer_client import InferClient

MANIFEST = """
[service]
name = "asker"
version = "1.0.0"
title = "Asker"
python = "asker:Asker"
"""
CODE = """
import numpy as np
from eyespot.sdk import Service

class Asker(Service):
    verbs = ("mean",)

    async def on_request(self, verb, body):
        made = await self.infer("means", np.full((32, 48, 3), body, np.uint8))
        return made["mean"].tolist()
"""
PICTURE = np.full((32, 48, 3), (10, 20, 30), np.uint8)


class KnownBySocket(Doorkeeper):
    def guest(self, authorization: str) -> str:
        return "app"


@pytest.fixture
async def door(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "on")
    clock = SystemClock()
    shared = SharedAccelerator(clock)
    guests = Guests(Models(models, Journal(tmp_path, clock)), shared, clock, share=0.25)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "infer.sock"))
    server = rest_server(guests, KnownBySocket(tmp_path / "token"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    yield tmp_path / "infer.sock"
    server.ends.set()
    await serving
    with contextlib.suppress(OSError):
        listener.close()
    guests.close()
    await asyncio.to_thread(shared.close)


@pytest.mark.parametrize("picture", [PICTURE, PICTURE[None], np.repeat(PICTURE, 2, axis=1)[:, ::2]])
async def test_a_model_is_run(door: Path, picture: np.ndarray) -> None:  # type: ignore[type-arg]  # any dtype
    client = InferClient(door)
    for _ in range(2):
        made = await asyncio.to_thread(client.infer, "means", picture)
        assert made["mean"].tolist() == [[10, 20, 30]]
        assert made["again"].tolist() == [[10, 20, 30]] * 2


@pytest.mark.parametrize(
    ("package", "picture", "kind", "words"),
    [
        ("means", PICTURE[:16], Kind.INVALID, "takes"),
        ("means", PICTURE[0, 0], Kind.INVALID, "takes"),
        ("means", PICTURE.astype(np.float32), Kind.INVALID, r"astype\('uint8'\)"),
        ("none", PICTURE, Kind.NOT_FOUND, "none"),
        ("../means", PICTURE, Kind.NOT_FOUND, "404"),
    ],
)
async def test_what_does_not_fit_is_told(
    door: Path,
    package: str,
    picture: np.ndarray,
    kind: Kind,
    words: str,  # type: ignore[type-arg]  # any dtype
) -> None:
    with pytest.raises(EyespotError, match=words) as raised:
        await asyncio.to_thread(InferClient(door).infer, package, picture)
    assert raised.value.kind is kind


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(EyespotError) as raised:
        InferClient(tmp_path / "infer.sock").infer("means", PICTURE)
    assert raised.value.kind is Kind.UNAVAILABLE


async def test_a_service_runs_a_model(door: Path, tmp_path: Path) -> None:
    code = tmp_path / "asker"
    code.mkdir()
    (code / "service.toml").write_text(MANIFEST)
    (code / "asker.py").write_text(CODE)
    async with hosting(tmp_path) as host:
        (host.run / "infer.sock").symlink_to(door)
        child = await host.start(code, "asker", "asker:Asker")
        await until(lambda: host.said("beat"))
        answer = await host.client.request("eyespot.service.asker.request.mean", b"[4, 5, 6]", timeout=60)
        assert json.loads(answer.data) == [[4, 5, 6]]
        child.terminate()
        assert await child.wait() == 0
