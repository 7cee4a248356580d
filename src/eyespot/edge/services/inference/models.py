"""The models of one service in the inference process: one connection each, opened when first asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.edge.infer_client import Account, RemoteSession
from eyespot.edge.infer_models import Wanted
from eyespot.edge.infer_request import ModelInfo, TensorInfo
from eyespot.edge.infer_tensors import protocol_name
from eyespot.edge.infer_wire import NamedTensor
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import unavailable

DEADLINE_S = 10.0
"""A run that has not begun by then is dropped."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run gave, and how long it took without waiting for its turn."""

    outputs: tuple[NDArray[Any], ...]
    run_ns: int


class ServiceModels:
    """Calls block; one thread at a time, but ``close`` may come from another.

    Args:
        account: on whose share in the inference process everything runs.
    """

    def __init__(self, socket: Path, account: Account, clock: Clock) -> None:
        self._socket, self._account, self._clock = socket, account, clock
        self._sessions: dict[str, RemoteSession] = {}
        self._closed = False

    def info(self, package: str) -> ModelInfo:
        """Metadata of a model, which is opened for that; raises as ``RemoteSession``."""
        opened = self._session(package).choice
        inputs, outputs = (tuple(_tensor(item) for item in side) for side in (opened.inputs, opened.outputs))
        return ModelInfo(package, opened.platform, inputs, outputs)

    def run(self, package: str, picture: NDArray[np.uint8]) -> Ran:
        """Run once on ``picture`` (H, W, 3); raises as ``RemoteSession.run``."""
        session = self._session(package)
        deadline_ns = self._clock.monotonic_ns() + from_seconds(DEADLINE_S)
        outputs = session.run(picture, deadline_ns=deadline_ns)
        return Ran(outputs, session.ran_ns)

    def close(self) -> None:
        """Hang up."""
        self._closed = True
        for session in list(self._sessions.values()):
            session.close()

    def _session(self, package: str) -> RemoteSession:
        session = self._sessions.get(package)
        if session is None:
            session = RemoteSession(self._socket, Wanted(package), self._account, self._clock)
            self._sessions[package] = session
        if self._closed:  # while it was being opened
            session.close()
            raise unavailable("The service is being ended.")
        return session


def _tensor(item: NamedTensor) -> TensorInfo:
    return TensorInfo(item.name, protocol_name(item.dtype), item.shape)
