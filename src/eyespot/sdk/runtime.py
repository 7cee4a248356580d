"""A running service: its connection to the bus, its views, its heartbeat; calls the handlers, one at a time."""

import asyncio
import inspect
import itertools
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from eyespot.bus import subjects
from eyespot.bus.nats import NatsBus
from eyespot.contracts.event import Event
from eyespot.contracts.service_bus import BEAT_EVERY_S, MAX_DOCUMENT_BYTES, Beat, ServiceEvent, ServiceState
from eyespot.contracts.settings_schema import check_settings
from eyespot.contracts.track import TracksMessage
from eyespot.contracts.zones import ZonesMessage
from eyespot.kernel.clock import Clock, seconds
from eyespot.kernel.errors import EyespotError, Kind, invalid
from eyespot.sdk.outbox import Outbox
from eyespot.sdk.place import Place
from eyespot.sdk.service import Service
from eyespot.sdk.switches import Switches
from eyespot.sdk.values import Values

if TYPE_CHECKING:
    from eyespot.sdk.infer_client import Array, InferClient

log = logging.getLogger(__name__)

BEATS_A_STATE = 5
"""The live state is said again so often: whoever comes later, or came back, sees it too."""
LAST_WORDS_S = 2.0
"""How long what was said before the end may take to leave."""


