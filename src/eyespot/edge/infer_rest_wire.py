"""An inference request and answer of the Open Inference Protocol over REST, as bytes: no transport, no model.

JSON, or with the binary tensor data extension a JSON head followed by raw tensors; the header
``Inference-Header-Content-Length`` says where the head ends. Everything that a guest sends is bounded and checked.
Specification: KServe "Open Inference Protocol" v2; Triton Inference Server, "Binary Tensor Data Extension".
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eyespot.edge.infer_request import (
    VERSION,
    GivenInput,
    GivenOutput,
    GuestRequest,
    ModelInfo,
    Parameters,
    WantedOutput,
)
from eyespot.edge.infer_tensors import MAX_RANK, from_bytes, from_values, to_bytes
from eyespot.kernel.errors import EyespotError, Kind, invalid

MAX_BODY_BYTES = 1 << 24
MAX_HEAD_BYTES = 1 << 22
MAX_TENSORS = 16
HEAD_LENGTH = "inference-header-content-length"
Text = Annotated[str, Field(max_length=255)]
Value = bool | int | float | Text
GivenParameters = Annotated[dict[Text, Value], Field(max_length=32)]


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Input(_Document):
    name: Text
    shape: Annotated[tuple[int, ...], Field(max_length=MAX_RANK)]
    datatype: Text
    parameters: GivenParameters = Field(default_factory=dict)
    data: Any = None


class _Output(_Document):
    name: Text
    parameters: GivenParameters = Field(default_factory=dict)


class _Request(_Document):
    id: Text = ""
    parameters: GivenParameters = Field(default_factory=dict)
    inputs: Annotated[tuple[_Input, ...], Field(max_length=MAX_TENSORS)]
    outputs: Annotated[tuple[_Output, ...], Field(max_length=MAX_TENSORS)] = ()


def metadata(info: ModelInfo) -> dict[str, Any]:
    """The metadata document of a model."""
    return {
        "name": info.name, "versions": [VERSION], "platform": info.platform,
        "inputs": [asdict(item) for item in info.inputs], "outputs": [asdict(item) for item in info.outputs],
    }  # fmt: skip


def read_request(body: bytes, head_length: str | None, guest: str, model: str, version: str) -> GuestRequest:
    """The request in ``body``; raises ``INVALID`` or ``TOO_LARGE``."""
    head_bytes = len(body)
    if head_length is not None:
        if not head_length.isascii() or not head_length.isdigit() or int(head_length[:12]) > len(body):
            raise invalid("The header Inference-Header-Content-Length does not fit the body.")
        head_bytes = int(head_length[:12])
    if len(body) > MAX_BODY_BYTES or head_bytes > MAX_HEAD_BYTES:
        raise EyespotError(
            Kind.TOO_LARGE,
            f"A request has {MAX_HEAD_BYTES} bytes of JSON and {MAX_BODY_BYTES} in all at most.",
            "Send tensors as binary data or in shared memory.",
        )
    try:
        document = _Request.model_validate(json.loads(body[:head_bytes]))
    except (ValueError, RecursionError) as error:
        where = ""
        if isinstance(error, ValidationError):
            where = ": " + ".".join(str(part) for part in error.errors()[0]["loc"])[:100]
        raise invalid(f"The request is not an inference request{where}.") from error
    inputs, rest = [], memoryview(body)[head_bytes:]
    for given in document.inputs:
        item, rest = _input(given, rest)
        inputs.append(item)
    if len(rest):
        raise invalid(f"{len(rest)} bytes of the body belong to no input.")
    binary = document.parameters.get("binary_data_output") is True
    outputs = tuple(WantedOutput(item.name, {"binary_data": binary, **item.parameters}) for item in document.outputs)
    return GuestRequest(guest, model, version, document.id, tuple(inputs), outputs, document.parameters)


def _input(given: _Input, rest: memoryview) -> tuple[GivenInput, memoryview]:
    """One input, and what of the binary part is left behind it."""
    size = given.parameters.get("binary_data_size")
    array = None
    if size is not None:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(rest) or given.data is not None:
            raise invalid(f"The binary data of input '{given.name}' do not lie in the body.")
        array = from_bytes(rest[:size], given.datatype, given.shape, given.name)
        rest = rest[size:]
    elif given.data is not None:
        array = from_values(given.data, given.datatype, given.shape, given.name)
    return GivenInput(given.name, given.datatype, given.shape, given.parameters, array), rest


def write_answer(request: GuestRequest, version: str, outputs: Sequence[GivenOutput]) -> tuple[bytes, int | None]:
    """The answer's body, and the length of its JSON head where raw tensors follow it."""
    all_binary = request.parameters.get("binary_data_output") is True
    described: list[dict[str, Any]] = []
    raw: list[bytes] = []
    for output in outputs:
        item: dict[str, Any] = {"name": output.name, "datatype": output.datatype, "shape": list(output.shape)}
        if output.array is None:
            item["parameters"] = _placed(output.wanted.parameters)
        elif output.wanted.parameters.get("binary_data", all_binary) is True:
            data = to_bytes(output.array)
            item["parameters"] = {"binary_data_size": len(data)}
            raw.append(data)
        else:
            item["data"] = output.array.ravel().tolist()
        described.append(item)
    document = {"model_name": request.model, "model_version": version, "outputs": described}
    head = json.dumps(document | ({"id": request.id} if request.id else {})).encode()
    return (b"".join([head, *raw]), len(head)) if raw else (head, None)


def _placed(parameters: Parameters) -> Parameters:
    return {name: value for name, value in parameters.items() if name.startswith("shared_memory_")}
