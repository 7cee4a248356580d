"""The Open Inference Protocol v2 over gRPC.

Owns the messages' shapes (``open_inference.proto``, read into a pool of its own so that another user of the protocol in
the process does not clash) and gRPC's status codes. What is not served answers UNIMPLEMENTED.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from eyespot.edge.infer_doorkeeper import Doorkeeper
from eyespot.edge.infer_guests import Guests
from eyespot.edge.infer_request import VERSION, GivenInput, GivenOutput, GuestRequest, WantedOutput
from eyespot.edge.infer_rest_wire import MAX_BODY_BYTES, MAX_TENSORS
from eyespot.edge.infer_tensors import MAX_RANK, from_bytes, from_values, to_bytes
from eyespot.kernel.errors import EyespotError, Kind, invalid

log = logging.getLogger(__name__)

SERVICE = "inference.GRPCInferenceService"
MAX_AT_ONCE = 8
"""Calls under way; each holds a message of up to ``MAX_BODY_BYTES``."""
MAX_PARAMETERS = 32
_NO_TOKEN = ("ServerLive", "ServerReady")
_CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents",
}  # fmt: skip
_CODES = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT, Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.FORBIDDEN: grpc.StatusCode.PERMISSION_DENIED, Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ALREADY_EXISTS, Kind.TOO_LARGE: grpc.StatusCode.OUT_OF_RANGE,
    Kind.THROTTLED: grpc.StatusCode.RESOURCE_EXHAUSTED, Kind.EXHAUSTED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE, Kind.CORRUPT: grpc.StatusCode.INTERNAL,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
}  # fmt: skip
Answer = Callable[[Any, str], Awaitable[Any]]


def messages() -> dict[str, Any]:
    """The protocol's message classes by short name."""
    data = files("eyespot.edge").joinpath("open_inference.binpb").read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(data).file:
        pool.Add(file)
    found = pool.FindServiceByName(SERVICE)
    classes = {}
    for method in found.methods:
        for kind in (method.input_type, method.output_type):
            classes[kind.name] = message_factory.GetMessageClass(kind)
    return classes


class GrpcDoor:
    """A gRPC server on ``address``; ``port`` is known after ``start``."""

    def __init__(self, guests: Guests, doorkeeper: Doorkeeper, address: str) -> None:
        options = [("grpc.max_receive_message_length", MAX_BODY_BYTES), ("grpc.max_metadata_size", 1 << 14),
                   ("grpc.so_reuseport", 0)]  # fmt: skip
        self._server = grpc.aio.server(
            options=options, maximum_concurrent_rpcs=MAX_AT_ONCE, interceptors=(_TokenFirst(doorkeeper),)
        )
        self._doorkeeper = doorkeeper
        self._types = messages()
        self._calls = _Calls(guests, self._types)
        handlers = {name: self._handler(name) for name in _Calls.NAMES}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        self._address = address
        self.port = 0

    async def start(self) -> None:
        """Listen; raises ``UNAVAILABLE`` when the address is taken."""
        try:
            self.port = self._server.add_insecure_port(self._address)
        except RuntimeError as error:
            raise EyespotError(
                Kind.UNAVAILABLE, f"{self._address} for gRPC cannot be listened on.", "Choose another grpc_port."
            ) from error
        await self._server.start()

    async def stop(self) -> None:
        """Let what runs finish for a second."""
        await self._server.stop(1.0)

    def _handler(self, name: str) -> Any:
        request, answer = self._types[f"{name}Request"], self._types[f"{name}Response"]
        call: Answer = getattr(self._calls, name)

        async def serve(data: bytes, context: Any) -> Any:
            try:
                guest = "" if name in _NO_TOKEN else self._doorkeeper.guest(_bearer(context.invocation_metadata()))
                message = await asyncio.to_thread(_parsed, request, data)
                return await call(message, guest)
            except EyespotError as error:
                await context.abort(_CODES[error.kind], str(error))
            except Exception as error:  # a defect here is the guest's error message, not the process's end
                if isinstance(error, grpc.aio.AbortError | grpc.RpcError):
                    raise
                log.exception("a guest's call failed")
                await context.abort(grpc.StatusCode.INTERNAL, f"The call failed: {type(error).__name__}.")

        return grpc.unary_unary_rpc_method_handler(serve, response_serializer=answer.SerializeToString)


