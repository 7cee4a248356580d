"""What hostile guests may send: every bound holds, in clear words, and nobody else notices."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.edge import infer_rest_wire as rest
from eyespot.edge.infer_doorkeeper import Doorkeeper
from eyespot.edge.infer_request import GivenOutput, GuestRequest, WantedOutput
from eyespot.edge.infer_tensors import from_bytes, from_values
from eyespot.kernel.errors import EyespotError, Kind

pytest.importorskip("grpc")

from door_rig import doors

HEAD = {"inputs": [{"name": "image", "shape": [1, 2], "datatype": "UINT8", "parameters": {"binary_data_size": 2}}]}


def _head(**changes: object) -> bytes:
    return json.dumps({"inputs": [HEAD["inputs"][0] | changes]}).encode()


def _read(body: bytes, head_length: str | None = None) -> GuestRequest:
    return rest.read_request(body, head_length, "guest", "means", "")


def _kind(call: Callable[[], object]) -> Kind | None:
    """The kind of refusal, None for none."""
    try:
        call()
    except EyespotError as error:
        return error.kind
    return None


def test_a_binary_request_reads_back() -> None:
    head = _head()
    request = _read(head + b"\x07\x08", str(len(head)))
    assert request.inputs[0].array is not None
    assert request.inputs[0].array.tolist() == [[7, 8]]


@pytest.mark.parametrize(
    ("body", "head_length"),
    [
        (b"", None),
        (b"[" * 100_000, None),
        (b"{}", "3"),
        (b"{}", "-1"),
        (b"{}", "٣"),
        (b"{}", "9" * 5000),
        (_head() + b"\x07", str(len(_head()))),
        (_head() + b"\x07\x08\x09", str(len(_head()))),
        (_head(shape=[1, 3]) + b"\x07\x08", str(len(_head(shape=[1, 3])))),
        (_head(shape=[-1, -2]) + b"\x07\x08", str(len(_head(shape=[-1, -2])))),
        (_head(shape=[1] * 9) + b"\x07\x08", str(len(_head(shape=[1] * 9)))),
        (_head(datatype="BYTES") + b"\x07\x08", str(len(_head(datatype="BYTES")))),
        (_head(parameters={"binary_data_size": True}), None),
        (_head(parameters={}, data=[1, 2, 3]), None),
        (_head(parameters={}, data=[1, 256]), None),
        (_head(parameters={}, data=[1, 1.5]), None),
        (_head(parameters={}, data=[1, "2"]), None),
        (_head(parameters={}, data=[[1], [2, 3]]), None),
        (_head(parameters={}, data={"a": 1}), None),
        (_head(parameters={}, shape=[1 << 62, 4], data=[1]), None),
        (_head(parameters={str(index): 1 for index in range(40)}), None),
        (json.dumps({"inputs": [HEAD["inputs"][0]] * 17}).encode(), None),
        (_head(name="n" * 300), None),
    ],
)
def test_a_request_that_is_none_is_refused(body: bytes, head_length: str | None) -> None:
    with pytest.raises(EyespotError) as caught:
        _read(body, head_length)
    assert caught.value.kind in (Kind.INVALID, Kind.TOO_LARGE)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.none() | st.text(max_size=8))
def test_no_bytes_do_worse_than_a_refusal(body: bytes, head_length: str | None) -> None:
    assert _kind(lambda: _read(body, head_length)) in (None, Kind.INVALID, Kind.TOO_LARGE)


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(), st.lists, max_leaves=8)
)
def test_no_values_do_worse_than_a_refusal(values: object) -> None:
    for datatype in ("UINT8", "FP16", "INT64", "BOOL"):
        assert _kind(lambda datatype=datatype: from_values(values, datatype, [1, 2], "x")) in (None, Kind.INVALID)


def test_tensors_are_bounded() -> None:
    with pytest.raises(EyespotError) as caught:
        from_bytes(b"", "FP64", [1 << 20, 1 << 10], "x")
    assert caught.value.kind is Kind.TOO_LARGE


def test_an_answer_says_where_its_tensors_are() -> None:
    request = _read(_head() + b"\x07\x08", str(len(_head())))
    array = np.arange(3, dtype=np.float32)
    outputs = [
        GivenOutput("raw", "FP32", (3,), WantedOutput("raw", {"binary_data": True}), array),
        GivenOutput("rows", "FP32", (3,), WantedOutput("rows", {"binary_data": False}), array),
    ]
    body, head_bytes = rest.write_answer(request, "1", outputs)
    document = json.loads(body[:head_bytes])
    assert document["outputs"][0]["parameters"] == {"binary_data_size": 12}
    assert document["outputs"][1]["data"] == [0, 1, 2]
    assert np.frombuffer(body[head_bytes:], np.float32).tolist() == [0, 1, 2]


def test_tokens_come_from_a_file_that_is_its_owners(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    keeper = Doorkeeper(path)
    assert path.stat().st_mode & 0o777 == 0o600
    token = path.read_text().strip().partition(":")[2]
    assert keeper.guest(f"Bearer {token}") == "guest"
    for wrong in ("", token, f"Basic {token}", "Bearer ", "Bearer x", f"Bearer {token}x", "Bearer " + "é" * 4000):
        with pytest.raises(EyespotError) as caught:
            keeper.guest(wrong)
        assert caught.value.kind is Kind.UNAUTHENTICATED
    path.write_text(f"one:{'a' * 30}\ntwo:{'b' * 30}\nshort:abc\nNot A Line\n")
    assert [keeper.guest(f"bearer {letter * 30}") for letter in "ab"] == ["one", "two"]
    for gone in ("abc", token):
        with pytest.raises(EyespotError):
            keeper.guest(f"Bearer {gone}")
    path.unlink()
    with pytest.raises(EyespotError):
        keeper.guest(f"Bearer {'a' * 30}")
    path.touch(0o644)
    with pytest.raises(EyespotError, match="read by others"):
        Doorkeeper(path)


async def test_rest_refuses_in_bounds(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "on")
    async with (
        doors(models, tmp_path, grpc=False) as rig,
        httpx.AsyncClient(base_url=f"http://{rig.rest}", headers=rig.headers) as client,
    ):
        infer = "/v2/models/means/infer"
        huge = b"x" * (rest.MAX_BODY_BYTES + 1)
        wanted = {
            413: [client.post(infer, content=huge), client.post("/v2/repository/index", content=huge[:20_000])],
            400: [
                client.post(infer, content=b"{"),
                client.post(infer, content=b"{}", headers={"content-encoding": "gzip"}),
                client.post("/v2/systemsharedmemory/region/r/register", json=[1]),
                client.post("/v2/systemsharedmemory/region/r/register", json={"key": "k", "byte_size": "9"}),
            ],
            401: [client.get("/v2", headers={"authorization": "Bearer none"})],
            404: [
                client.post("/v2/models/..%2F..%2Fetc/infer", json={}),
                client.get("/v2/models/nothing"),
                client.get("/v2/cudasharedmemory/status"),
                client.get("/v2/systemsharedmemory/region/none/status"),
            ],
            405: [client.get(infer)],
            200: [client.get("/v2/health/live", headers={"authorization": ""}), client.get("/v2/models/means")],
        }
        for status, calls in wanted.items():
            for answer in await asyncio.gather(*calls):
                assert answer.status_code == status, (status, answer.text[:200])
        assert "error" in (await client.get("/v2/models/nothing")).json()


async def test_a_flood_is_refused_and_the_cameras_go_first(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eyespot.edge.infer_models import Models
    from eyespot.infer.share.fair_queue import Terms

    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "delay_ms=5")
    picture = {"inputs": [{"name": "image", "shape": [1, 32, 48, 3], "datatype": "UINT8", "data": [0] * 4608}]}
    async with (
        doors(models, tmp_path, grpc=False) as rig,
        httpx.AsyncClient(base_url=f"http://{rig.rest}", headers=rig.headers, timeout=30) as client,
    ):
        held: Models = rig.guests._models
        from eyespot.edge.infer_models import Wanted

        model = held.take(Wanted("means", variant="second"))
        camera = rig.shared.join("cameras", Terms(0.75))
        flood = [asyncio.create_task(client.post("/v2/models/means/infer", json=picture)) for _ in range(40)]
        for _ in range(20):
            await asyncio.wrap_future(camera.submit(model.shared, lambda session: session.input_px))
        answers = await asyncio.gather(*flood)
        assert {answer.status_code for answer in answers} <= {200, 503, 507}
        assert camera.stats.done == 20
        assert camera.stats.worst_wait_ns < 1_000_000_000 * 5
        assert (await client.post("/v2/models/means/infer", json=picture)).status_code == 200


async def test_the_doors_open_again_after_a_crash(started) -> None:  # type: ignore[no-untyped-def]
    from eyespot.edge.infer_door import DoorSettings

    port = _free_port()
    async with started("crash_after=2", doors=DoorSettings(rest_port=port)) as (process, crashes):
        token_file = process.socket.with_name("infer-token")
        picture = {"inputs": [{"name": "image", "shape": [1, 32, 48, 3], "datatype": "UINT8", "data": [0] * 4608}]}
        answered = broken = 0
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            while answered < 3 or not broken:
                try:
                    token = token_file.read_text().strip().partition(":")[2]
                    headers = {"authorization": f"Bearer {token}"}
                    answer = await client.post("/v2/models/means/infer", json=picture, headers=headers)
                except (httpx.TransportError, FileNotFoundError) as error:
                    broken += isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
                    await asyncio.sleep(0.05)
                else:
                    answered += answer.status_code == 200
    assert crashes


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
