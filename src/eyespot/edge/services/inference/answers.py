"""What is asked at ``infer.sock`` and answered: paths and documents of the Open Inference Protocol v2. No transport.

Pictures come as raw bytes, and large outputs go so: JSON is taken and given for small things alone, since whoever reads
it does so in the services process, which is everybody's. Nothing of shared memory or of a repository is offered.
Specification: KServe "Open Inference Protocol" v2; Triton Inference Server, "Binary Tensor Data Extension".
"""

import json
import re
from dataclasses import dataclass
from importlib.metadata import version

from eyespot.edge.infer_request import (
    VERSION,
    GivenOutput,
    GuestRequest,
    ModelInfo,
    WantedOutput,
    the_input,
    wanted_outputs,
)
from eyespot.edge.infer_rest_wire import HEAD_LENGTH, metadata, read_request, write_answer
from eyespot.edge.infer_tensors import size_bytes
from eyespot.edge.services.inference.allowance import Allowance
from eyespot.edge.services.inference.models import ServiceModels
from eyespot.kernel.errors import EyespotError, Kind, invalid, not_found

MAX_HEAD_BYTES = 1 << 16
MAX_JSON_VALUES = 1 << 14
"""Most numbers of outputs that are written as text."""
_MODEL = re.compile(r"/v2/models/([a-z0-9_-]{1,64})(?:/versions/([0-9]{1,8}))?(/ready|/infer)?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request line: a model where it is about one. ``kind`` is ``server``, ``metadata``, ``ready`` or ``infer``."""

    kind: str
    model: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and its JSON head's length where raw tensors follow that."""

    status: int
    body: bytes = b""
    head_bytes: int | None = None


def asked(method: str, path: str) -> Asked:
    """What a request line asks for; raises ``NOT_FOUND``."""
    if method == "GET" and path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        return Asked("server")
    found = _MODEL.fullmatch(path)
    if found is not None and (found[3] == "/infer") == (method == "POST") and method in ("GET", "POST"):
        return Asked((found[3] or "/metadata")[1:], found[1], found[2] or "")
    raise not_found(f"There is nothing at {method[:8]} {path[:100]}.", "See docs/guide/services.md.")


def refusal(error: EyespotError) -> Answer:
    """An error as the protocol says it."""
    return Answer(error.kind.value.http_status, json.dumps({"error": str(error)}).encode())


class Answers:
    """Answers for one service; every call blocks but ``server``, one thread at a time.

    Args:
        allowance: told of every run.
    """

    def __init__(self, service: str, models: ServiceModels, allowance: Allowance) -> None:
        self._service, self._models, self._allowance = service, models, allowance

    def server(self) -> Answer:
        """Name, version and extensions of this server."""
        document = {"name": "eyespot", "version": version("eyespot"), "extensions": ["binary_tensor_data"]}
        return Answer(200, json.dumps(document).encode())

    def metadata(self, asked_for: Asked) -> Answer:
        """What the model takes and gives."""
        return Answer(200, json.dumps(metadata(self._info(asked_for))).encode())

    def ready(self, asked_for: Asked) -> Answer:
        """Whether the model can be asked."""
        self._info(asked_for)
        return Answer(200)

    def most_bytes(self, asked_for: Asked) -> int:
        """Longest body that an inference needs."""
        spec = self._info(asked_for).inputs[0]
        return MAX_HEAD_BYTES + size_bytes(spec.datatype, spec.shape, spec.name)

    def infer(self, asked_for: Asked, body: bytes, head_length: str | None) -> Answer:
        """Run; raises ``INVALID``, ``TOO_LARGE``, ``UNAVAILABLE`` and what the inference process refuses with."""
        head_bytes = int(head_length[:9]) if head_length and head_length.isdecimal() else len(body)
        if head_bytes > MAX_HEAD_BYTES:
            raise EyespotError(
                Kind.TOO_LARGE, f"At most {MAX_HEAD_BYTES} bytes of JSON are taken.", "Send tensors as binary data."
            )
        request = read_request(body, head_length, self._service, asked_for.model, asked_for.version)
        info = self._info(asked_for)
        given = the_input(info, request)
        if given.array is None:
            raise invalid(f"Input '{given.name}' has no data.", f"Send them behind the JSON, with {HEAD_LENGTH}.")
        wanted = wanted_outputs(info, request.outputs)
        ran = self._models.run(asked_for.model, given.array[0])
        self._allowance.ran(asked_for.model, ran.run_ns)
        arrays = dict(zip((item.name for item in info.outputs), ran.outputs, strict=True))
        datatypes = {item.name: item.datatype for item in info.outputs}
        outputs = [
            GivenOutput(item.name, datatypes[item.name], arrays[item.name].shape, item, arrays[item.name])
            for item in wanted
        ]
        _check_texts(request, outputs)
        answer, answer_head_bytes = write_answer(request, VERSION, outputs)
        return Answer(200, answer, answer_head_bytes)

    def _info(self, asked_for: Asked) -> ModelInfo:
        if asked_for.version not in ("", VERSION):
            raise not_found(f"Model '{asked_for.model}' has no version {asked_for.version}.", f"It has: {VERSION}.")
        return self._models.info(asked_for.model)


def _check_texts(request: GuestRequest, outputs: list[GivenOutput]) -> None:
    values = sum(item.array.size for item in outputs if item.array is not None and not _is_binary(request, item.wanted))
    if values > MAX_JSON_VALUES:
        raise EyespotError(
            Kind.TOO_LARGE, f"{values} numbers are too many to be written as text.", "Ask for binary_data_output."
        )


def _is_binary(request: GuestRequest, wanted: WantedOutput) -> bool:
    return wanted.parameters.get("binary_data", request.parameters.get("binary_data_output")) is True
