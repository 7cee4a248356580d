"""The latest live state of each service, as they say it on the bus. Whatever a service says is untrusted."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Iterator

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.service_access import MAX_SERVICES
from eyespot.contracts.service_bus import MAX_DOCUMENT_BYTES, ServiceState

log = logging.getLogger(__name__)


class ServiceStates:
    """Keeps one state a service, of the last ``MAX_SERVICES`` that said something."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._latest: dict[str, ServiceState] = {}
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._follow(), name="feed service states")

    async def close(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def latest(self, name: str) -> ServiceState | None:
        """What ``name`` said last; None when it said nothing yet."""
        return self._latest.get(name)

    @contextlib.contextmanager
    def listening(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set each time ``name`` says something; whoever waits clears it."""
        said = asyncio.Event()
        self._listeners.setdefault(name, set()).add(said)
        try:
            yield said
        finally:
            self._listeners[name].discard(said)
            if not self._listeners[name]:
                del self._listeners[name]

    def forget(self, name: str) -> None:
        """It was removed."""
        self._latest.pop(name, None)

    async def _follow(self) -> None:
        async for message in self._bus.subscribe(subjects.service_state(subjects.EVERY)):
            name = subjects.service_of(message.subject)
            state = _read(message.data)
            if state is None:
                log.debug("a live state of %s does not parse", name)
                continue
            self._latest.pop(name, None)
            self._latest[name] = state
            for said in self._listeners.get(name, ()):
                said.set()
            if len(self._latest) > MAX_SERVICES:
                del self._latest[next(iter(self._latest))]


def _read(data: bytes) -> ServiceState | None:
    """The state in ``data``; None for what is none, is too large, or holds what JSON cannot (NaN, infinities)."""
    if len(data) > MAX_DOCUMENT_BYTES:
        return None
    try:
        state = ServiceState.model_validate_json(data)
        json.dumps(state.values, allow_nan=False)
    except (ValidationError, ValueError, RecursionError):
        return None
    return state
