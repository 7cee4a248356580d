"""What the bus says, for any number of viewers: tracks and events while somebody watches, and the latest status always.

One bus subscription per subject however many listen; each listener has its own bounded queue that loses the oldest.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.event import Event
from eyespot.contracts.status import StatusMessage
from eyespot.contracts.track import TracksMessage
from eyespot.kernel.clock import NS_PER_S, Clock
from eyespot.kernel.queues import DroppingQueue

log = logging.getLogger(__name__)
T = TypeVar("T")

_QUEUE_ITEMS = 64
_STALE_NS = 30 * NS_PER_S


@dataclass(frozen=True, slots=True)
class TracksText:
    """A tracks message parsed once for all viewers; ``moving`` and ``tracks`` are JSON text."""

    capture_ns: int
    moving: str
    tracks: str


class _Fan(Generic[T]):
    """One bus subscription handed to many; open while anybody listens."""

    def __init__(self, bus: Bus, subject: str, parse: Callable[[bytes], T]) -> None:
        self._bus = bus
        self._subject = subject
        self._parse = parse
        self._listeners: set[DroppingQueue[T]] = set()
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> AsyncGenerator[T, None]:
        """The messages from now on."""
        queue: DroppingQueue[T] = DroppingQueue(_QUEUE_ITEMS)
        self._listeners.add(queue)
        if self._task is None:
            self._task = asyncio.create_task(self._follow(), name=f"feed {self._subject}")
        try:
            while True:
                yield await queue.get()
        finally:
            self._listeners.discard(queue)
            if not self._listeners:
                self.stop()

    def stop(self) -> None:
        """End the subscription."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _follow(self) -> None:
        subscription = self._bus.subscribe(self._subject)
        try:
            async for message in subscription:
                with contextlib.suppress(ValidationError, ValueError):
                    item = self._parse(message.data)
                    for queue in self._listeners:
                        queue.put(item)
        finally:
            await subscription.close()


class Feeds:
    """The bus as the API sees it."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._tracks: dict[str, _Fan[TracksText]] = {}
        self._events = _Fan(bus, subjects.events(subjects.EVERY), Event.model_validate_json)
        self._status: dict[str, StatusMessage] = {}
        self._changed: set[asyncio.Event] = set()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, on_config_changed: Callable[[], None]) -> None:
        """Begin to follow status reports and config changes."""
        self._tasks = [
            asyncio.create_task(self._follow_status(), name="feed status"),
            asyncio.create_task(self._follow_config(on_config_changed), name="feed config"),
        ]

    async def close(self) -> None:
        """Stop following."""
        self._events.stop()
        for fan in self._tracks.values():
            fan.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tracks(self, camera: str) -> AsyncIterator[TracksText]:
        """The camera's tracks from now on."""
        fan = self._tracks.get(camera)
        if fan is None:
            fan = self._tracks[camera] = _Fan(self._bus, subjects.tracks(camera), _tracks_text)
        async with contextlib.aclosing(fan.listen()) as messages:
            async for message in messages:
                yield message

    async def events(self) -> AsyncIterator[Event]:
        """Events of all cameras from now on; the caller leaves out what its viewer may not see."""
        async with contextlib.aclosing(self._events.listen()) as messages:
            async for message in messages:
                yield message

    async def states(self, camera: str) -> AsyncIterator[str]:
        """The camera's state now, and each time it changes."""
        changed, said = asyncio.Event(), ""
        self._changed.add(changed)
        try:
            while True:
                state = str(self.camera_report("media", camera).get("state", "connecting"))
                if state != said:
                    said = state
                    yield state
                changed.clear()
                await changed.wait()
        finally:
            self._changed.discard(changed)

    def reports(self) -> dict[str, StatusMessage]:
        """The latest report of each process."""
        return dict(self._status)

    def is_fresh(self, report: StatusMessage) -> bool:
        """False when the process has not reported for half a minute."""
        return self._clock.wall_ns() - report.wall_ns < _STALE_NS

    def camera_report(self, role: str, camera: str) -> dict[str, Any]:
        """What process ``role`` last said about ``camera``; empty when it said nothing, or too long ago."""
        report = self._status.get(role)
        return report.cameras.get(camera, {}) if report and self.is_fresh(report) else {}

    async def _follow_status(self) -> None:
        async for message in self._bus.subscribe(subjects.status(subjects.EVERY)):
            try:
                report = StatusMessage.model_validate_json(message.data)
            except ValidationError as error:
                log.warning("a status report on %s does not parse: %s", message.subject, error)
                continue
            self._status[report.role] = report
            for changed in self._changed:
                changed.set()

    async def _follow_config(self, on_config_changed: Callable[[], None]) -> None:
        async for _message in self._bus.subscribe(subjects.config_changed()):
            on_config_changed()


def _tracks_text(data: bytes) -> TracksText:
    message = TracksMessage.model_validate_json(data)
    tracks = json.dumps([track.model_dump(mode="json") for track in message.tracks], separators=(",", ":"))
    return TracksText(message.capture_ns, "true" if message.moving else "false", tracks)