def _parsed(kind: Any, data: bytes) -> Any:
    try:
        return kind.FromString(data)
    except DecodeError as error:
        raise invalid(f"The message is no {kind.DESCRIPTOR.name}.") from error


class _Calls:
    """One method a call, named as the protocol names it."""

    NAMES = (
        "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer", "RepositoryIndex",
        "RepositoryModelLoad", "RepositoryModelUnload", "SystemSharedMemoryStatus", "SystemSharedMemoryRegister",
        "SystemSharedMemoryUnregister",
    )  # fmt: skip

    def __init__(self, guests: Guests, types: Mapping[str, Any]) -> None:
        self._guests = guests
        self._types = types

    async def ServerLive(self, _: Any, __: str) -> Any:  # noqa: N802 - the protocol's name, as below
        return self._types["ServerLiveResponse"](live=True)

    async def ServerReady(self, _: Any, __: str) -> Any:  # noqa: N802
        return self._types["ServerReadyResponse"](ready=True)

    async def ModelReady(self, asked: Any, _: str) -> Any:  # noqa: N802
        return self._types["ModelReadyResponse"](ready=self._guests.is_ready(asked.name, asked.version))

    async def ServerMetadata(self, _: Any, __: str) -> Any:  # noqa: N802
        return self._types["ServerMetadataResponse"](**self._guests.server)

    async def ModelMetadata(self, asked: Any, _: str) -> Any:  # noqa: N802
        info = await self._guests.info(asked.name, asked.version)
        answer = self._types["ModelMetadataResponse"](name=info.name, versions=[VERSION], platform=info.platform)
        for given, place in ((info.inputs, answer.inputs), (info.outputs, answer.outputs)):
            for item in given:
                place.add(name=item.name, datatype=item.datatype, shape=item.shape)
        return answer

    async def ModelInfer(self, asked: Any, guest: str) -> Any:  # noqa: N802
        request = await asyncio.to_thread(_request, asked, guest)
        answer = self._types["ModelInferResponse"](model_name=request.model, model_version=VERSION, id=request.id)
        for output in await self._guests.infer(request):
            _write(answer, output)
        return answer

    async def RepositoryIndex(self, asked: Any, _: str) -> Any:  # noqa: N802
        answer = self._types["RepositoryIndexResponse"]()
        for item in self._guests.index():
            if item["state"] == "READY" or not asked.ready:
                answer.models.add(**item)
        return answer

    async def RepositoryModelLoad(self, asked: Any, _: str) -> Any:  # noqa: N802
        if asked.parameters:
            raise invalid("Loading takes no parameters: packages are what is on the camera.")
        await self._guests.load(asked.model_name)
        return self._types["RepositoryModelLoadResponse"]()

    async def RepositoryModelUnload(self, asked: Any, _: str) -> Any:  # noqa: N802
        self._guests.unload(asked.model_name)
        return self._types["RepositoryModelUnloadResponse"]()

    async def SystemSharedMemoryStatus(self, asked: Any, guest: str) -> Any:  # noqa: N802
        answer = self._types["SystemSharedMemoryStatusResponse"]()
        for item in self._guests.regions.status(guest, asked.name):
            region = answer.regions[item["name"]]
            region.name, region.key = item["name"], item["key"]
            region.offset, region.byte_size = item["offset"], item["byte_size"]
        return answer

    async def SystemSharedMemoryRegister(self, asked: Any, guest: str) -> Any:  # noqa: N802
        self._guests.regions.register(guest, asked.name, asked.key, asked.offset, asked.byte_size)
        return self._types["SystemSharedMemoryRegisterResponse"]()

    async def SystemSharedMemoryUnregister(self, asked: Any, guest: str) -> Any:  # noqa: N802
        self._guests.regions.unregister(guest, asked.name)
        return self._types["SystemSharedMemoryUnregisterResponse"]()


