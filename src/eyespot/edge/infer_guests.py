"""What guests of the Open Inference Protocol can do, whatever door they came through: models, metadata, inference.

Guests share one guaranteed share of the accelerator; each request has a deadline. Models open when a guest first asks
for them and stay open until unloaded. Owns no transport: ``infer_rest`` and ``infer_grpc`` do.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from eyespot.edge.infer_models import Models, OpenModel, Wanted
from eyespot.edge.infer_regions import Regions
from eyespot.edge.infer_request import (
    VERSION,
    GivenOutput,
    GuestRequest,
    ModelInfo,
    Parameters,
    TensorInfo,
    WantedOutput,
    the_input,
    wanted_outputs,
)
from eyespot.edge.infer_tensors import from_bytes, protocol_name, size_bytes, to_bytes
from eyespot.infer.package import DOCUMENT
from eyespot.infer.session import Session
from eyespot.infer.share.accelerator import SharedAccelerator
from eyespot.infer.share.fair_queue import Terms
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import EyespotError, invalid, not_found
from eyespot.kernel.ids import is_slug

EXTENSIONS = ("binary_tensor_data", "system_shared_memory", "model_repository")
MAX_GUEST_MODELS = 8
MAX_LISTED = 256
DEADLINE_S = 10.0
LONGEST_DEADLINE_S = 60.0


class Guests:
    """The service behind both doors.

    Args:
        share: part of the accelerator guaranteed to all guests together.
    """

    def __init__(self, models: Models, shared: SharedAccelerator, clock: Clock, *, share: float) -> None:
        self._models = models
        self._shared = shared
        self._clock = clock
        self._client = shared.join("guests", Terms(share, priority=-1, max_waiting=32))
        self._lock = threading.Lock()
        self._open: dict[str, OpenModel] = {}
        self._infos: WeakKeyDictionary[OpenModel, ModelInfo] = WeakKeyDictionary()
        self.regions = Regions()

    @property
    def server(self) -> dict[str, Any]:
        """Name, version and extensions of this server."""
        return {"name": "eyespot", "version": version("eyespot"), "extensions": list(EXTENSIONS)}

    def index(self) -> list[dict[str, str]]:
        """Every package there is, and whether it is open."""
        folders = sorted(item.parent.name for item in self._models.folder.glob(f"*/{DOCUMENT}"))[:MAX_LISTED]
        return [
            {"name": name, "version": VERSION, "state": "READY" if name in self._open else "UNAVAILABLE", "reason": ""}
            for name in folders
            if is_slug(name)
        ]

    def is_ready(self, name: str, wanted_version: str = "") -> bool:
        """Whether the model can be asked: its package is there."""
        try:
            self._check_name(name, wanted_version)
        except EyespotError:
            return False
        return True

    async def load(self, name: str) -> None:
        """Open a model now."""
        await self.info(name)

    def unload(self, name: str) -> None:
        """Close a model for the guests; raises ``NOT_FOUND``."""
        self._check_name(name, "")
        with self._lock:
            model = self._open.pop(name, None)
        if model is not None and self._models.give_back(model):
            self._shared.forget(model.shared)

    async def info(self, name: str, wanted_version: str = "") -> ModelInfo:
        """Metadata of a model, which is opened for that; raises ``NOT_FOUND`` and what opening raises."""
        model = self._model(name, wanted_version)
        info = self._infos.get(model)
        if info is None:
            future = self._client.submit(model.shared, _describe, deadline_ns=self._deadline_ns({}))
            info = self._infos[model] = await asyncio.wrap_future(future)
        return info

    async def infer(self, request: GuestRequest) -> tuple[GivenOutput, ...]:
        """Run one request; raises ``NOT_FOUND``, ``INVALID``, ``TOO_LARGE``, ``EXHAUSTED``, ``UNAVAILABLE``."""
        info = await self.info(request.model, request.version)
        wanted = wanted_outputs(info, request.outputs)
        picture = await asyncio.to_thread(self._picture, info, request)
        model = self._model(request.model, request.version)

        def run(session: Session) -> list[NDArray[Any]]:
            return list(session.run(picture))

        future = self._client.submit(
            model.shared, model.guarded(run), deadline_ns=self._deadline_ns(request.parameters)
        )
        arrays = await asyncio.wrap_future(future)
        names = [item.name for item in info.outputs]
        return await asyncio.to_thread(
            lambda: tuple(self._give(request.guest, arrays[names.index(item.name)], item) for item in wanted)
        )

    def close(self) -> None:
        """Forget the guests' models and regions."""
        for name in list(self._open):
            self.unload(name)
        self.regions.close()
        self._client.leave()

    def _check_name(self, name: str, wanted_version: str) -> None:
        if not is_slug(name) or not (self._models.folder / name / DOCUMENT).is_file():
            raise not_found(f"There is no model {name[:64]!r}.", "The repository index lists what there is.")
        if wanted_version not in ("", VERSION):
            raise not_found(f"Model '{name}' has no version {wanted_version[:32]!r}.", f"It has: {VERSION}.")

    def _model(self, name: str, wanted_version: str) -> OpenModel:
        self._check_name(name, wanted_version)
        with self._lock:
            model = self._open.get(name)
            if model is not None:
                return model
            if len(self._open) >= MAX_GUEST_MODELS:
                raise invalid(f"Guests have {MAX_GUEST_MODELS} models open already.", "Unload one first.")
            model = self._open[name] = self._models.take(Wanted(name))
        return model

    def _deadline_ns(self, parameters: Parameters) -> int:
        """Ten seconds from now, or the protocol's ``timeout`` in microseconds."""
        timeout = parameters.get("timeout")
        limit_s = DEADLINE_S
        if isinstance(timeout, int) and not isinstance(timeout, bool) and timeout > 0:
            limit_s = min(LONGEST_DEADLINE_S, timeout / 1e6)
        return self._clock.monotonic_ns() + from_seconds(limit_s)

    def _picture(self, info: ModelInfo, request: GuestRequest) -> NDArray[np.uint8]:
        """The one input a model package has, checked."""
        given = the_input(info, request)
        array = given.array
        if array is None:
            place = _place(given.parameters, given.name)
            wanted = size_bytes(given.datatype, given.shape, given.name)
            if place.byte_size != wanted:
                raise invalid(
                    f"Input '{given.name}' has {place.byte_size} bytes of shared memory, {wanted} are needed."
                )
            data = self.regions.read(request.guest, place.region, place.offset, place.byte_size)
            array = from_bytes(data, given.datatype, given.shape, given.name)
        picture: NDArray[np.uint8] = array[0]
        return picture

    def _give(self, guest: str, array: NDArray[Any], wanted: WantedOutput) -> GivenOutput:
        kept: NDArray[Any] | None = array
        if "shared_memory_region" in wanted.parameters:
            place = _place(wanted.parameters, wanted.name)
            self.regions.write(guest, place.region, place.offset, place.byte_size, to_bytes(array))
            kept = None
        return GivenOutput(wanted.name, protocol_name(array.dtype.name), array.shape, wanted, kept)


@dataclass(frozen=True, slots=True)
class _Place:
    region: str
    offset: int
    byte_size: int


def _place(parameters: Parameters, name: str) -> _Place:
    region, offset = parameters.get("shared_memory_region"), parameters.get("shared_memory_offset", 0)
    byte_size = parameters.get("shared_memory_byte_size")
    if not isinstance(region, str) or not _is_count(offset) or not _is_count(byte_size):
        raise invalid(f"Tensor '{name}' has neither data nor a place in shared memory.")
    return _Place(region, int(offset), int(str(byte_size)))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 40


def _describe(session: Session) -> ModelInfo:
    """In a lane's thread."""
    choice = session.choice
    return ModelInfo(
        session.package.name,
        f"{choice.accelerator.name}_{choice.variant.file.rpartition('.')[2]}",
        tuple(_tensor(item.name, item.dtype, item.shape) for item in session.inputs),
        tuple(_tensor(item.name, item.dtype, item.shape) for item in session.outputs),
    )


def _tensor(name: str, dtype: str, shape: Sequence[int | None]) -> TensorInfo:
    return TensorInfo(name, protocol_name(dtype), tuple(-1 if size is None else size for size in shape))
