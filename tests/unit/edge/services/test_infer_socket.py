"""A service's ``infer.sock`` before a real inference process: what is answered, what is refused, what is bounded."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot.contracts.frames_door import Grant
from eyespot.edge.infer_client import Account
from eyespot.edge.infer_process import InferenceProcess
from eyespot.edge.services.inference.allowance import Allowance
from eyespot.edge.services.inference.answers import Answers
from eyespot.edge.services.inference.door import CONNECTIONS, InferDoor
from eyespot.edge.services.inference.models import ServiceModels
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.sdk.infer_client import InferClient
from eyespot.testing.sim_clock import SimClock
from eyespot.testing.tiny_package import write_package

PICTURE = np.full((32, 48, 3), (10, 20, 30), np.uint8)
HEAD = {"inputs": [{"name": "image", "shape": [1, 32, 48, 3], "datatype": "UINT8"}]}


class Stand:
    """Doors of services with a certain allowance; ``clock`` is the allowance's."""

    def __init__(self, folder: Path, inference: InferenceProcess) -> None:
        self.clock = SimClock()
        self._folder, self._inference = folder, inference
        self._open: list[tuple[InferDoor, ServiceModels]] = []

    async def door(self, share: float = 0.9, rate_hz: float = 100.0, uid: int | None = None) -> InferDoor:
        async def wake() -> None:
            """It runs."""

        allowance = Allowance("app", {"means": rate_hz, "missing": 1.0}, share, self.clock)
        models = ServiceModels(self._inference.socket, Account("service.app", 0.2), SystemClock())
        grant = Grant(uid=os.geteuid() if uid is None else uid, socket=self.path)
        door = InferDoor(grant, Answers("app", models, allowance), allowance, wake, SystemClock())
        await door.open()
        self._open.append((door, models))
        return door

    @property
    def path(self) -> Path:
        return self._folder / "infer.sock.app"

    async def infer(self, picture: np.ndarray = PICTURE, package: str = "means") -> dict[str, Any]:  # type: ignore[type-arg]  # any dtype
        return await asyncio.to_thread(InferClient(self.path).infer, package, picture)

    async def say(self, raw: bytes) -> tuple[int, bytes]:
        """Status and body of the answer to ``raw``; 0 where there was none."""
        reader, writer = await asyncio.open_unix_connection(str(self.path))
        writer.write(raw)
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, body

    async def close(self) -> None:
        for door, models in self._open:
            await door.close()
            models.close()


@pytest.fixture
async def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stand]:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "on")
    write_package(tmp_path / "models" / "means")
    inference = InferenceProcess(tmp_path / "models", tmp_path, inherited_env(), SystemClock())
    stop = asyncio.Event()
    keeping = asyncio.create_task(inference.run(stop))
    made = Stand(tmp_path, inference)
    yield made
    await made.close()
    stop.set()
    await keeping


def request(method: str, path: str, body: bytes = b"", **headers: object) -> bytes:
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{more}\r\n".encode() + body


async def test_models_are_told_of_and_run(stand: Stand) -> None:
    door = await stand.door()
    assert (await stand.infer())["mean"].tolist() == [[10, 20, 30]]
    status, body = await stand.say(request("GET", "/v2/models/means/versions/1"))
    told = json.loads(body)
    assert (status, told["platform"], told["inputs"][0]["shape"]) == (200, "fake_fake", [1, 32, 48, 3])
    assert [one["name"] for one in told["outputs"]] == ["mean", "again"]
    assert (await stand.say(request("GET", "/v2/models/means/ready")))[0] == 200
    assert json.loads((await stand.say(request("GET", "/v2")))[1])["extensions"] == ["binary_tensor_data"]
    as_text = json.dumps({"inputs": [{**HEAD["inputs"][0], "data": PICTURE.ravel().tolist()}]}).encode()
    status, body = await stand.say(
        request("POST", "/v2/models/means/infer", as_text, Content_Length=len(as_text), Expect="100-continue")
    )
    assert status == 100
    assert json.loads(body.partition(b"\r\n\r\n")[2])["outputs"][0]["data"] == [10, 20, 30]
    found = door.status()
    assert found["models"]["means"]["runs"] == 2
    assert found["run_s"] >= 0
    assert found["refused"] == {}