class _TokenFirst(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Turns callers without a token away before a byte of their message is taken in."""

    def __init__(self, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        """The call's own handler, or one that refuses; that one is of the kind that reads its messages by itself."""
        try:
            if details.method.rpartition("/")[2] not in _NO_TOKEN:
                self._doorkeeper.guest(_bearer(details.invocation_metadata))
        except EyespotError as error:
            code, text = _CODES[error.kind], str(error)

            async def refuse(_: Any, context: Any) -> None:
                await context.abort(code, text)

            return grpc.stream_unary_rpc_method_handler(refuse)
        return await continuation(details)


def _bearer(metadata: Any) -> str:
    found = [value for key, value in metadata or () if key == "authorization"]
    return found[0] if found and isinstance(found[0], str) else ""


def _request(asked: Any, guest: str) -> GuestRequest:
    """The call's message as a request; raises ``INVALID``."""
    if len(asked.inputs) > MAX_TENSORS or len(asked.outputs) > MAX_TENSORS:
        raise invalid(f"A request has {MAX_TENSORS} inputs and outputs at most.")
    raw = list(asked.raw_input_contents)
    inputs = tuple(_input(given, raw) for given in asked.inputs)
    if raw:
        raise invalid("raw_input_contents has more entries than there are inputs.")
    outputs = tuple(WantedOutput(item.name, _parameters(item.parameters)) for item in asked.outputs)
    return GuestRequest(
        guest, asked.model_name, asked.model_version, asked.id[:255], inputs, outputs, _parameters(asked.parameters)
    )


def _input(given: Any, raw: list[bytes]) -> GivenInput:
    """One input; ``raw`` loses its data. Inputs in shared memory have no entry there."""
    parameters, shape = _parameters(given.parameters), tuple(given.shape)
    if len(shape) > MAX_RANK:
        raise invalid(f"A tensor has {MAX_RANK} axes at most.")
    array: np.ndarray[Any, Any] | None = None
    if "shared_memory_region" in parameters:
        if given.HasField("contents"):
            raise invalid(f"Input '{given.name[:64]}' has data and shared memory.")
    elif given.HasField("contents"):
        name = _CONTENTS.get(given.datatype)
        if name is None or raw:
            raise invalid(f"The data of input '{given.name[:64]}' must come as raw_input_contents alone.")
        array = from_values(list(getattr(given.contents, name)), given.datatype, shape, given.name)
    elif raw:
        array = from_bytes(raw.pop(0), given.datatype, shape, given.name)
    return GivenInput(given.name, given.datatype, shape, parameters, array)


def _parameters(given: Any) -> dict[str, Any]:
    if len(given) > MAX_PARAMETERS:
        raise invalid(f"There are {MAX_PARAMETERS} parameters at most.")
    chosen = {name: value.WhichOneof("parameter_choice") for name, value in given.items()}
    return {name: getattr(given[name], choice) for name, choice in chosen.items() if choice}


def _write(answer: Any, output: GivenOutput) -> None:
    """Add an output; every output has an entry among the raw contents, empty where it lies in shared memory."""
    item = answer.outputs.add(name=output.name, datatype=output.datatype, shape=output.shape)
    if output.array is not None:
        answer.raw_output_contents.append(to_bytes(output.array))
        return
    answer.raw_output_contents.append(b"")
    for name, value in output.wanted.parameters.items():
        if isinstance(value, str):
            item.parameters[name].string_param = value
        elif name.startswith("shared_memory_"):
            item.parameters[name].int64_param = int(value)
