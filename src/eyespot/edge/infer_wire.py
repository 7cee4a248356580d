"""What goes between the inference process and those who use it: small JSON messages on a Unix socket (SOCK_SEQPACKET).

Pixels and tensors never do: they lie in memory that the inference process makes, seals against resizing and hands
over with the answer to ``open``; a request and its answer say where in it. One connection is one opened model, one
request at a time. Both sides check that the other runs as the same user, and bound every message.
"""

import array
import fcntl
import json
import mmap
import os
import socket
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eyespot.kernel.errors import EyespotError, Kind, corrupt, unavailable

MAX_MESSAGE_BYTES = 1 << 16
MAX_ARENA_BYTES = 1 << 28
MAX_TENSORS = 64
ALIGN_BYTES = 64
DTYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32",
          "float64")  # fmt: skip
_PEER = struct.Struct("3i")
_SEALS = 0x0001 | 0x0002 | 0x0004  # F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW
_F_ADD_SEALS, _F_GET_SEALS = 1033, 1034


MAX_ACCOUNTS = 48
ClientName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OpenRequest(_Message):
    """The first message on a connection: which model, and on whose account."""

    v: int = Field(default=1, ge=1, le=1)
    client: ClientName
    share: float = Field(ge=0.01, le=1)
    priority: int = Field(default=0, ge=-100, le=100)
    package: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    variant: str = Field(default="", max_length=64)
    accelerator: str = Field(default="", max_length=64)
    threads: int = Field(default=1, ge=1, le=64)
    size_px: tuple[int, int] | None = None


class AccountsRequest(_Message):
    """The other kind of first message, and all that follow it: shares by client, in place of the connection's last.

    The accounts last as long as the connection.
    """

    v: int = Field(default=1, ge=1, le=1)
    shares: dict[ClientName, Annotated[float, Field(ge=0.01, le=1)]] = Field(max_length=MAX_ACCOUNTS)


class AccountsSet(_Message):
    """The answer to it."""


class NamedTensor(_Message):
    """A tensor of a model; -1 is an open size."""

    name: str = Field(max_length=255)
    dtype: str = Field(max_length=16)
    shape: tuple[int, ...] = Field(max_length=16)


class Opened(_Message):
    """The answer to it; the memory's descriptor comes along."""

    input_px: tuple[int, int]
    platform: str = Field(max_length=200)
    """Runtime and file format, for example ``onnxruntime_onnx``."""
    inputs: tuple[NamedTensor, ...] = Field(max_length=MAX_TENSORS)
    outputs: tuple[NamedTensor, ...] = Field(max_length=MAX_TENSORS)
    variant: str
    accelerator: str
    reason: str = Field(max_length=1000)
    arena_bytes: int = Field(ge=1, le=MAX_ARENA_BYTES)
    output_offset: int = Field(ge=0, le=MAX_ARENA_BYTES)


class RunRequest(_Message):
    """Run the picture that lies at the beginning of the memory.

    ``client`` names an account made by ``AccountsRequest``; where there is none, the connection's own client pays.
    """

    client: ClientName | None = None
    deadline_ns: int | None = Field(default=None, ge=0)


class Placed(_Message):
    """A tensor in the memory."""

    dtype: str = Field(max_length=16)
    shape: tuple[int, ...] = Field(max_length=16)
    offset: int = Field(ge=0, le=MAX_ARENA_BYTES)


class RunAnswer(_Message):
    """Where the outputs lie; they hold until the next request."""

    outputs: tuple[Placed, ...] = Field(max_length=MAX_TENSORS)
    run_ns: int = Field(default=0, ge=0)
    """How long the run took, without waiting for its turn."""


class Refusal(_Message):
    """The answer when something is wrong."""

    kind: str = Field(max_length=32)
    what: str = Field(max_length=2000)
    todo: str = Field(default="", max_length=1000)

    @staticmethod
    def of(error: EyespotError) -> "Refusal":
        return Refusal(kind=error.kind.name, what=error.what[:2000], todo=error.todo[:1000])

    def error(self) -> EyespotError:
        """What to raise on this side."""
        kind = Kind.__members__.get(self.kind, Kind.INTERNAL)
        return EyespotError(kind, self.what, self.todo)