class Runtime:
    """``service`` in ``place``, on a ``bus`` that was joined already; also the service's ``Link``."""

    def __init__(self, service: Service, place: Place, bus: NatsBus, clock: Clock) -> None:
        self.name, self.cameras = place.start.name, place.start.cameras
        self.emits = place.manifest.permissions.emit
        self.scratch, self.clock = place.scratch, clock
        self.settings = Values(place.start.settings)
        self.zones = {told.camera: told.zones for told in place.start.zones}
        self._service, self._place, self._bus = service, place, bus
        self._outbox = Outbox(bus, clock)
        self.switch = Switches(bus, self.name, place.start.outputs).switch
        self._turn, self._asking = asyncio.Lock(), asyncio.Lock()
        self._client: InferClient | None = None
        self._state: ServiceState | None = None
        self._began_ns = clock.monotonic_ns()
        self._frames = {view.name: 0 for view in place.manifest.view}
        self._events = self._errors = 0
        self._busy_ns: int | None = None
        self._moment_ns = 0
        service._link = self

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; what ``on_start`` raises, and a part that fails for good, is raised."""
        async with self._turn:
            await _settled(self._service.on_start())
        for verb in self._service.verbs:
            await self._bus.serve(subjects.service_request(self.name, verb), self._answering(verb))
        sending = asyncio.create_task(self._outbox.run())
        parts = [sending, *(asyncio.create_task(part) for part in self._parts())]
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait([stopping, *parts], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._call(self._service.on_stop)
            await self._last_words()
        finally:
            for task in (stopping, *parts):
                task.cancel()
            await asyncio.gather(stopping, *parts, return_exceptions=True)

    @property
    def moment_wall_ns(self) -> int:
        """When what is being handled was captured: in ``on_frame`` and ``on_tracks``; elsewhere now."""
        return self._moment_ns or self.clock.wall_ns()

    def say_event(self, event: ServiceEvent) -> None:
        """See ``Service.emit``."""
        self._put(subjects.service_event(self.name), event)
        self._events += 1

    def say_state(self, values: dict[str, Any]) -> None:
        """See ``Service.state``."""
        try:
            state = ServiceState(wall_ns=self.clock.wall_ns(), values=values)
        except ValidationError as error:
            raise invalid(f"The state breaks its rules: {error}.", "Give at most 64 values.") from error
        self._put(subjects.service_state(self.name), state)
        self._state = state

    async def infer(self, package: str, image: "Array") -> "dict[str, Array]":
        """See ``Service.infer``."""
        from eyespot.sdk.infer_client import InferClient  # loads numpy

        async with self._asking:
            self._client = self._client or InferClient(self._place.run / "infer.sock")
            return await asyncio.to_thread(self._client.infer, package, image)

    def _put(self, subject: str, document: BaseModel) -> None:
        try:
            payload = document.model_dump_json().encode()
        except ValueError as error:  # pydantic's own class for what JSON cannot hold is one
            raise invalid(f"It is not made of JSON values: {error}.") from error
        if len(payload) > MAX_DOCUMENT_BYTES:
            raise EyespotError(
                Kind.TOO_LARGE, f"A message of {len(payload)} bytes; at most {MAX_DOCUMENT_BYTES} fit.", "Say less."
            )
        self._outbox.put(subject, payload)

    def _parts(self) -> list[Coroutine[Any, Any, None]]:
        """Everything that goes on beside sending; only what the manifest asks for."""
        granted = self._place.start.read
        read = self._place.manifest.permissions.read if granted is None else granted
        parts = [self._beat(), self._hear(subjects.service_config(self.name), self._configure)]
        for camera in self.cameras:
            if "tracks" in read:
                parts.append(self._hear(subjects.tracks(camera), self._take_tracks))
            if "events" in read:
                parts.append(self._hear(subjects.events(camera), self._take_event))
            if "zones" in read:
                parts.append(self._hear(subjects.zones(camera), self._take_zones))
        if self._place.manifest.view:
            from eyespot.sdk.view_follower import follow  # loads numpy

            door = self._place.run / "frames.sock"
            parts += [follow(door, name, self._take_frame, self.clock) for name in self._frames]
        return parts

    async def _beat(self) -> None:
        for number in itertools.count(1):
            uptime_s = seconds(self.clock.monotonic_ns() - self._began_ns)
            beat = Beat(
                version=self._place.start.version, uptime_s=uptime_s, frames=dict(self._frames), events=self._events,
                errors=self._errors, busy_s=self._busy_s(),
            )  # fmt: skip
            await self._bus.publish(subjects.service_beat(self.name), beat.model_dump_json().encode())
            if self._state is not None and number % BEATS_A_STATE == 0:
                self._put(subjects.service_state(self.name), self._state)
            await self.clock.sleep(BEAT_EVERY_S)

    async def _hear(self, subject: str, take: Callable[[bytes], Awaitable[None]]) -> None:
        async for message in self._bus.subscribe(subject):
            try:
                await take(message.data)
            except ValueError as error:  # ValidationError and JSON's errors are ones
                log.warning("what came on %s does not parse: %s", subject, error)

    async def _take_tracks(self, data: bytes) -> None:
        tracks = TracksMessage.model_validate_json(data)
        await self._call(self._service.on_tracks, tracks, moment_ns=tracks.wall_ns)

    async def _take_event(self, data: bytes) -> None:
        await self._call(self._service.on_event, Event.model_validate_json(data))

    async def _take_zones(self, data: bytes) -> None:
        told = ZonesMessage.model_validate_json(data)
        if self.zones.get(told.camera) != told.zones:  # they are said again now and then
            self.zones = {**self.zones, told.camera: told.zones}
            await self._call(self._service.on_zones, told.camera, told.zones)

    async def _take_frame(self, view: str, frame: Any) -> None:
        await self._call(self._service.on_frame, view, frame, moment_ns=frame.stamp.wall_ns)
        self._frames[view] += 1

    async def _configure(self, data: bytes) -> None:
        try:
            self.settings = Values(check_settings(self._place.manifest.config, json.loads(data)))
        except EyespotError as error:
            log.warning("settings stay as they were: %s", error)
            return
        await self._call(self._service.on_config, self.settings)

    async def _call(self, handler: Callable[..., Any], *values: Any, moment_ns: int = 0) -> None:
        """A handler in its turn; a defect in it is logged and counted, and the service goes on."""
        async with self._at_work():
            self._moment_ns = moment_ns
            try:
                await _settled(handler(*values))
            except Exception:  # the author's code: whatever it raises must not end the service
                self._errors += 1
                log.exception("%s failed", handler.__name__)
            finally:
                self._moment_ns = 0

    @asynccontextmanager
    async def _at_work(self) -> AsyncIterator[None]:
        """One handler at a time, and since when."""
        async with self._turn:
            self._busy_ns = self.clock.monotonic_ns()
            try:
                yield
            finally:
                self._busy_ns = None

    def _busy_s(self) -> float:
        return 0.0 if self._busy_ns is None else seconds(self.clock.monotonic_ns() - self._busy_ns)

    def _answering(self, verb: str) -> Callable[[bytes], Awaitable[bytes]]:
        async def answer(data: bytes) -> bytes:
            try:
                body = json.loads(data) if data else None
            except ValueError as error:
                raise invalid("The request is not JSON.") from error
            async with self._at_work():
                return json.dumps(await _settled(self._service.on_request(verb, body))).encode()

        return answer

    async def _last_words(self) -> None:
        waited_s = 0.0
        while self._outbox.waiting and waited_s < LAST_WORDS_S:
            await self.clock.sleep(0.02)
            waited_s += 0.02


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value