async def test_only_granted_models_that_are_there(stand: Stand) -> None:
    door = await stand.door()
    with pytest.raises(EyespotError, match="app may not use the model 'other'") as raised:
        await stand.infer(package="other")
    assert raised.value.kind is Kind.FORBIDDEN
    with pytest.raises(EyespotError, match="missing") as raised:
        await stand.infer(package="missing")
    assert raised.value.kind is Kind.INVALID
    assert door.status()["refused"] == {"forbidden": 1, "invalid": 1}


async def test_above_its_rate_it_waits(stand: Stand) -> None:
    door = await stand.door(rate_hz=3.0)
    for _ in range(3):
        await stand.infer()
    with pytest.raises(EyespotError, match=r"3 times a second. Ask again in 0.33 s") as raised:
        await stand.infer()
    assert raised.value.kind is Kind.THROTTLED
    await stand.clock.advance(0.34)
    await stand.infer()
    assert door.status()["models"]["means"]["runs"] == 4


async def test_above_its_share_it_waits_for_as_long_as_it_owes(stand: Stand) -> None:
    allowance = Allowance("app", {"means": 100.0}, 0.1, stand.clock)
    allowance.ask("means")
    allowance.ran("means", 300_000_000)
    with pytest.raises(EyespotError, match=r"used up its 10% of the accelerator. Ask again in 2.00 s"):
        allowance.ask("means")
    await stand.clock.advance(1.9)
    with pytest.raises(EyespotError):
        allowance.ask("means")
    await stand.clock.advance(0.2)
    allowance.ask("means")


async def test_another_user_of_the_machine_is_sent_away(stand: Stand) -> None:
    door = await stand.door(uid=os.geteuid() + 1)
    status, body = await stand.say(b"")
    assert (status, b"may not" in body) == (403, True)
    assert door.status()["refused"] == {"forbidden": 1}


BIG = b"x" * 99_999


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01 no http\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: " + b"a" * 20_000, 400),
        (request("GET", "/v2/models/../x"), 404),
        (request("POST", "/v2/models/means/load"), 404),
        (request("POST", "/v2/systemsharedmemory/region/a/register"), 404),
        (request("DELETE", "/v2/models/means/infer"), 404),
        (request("GET", "/v2/models/means/versions/2"), 404),
        (request("POST", "/v2/models/means/infer", b"{}", Content_Length=2), 400),
        (request("POST", "/v2/models/means/infer", b"[" * 60_000, Content_Length=60_000), 400),
        (request("POST", "/v2/models/means/infer", BIG, Content_Length=len(BIG)), 413),
        (request("POST", "/v2/models/means/infer", BIG, Content_Length=99_999, Inference_Header_Content_Length=9), 413),
        (request("POST", "/v2/models/means/infer", b"x" * 67_000, Content_Length=67_000), 413),
        (request("POST", "/v2/models/means/infer", b"zz\r\n", Transfer_Encoding="chunked"), 400),
    ],
)  # fmt: skip
async def test_what_breaks_the_rules_is_told_and_ends_nothing(stand: Stand, raw: bytes, status: int) -> None:
    door = await stand.door()
    assert (await stand.say(raw))[0] == status
    assert sum(door.status()["refused"].values()) == 1
    await stand.infer()


async def test_connections_are_bounded(stand: Stand) -> None:
    await stand.door()
    kept = [await asyncio.open_unix_connection(str(stand.path)) for _ in range(CONNECTIONS)]
    status, _ = await stand.say(b"")
    assert status == 429
    for _, writer in kept:
        writer.close()


async def test_an_inference_process_that_dies_costs_a_request_and_no_more(stand: Stand) -> None:
    await stand.door()
    await stand.infer()
    os.kill(stand._inference.status()["pid"], 9)
    answered = False
    while not answered:
        try:
            answered = (await stand.infer())["mean"].tolist() == [[10, 20, 30]]
        except EyespotError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
