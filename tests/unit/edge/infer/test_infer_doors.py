"""The Open Inference Protocol's doors against the real tritonclient: health, metadata, inference, memory, errors."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from multiprocessing import shared_memory
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tritonclient")
pytest.importorskip("grpc")

from door_rig import Rig, doors

PICTURE = np.full((1, 32, 48, 3), (10, 20, 30), np.uint8)
KINDS = ("http", "grpc")


@pytest.fixture
async def rig(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", "on")
    async with doors(models, tmp_path) as opened:
        yield opened


class Client:
    """``tritonclient`` over REST or gRPC, with the token."""

    def __init__(self, rig: Rig, kind: str) -> None:
        import tritonclient.grpc
        import tritonclient.http

        self.headers = rig.headers
        self.kind = kind
        self.library = tritonclient.http if kind == "http" else tritonclient.grpc
        self.triton = self.library.InferenceServerClient(rig.rest if kind == "http" else rig.grpc)

    def picture(self, array: np.ndarray = PICTURE, name: str = "image", datatype: str = "UINT8", **binary: bool):  # type: ignore[no-untyped-def, type-arg]
        given = self.library.InferInput(name, list(array.shape), datatype)
        given.set_data_from_numpy(array, **(binary if self.kind == "http" else {}))
        return given

    def infer(self, *inputs, model: str = "means", outputs=None, headers=None, **more):  # type: ignore[no-untyped-def]
        headers = self.headers if headers is None else headers
        return self.triton.infer(model, list(inputs), outputs=outputs, headers=headers, **more)


@contextmanager
def _client(rig: Rig, kind: str) -> Iterator[Client]:
    client = Client(rig, kind)
    try:
        yield client
    finally:
        client.triton.close()


def _plain(document):  # type: ignore[no-untyped-def]
    """A document of either client as plain values."""
    if isinstance(document, dict | list):
        return document
    from google.protobuf.json_format import MessageToDict

    return MessageToDict(document, preserving_proto_field_name=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_health_and_metadata(rig: Rig, kind: str) -> None:
    def talk() -> None:
        with _client(rig, kind) as client:
            triton, headers = client.triton, client.headers
            assert triton.is_server_live()
            assert triton.is_server_ready()
            assert triton.is_model_ready("means", headers=headers)
            assert triton.is_model_ready("means", "1", headers=headers)
            assert not triton.is_model_ready("none", headers=headers)
            assert not triton.is_model_ready("means", "7", headers=headers)
            server = _plain(triton.get_server_metadata(headers=headers))
            assert server["name"] == "eyespot"
            assert "system_shared_memory" in server["extensions"]
            about = _plain(triton.get_model_metadata("means", headers=headers))
            assert about["platform"] == "fake_fake"
            assert [item["name"] for item in about["inputs"]] == ["image"]
            assert [int(size) for size in about["inputs"][0]["shape"]] == [1, 32, 48, 3]
            assert [(item["name"], item["datatype"]) for item in about["outputs"]] == [
                ("mean", "FP32"),
                ("again", "FP32"),
            ]
            index = _plain(triton.get_model_repository_index(headers=headers))
            listed = index if isinstance(index, list) else index["models"]
            assert [(item["name"], item["state"]) for item in listed] == [("means", "READY")]
            triton.unload_model("means", headers=headers)
            triton.load_model("means", headers=headers)

    await asyncio.to_thread(talk)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("binary", [True, False])
async def test_inference(rig: Rig, kind: str, binary: bool) -> None:
    def talk() -> None:
        with _client(rig, kind) as client:
            options = {"binary_data": binary} if kind == "http" else {}
            outputs = [client.library.InferRequestedOutput("mean", **options)]
            result = client.infer(client.picture(binary_data=binary), outputs=outputs, request_id="seven")
            assert result.as_numpy("mean").tolist() == [[10, 20, 30]]
            assert result.as_numpy("again") is None
            assert _plain(result.get_response())["id"] == "seven"
            every = client.infer(client.picture(binary_data=binary))
            assert every.as_numpy("again").tolist() == [[10, 20, 30]] * 2

    await asyncio.to_thread(talk)
    assert rig.shared.stats("guests").done >= 2


@pytest.mark.parametrize("kind", KINDS)
async def test_shared_memory(rig: Rig, kind: str) -> None:
    from tritonclient.utils import InferenceServerException
    from tritonclient.utils import shared_memory as triton_memory

    key = f"/eyespot-guest-{os.getpid()}-{kind}"

    def talk() -> None:
        memory = triton_memory.create_shared_memory_region("pictures", key, PICTURE.nbytes + 64)
        try:
            triton_memory.set_shared_memory_region(memory, [PICTURE])
            with _client(rig, kind) as client:
                triton, headers = client.triton, client.headers
                triton.register_system_shared_memory("pictures", key, PICTURE.nbytes + 64, headers=headers)
                with pytest.raises(InferenceServerException, match="registered already"):
                    triton.register_system_shared_memory("pictures", key, 64, headers=headers)
                status = triton.get_system_shared_memory_status(headers=headers)
                assert "pictures" in str(status)
                given = client.library.InferInput("image", list(PICTURE.shape), "UINT8")
                given.set_shared_memory("pictures", PICTURE.nbytes)
                output = client.library.InferRequestedOutput("mean")
                output.set_shared_memory("pictures", 12, offset=PICTURE.nbytes)
                client.infer(given, outputs=[output])
                found = triton_memory.get_contents_as_numpy(memory, np.float32, [1, 3], offset=PICTURE.nbytes)
                assert found.tolist() == [[10, 20, 30]]
                output.set_shared_memory("pictures", 8, offset=PICTURE.nbytes)
                with pytest.raises(InferenceServerException, match="do not fit"):
                    client.infer(given, outputs=[output])
                given.set_shared_memory("pictures", PICTURE.nbytes, offset=100)
                with pytest.raises(InferenceServerException, match="do not lie in"):
                    client.infer(given)
                given.set_shared_memory("elsewhere", PICTURE.nbytes)
                with pytest.raises(InferenceServerException, match="no shared memory region"):
                    client.infer(given)
                triton.unregister_system_shared_memory("pictures", headers=headers)
                assert "pictures" not in str(triton.get_system_shared_memory_status(headers=headers))
        finally:
            triton_memory.destroy_shared_memory_region(memory)

    await asyncio.to_thread(talk)


@pytest.mark.parametrize("kind", KINDS)
async def test_errors_come_in_clear_words(rig: Rig, kind: str) -> None:
    from tritonclient.utils import InferenceServerException

    def talk() -> None:
        with _client(rig, kind) as client:
            small = np.zeros((1, 8, 8, 3), np.uint8)
            wrong = {
                "no model 'none'": lambda: client.infer(client.picture(), model="none"),
                "no version '9'": lambda: client.infer(client.picture(), model_version="9"),
                r"takes shape \[1, 32, 48, 3\]": lambda: client.infer(client.picture(small)),
                "takes UINT8, FP32": lambda: client.infer(client.picture(PICTURE.astype(np.float32), datatype="FP32")),
                "takes one input, 'image'": lambda: client.infer(client.picture(name="other")),
                "no output 'boxes'": lambda: client.infer(
                    client.picture(), outputs=[client.library.InferRequestedOutput("boxes")]
                ),
                "No valid token": lambda: client.infer(client.picture(), headers={"authorization": "Bearer guess"}),
                "No valid token was": lambda: client.triton.get_server_metadata(),
            }
            for words, call in wrong.items():
                with pytest.raises(InferenceServerException, match=words):
                    call()
            assert client.infer(client.picture()).as_numpy("mean").tolist() == [[10, 20, 30]]

    await asyncio.to_thread(talk)


@pytest.mark.parametrize(
    "key",
    ["/dev/shm/x", "../eyespot-guest-x", "/eyespot-guest-../x", "/psm_1", "/eyespot-guest-a/b", "/eyespot-guest-none"],
)
async def test_no_way_to_other_peoples_memory(rig: Rig, key: str) -> None:
    from tritonclient.utils import InferenceServerException

    def talk() -> None:
        with (
            _client(rig, "http") as client,
            pytest.raises(InferenceServerException, match=r"not allowed|cannot be opened"),
        ):
            client.triton.register_system_shared_memory("r", key, 64, headers=client.headers)

    await asyncio.to_thread(talk)


async def test_a_guest_that_cuts_its_memory_short_gets_an_error(rig: Rig) -> None:
    name = f"eyespot-guest-{os.getpid()}-cut"
    memory = shared_memory.SharedMemory(name, create=True, size=PICTURE.nbytes)
    try:
        rig.guests.regions.register("guest", "r", name, 0, PICTURE.nbytes)
        os.truncate(f"/dev/shm/{name}", 100)
        from eyespot.kernel.errors import EyespotError

        with pytest.raises(EyespotError, match="shorter than was registered"):
            rig.guests.regions.read("guest", "r", 0, PICTURE.nbytes)
        with pytest.raises(EyespotError, match="no shared memory region"):
            rig.guests.regions.read("other", "r", 0, 10)
    finally:
        memory.close()
        memory.unlink()


async def test_grpc_refuses_strangers_unread_and_keeps_its_bounds(rig: Rig) -> None:
    import grpc

    method = "/inference.GRPCInferenceService/ModelInfer"

    async def call(data: bytes, headers: dict[str, str], name: str = method) -> str:
        async with grpc.aio.insecure_channel(rig.grpc, [("grpc.max_send_message_length", -1)]) as channel:
            try:
                await channel.unary_unary(name)(data, metadata=tuple(headers.items()), timeout=10)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
        return "OK"

    huge = b"\0" * (1 << 25)
    assert await call(huge, {}) == "UNAUTHENTICATED"
    assert await call(b"", {"authorization": "Bearer none"}) == "UNAUTHENTICATED"
    assert await call(huge, rig.headers) == "RESOURCE_EXHAUSTED"
    assert await call(b"\xff\xff\xff", rig.headers) == "INVALID_ARGUMENT"
    assert await call(b"", rig.headers) == "NOT_FOUND"
    assert await call(b"", rig.headers, method.replace("ModelInfer", "CudaSharedMemoryStatus")) == "UNIMPLEMENTED"
    assert await call(b"", {}, method.replace("ModelInfer", "ServerLive")) == "OK"


async def test_the_messages_are_the_protocols_own(rig: Rig) -> None:
    """Every field has the number and the kind that the real client's messages give it."""
    from tritonclient.grpc import service_pb2

    from eyespot.edge.infer_grpc import messages

    theirs = service_pb2.DESCRIPTOR.message_types_by_name
    compared = 0
    for name, ours in messages().items():
        stack = [(ours.DESCRIPTOR, theirs[name])]
        while stack:
            mine, other = stack.pop()
            for field in mine.fields:
                twin = other.fields_by_name[field.name]
                assert (field.number, field.type) == (twin.number, twin.type), f"{name}.{field.name}"
                compared += 1
                if field.message_type and field.message_type.full_name not in {item.full_name for item, _ in stack}:
                    stack.append((field.message_type, twin.message_type))
    assert compared > 60


def test_the_descriptor_is_made_from_the_proto(tmp_path: Path) -> None:
    protoc = pytest.importorskip("grpc_tools.protoc")
    from eyespot import edge

    folder = Path(edge.__file__).parent
    made = tmp_path / "made.binpb"
    assert protoc.main(["", f"-I{folder}", f"--descriptor_set_out={made}", "open_inference.proto"]) == 0
    assert made.read_bytes() == (folder / "open_inference.binpb").read_bytes()