@dataclass(slots=True)
class Arena:
    """Memory that two processes see; closed when the last view of it is gone."""

    memory: mmap.mmap
    descriptor: int = -1

    @staticmethod
    def make(size_bytes: int) -> "Arena":
        """New memory that nobody can resize; raises ``EXHAUSTED`` beyond ``MAX_ARENA_BYTES``."""
        if not 0 < size_bytes <= MAX_ARENA_BYTES:
            raise EyespotError(Kind.EXHAUSTED, f"A model that needs {size_bytes} bytes of shared memory is too large.")
        descriptor = os.memfd_create("eyespot-infer", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, size_bytes)
        fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEALS)
        return Arena(mmap.mmap(descriptor, size_bytes), descriptor)

    @staticmethod
    def map(descriptor: int, size_bytes: int) -> "Arena":
        """Memory handed over by the other side; raises ``CORRUPT`` unless it is sealed and as large as said."""
        try:
            sealed = fcntl.fcntl(descriptor, _F_GET_SEALS) & _SEALS == _SEALS
            if not sealed or os.fstat(descriptor).st_size != size_bytes:
                raise corrupt("The inference process handed over memory that is not as it says.")
            return Arena(mmap.mmap(descriptor, size_bytes))
        except OSError as error:
            raise corrupt("The inference process handed over something that is no memory.") from error
        finally:
            os.close(descriptor)

    def view(self, placed: Placed) -> NDArray[Any]:
        """A tensor of it, without a copy; raises ``CORRUPT`` when it does not lie inside."""
        if placed.dtype not in DTYPES or any(size < 0 for size in placed.shape):
            raise corrupt("A tensor of unknown kind was announced.")
        dtype = np.dtype(placed.dtype)
        count = 1
        for size in placed.shape:
            count *= size
        if placed.offset + count * dtype.itemsize > len(self.memory):
            raise corrupt("A tensor was announced that lies outside the shared memory.")
        return np.frombuffer(self.memory, dtype, count, placed.offset).reshape(placed.shape)

    def place(self, arrays: Sequence[NDArray[Any]], offset: int) -> tuple[Placed, ...]:
        """Copy ``arrays`` in, one behind the other; raises ``EXHAUSTED`` when they do not fit."""
        if len(arrays) > MAX_TENSORS:
            raise EyespotError(Kind.EXHAUSTED, f"A model with {len(arrays)} outputs is too large.")
        placed = []
        for item in arrays:
            spot = Placed(dtype=item.dtype.name, shape=item.shape, offset=offset)
            if offset + item.nbytes > len(self.memory):
                raise EyespotError(Kind.EXHAUSTED, "The model's outputs do not fit the shared memory.")
            self.view(spot)[...] = item
            placed.append(spot)
            offset = aligned(offset + item.nbytes)
        return tuple(placed)

    def close_descriptor(self) -> None:
        """After it was handed over."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def aligned(size_bytes: int) -> int:
    """The next whole ``ALIGN_BYTES``."""
    return -(-size_bytes // ALIGN_BYTES) * ALIGN_BYTES


def listen(path: Path, backlog: int) -> socket.socket:
    """A listening socket at ``path`` for this user alone; one left by an earlier life is replaced."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
    server.bind(str(path))
    path.chmod(0o600)
    server.listen(backlog)
    return server


def same_user(peer: socket.socket) -> bool:
    """Whether the other end runs as this user."""
    _, user, _ = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return bool(user == os.geteuid())


def send(peer: socket.socket, message: BaseModel, *, descriptor: int = -1, wait: bool = True) -> None:
    """One message; raises ``OSError``. Without ``wait`` a reader that does not read is an error."""
    name = type(message).__name__
    data = json.dumps({name: message.model_dump(mode="json")}).encode()
    if len(data) > MAX_MESSAGE_BYTES:
        raise OSError("the message is too large")
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))] if descriptor >= 0 else []
    peer.sendmsg([data], rights, 0 if wait else socket.MSG_DONTWAIT)


def receive(
    peer: socket.socket, kinds: Mapping[str, type[BaseModel]], *, with_descriptor: str = ""
) -> tuple[BaseModel, int] | None:
    """One message of ``kinds`` by name; None at the end.

    The message called ``with_descriptor`` must bring one along, the caller's to close; -1 with the others. Raises
    ``CORRUPT`` on anything else, ``OSError``.
    """
    data, descriptors, flags, _ = socket.recv_fds(peer, MAX_MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
    if not data and not descriptors:
        return None
    try:
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            raise ValueError("too large")
        [(name, body)] = json.loads(data).items()
        message = kinds[name].model_validate(body)
        return message, descriptors.pop() if name == with_descriptor else -1
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError, ValidationError) as error:
        raise corrupt("A message on the inference socket does not parse.") from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def gone() -> EyespotError:
    """The inference process ended under a request."""
    return unavailable("The inference process ended while it ran this.", "It is being started again; ask once more.")
