"""Models of the camera, over ``infer.sock``: the Open Inference Protocol v2 over HTTP, tensors as raw bytes.

Specification: KServe "Open Inference Protocol" v2; Triton Inference Server, "Binary Tensor Data Extension". Who asks is
known by the socket: there is no token.
"""

import http.client
import json
import math
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import EyespotError, Kind, corrupt, invalid, unavailable
from eyespot.kernel.socket_path import reachable

ANSWER_S = 60.0
MAX_ANSWER_BYTES = 1 << 26
MAX_MODELS = 32
HEAD_LENGTH = "Inference-Header-Content-Length"
Array = NDArray[Any]
_TYPES = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
_KINDS = {kind.value.http_status: kind for kind in reversed(Kind)}


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    datatype: str
    shape: tuple[int, ...]


class InferClient:
    """Asks at the socket ``path``; one thread at a time. Connects for each request, so it outlives the other side."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inputs: dict[str, _Input] = {}

    def infer(self, package: str, image: Array) -> dict[str, Array]:
        """What ``package`` makes of ``image``, by the output's name.

        Args:
            image: of the shape and type that the model takes; the batch dimension of 1 may be left out.

        Raises:
            EyespotError: ``INVALID`` for another shape or type, ``UNAVAILABLE`` when nobody answers, ``CORRUPT``, and
                what the inference process refuses with.
        """
        given = self._input(package)
        if np.dtype(_TYPES[given.datatype]) != image.dtype:
            wanted = np.dtype(_TYPES[given.datatype]).name
            raise invalid(f"{package} takes {wanted}, not {image.dtype.name}.", f"Use image.astype('{wanted}').")
        shape = (1, *image.shape) if image.ndim == len(given.shape) - 1 else image.shape
        if len(shape) != len(given.shape) or any(
            -1 != most != own for most, own in zip(given.shape, shape, strict=True)
        ):
            raise invalid(f"{package} takes {list(given.shape)}, not {list(image.shape)}.", "Ask for a view that fits.")
        raw = np.ascontiguousarray(image).tobytes()
        described = {"name": given.name, "shape": shape, "datatype": given.datatype}
        head = json.dumps({
            "inputs": [{**described, "parameters": {"binary_data_size": len(raw)}}],
            "parameters": {"binary_data_output": True},
        }).encode()  # fmt: skip
        body, head_bytes = self._ask("POST", f"{_model(package)}/infer", head + raw, {HEAD_LENGTH: str(len(head))})
        return _outputs(body, head_bytes)

    def _input(self, package: str) -> _Input:
        known = self._inputs.get(package)
        if known is None:
            body, _ = self._ask("GET", _model(package))
            known = _read_input(package, body)
            if len(self._inputs) >= MAX_MODELS:
                self._inputs.clear()
            self._inputs[package] = known
        return known

    def _ask(self, verb: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[bytes, int]:
        """The answer's body and the length of its JSON head; raises what it was refused with."""
        connection = _UnixConnection(self._path)
        try:
            connection.request(verb, path, body or None, headers or {})
            answer = connection.getresponse()
            data = answer.read(MAX_ANSWER_BYTES + 1)
            head = answer.headers.get(HEAD_LENGTH, "")
        except (OSError, http.client.HTTPException) as error:
            raise unavailable(f"Inference does not answer: {error or type(error).__name__}.", "Try again.") from error
        finally:
            connection.close()
        if len(data) > MAX_ANSWER_BYTES:
            raise EyespotError(Kind.TOO_LARGE, f"An answer of more than {MAX_ANSWER_BYTES} bytes.")
        if answer.status != 200:
            raise _refusal(answer.status, data)
        return data, int(head) if head.isascii() and head.isdigit() else len(data)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self.sock.settimeout(ANSWER_S)
        with reachable(self._path) as short:
            self.sock.connect(short)


def _model(package: str) -> str:
    return f"/v2/models/{quote(package, safe='')}"


def _read_input(package: str, body: bytes) -> _Input:
    try:
        inputs = json.loads(body)["inputs"]
        found = [_Input(str(one["name"]), str(one["datatype"]), tuple(int(n) for n in one["shape"])) for one in inputs]
    except (ValueError, LookupError, TypeError) as error:
        raise corrupt(f"What {package} takes does not parse.") from error
    if len(found) != 1 or found[0].datatype not in _TYPES:
        raise invalid(f"{package} does not take one picture.", "Such a model cannot be used with infer().")
    return found[0]


def _outputs(body: bytes, head_bytes: int) -> dict[str, Array]:
    found: dict[str, Array] = {}
    place = head_bytes
    try:
        for one in json.loads(body[:head_bytes])["outputs"]:
            dtype, shape = np.dtype(_TYPES[one["datatype"]]), [int(size) for size in one["shape"]]
            array = np.frombuffer(body, dtype, math.prod(shape), place).reshape(shape)
            found[str(one["name"])] = array
            place += array.nbytes
    except (ValueError, LookupError, TypeError) as error:
        raise corrupt("An answer of the inference process does not parse.") from error
    return found


def _refusal(status: int, data: bytes) -> EyespotError:
    try:
        text = str(json.loads(data)["error"])[:500]
    except (ValueError, LookupError, TypeError):
        text = f"Inference refused with status {status}."
    return EyespotError(_KINDS.get(status, Kind.INTERNAL), text)
