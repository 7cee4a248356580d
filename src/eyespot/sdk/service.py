"""``Service``: what an author subclasses. Handlers are plain or ``async`` methods; unless overridden they do nothing.

Handlers are called one at a time, in the event loop that also says the heartbeat: one that never returns makes the
service silent, and it is started again.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from eyespot.contracts.output import OutputCommand
from eyespot.contracts.service_bus import ServiceEvent
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError, invalid, not_found
from eyespot.kernel.ids import new_id
from eyespot.sdk.output import Output
from eyespot.sdk.values import Values

if TYPE_CHECKING:  # frames need numpy, which a service without frames shall not load
    from eyespot.contracts.event import Event
    from eyespot.contracts.track import TracksMessage
    from eyespot.contracts.zones import Zone
    from eyespot.sdk.infer_client import Array
    from eyespot.sdk.ring_reader import RingFrame

Handled = Awaitable[None] | None


class Link(Protocol):
    """The service's way to its camera; ``eyespot.sdk.runtime`` has the real one."""

    name: str
    cameras: tuple[str, ...]
    emits: tuple[str, ...]
    scratch: Path
    clock: Clock
    settings: Values
    zones: "dict[str, tuple[Zone, ...]]"

    @property
    def moment_wall_ns(self) -> int: ...

    def say_event(self, event: ServiceEvent) -> None: ...

    def say_state(self, values: dict[str, Any]) -> None: ...

    async def infer(self, package: str, image: "Array") -> "dict[str, Array]": ...

    def switch(self, output: str, command: OutputCommand) -> "asyncio.Task[None]": ...


class Service:
    """Base of every service written in Python; made once, without arguments.

    Attributes:
        verbs: the requests it answers, as ``eyespot.service.<name>.request.<verb>``.
    """

    verbs: ClassVar[tuple[str, ...]] = ()
    _link: Link | None = None

    def on_start(self) -> Handled:
        """Called once, before anything else, with ``settings`` and ``cameras`` at hand."""
        return None

    def on_stop(self) -> Handled:
        """Called once, when the service shall end."""
        return None

    def on_frame(self, view: str, frame: "RingFrame") -> Handled:
        """The newest frame of a view, its own copy; frames that came while a handler ran are skipped."""
        return None

    def on_tracks(self, tracks: "TracksMessage") -> Handled:
        """Tracked objects of one camera at one moment; needs ``read = ["tracks"]``."""
        return None

    def on_event(self, event: "Event") -> Handled:
        """An event of one of its cameras; needs ``read = ["events"]``."""
        return None

    def on_config(self, settings: Values) -> Handled:
        """The owner changed the settings; ``self.settings`` is the new ones already."""
        return None

    def on_zones(self, camera: str, zones: "tuple[Zone, ...]") -> Handled:
        """The owner drew zones or lines of one of its cameras anew; ``self.zones`` has them already.

        Needs ``read = ["zones"]``.
        """
        return None

    def on_request(self, verb: str, body: Any) -> Any:
        """Answers a request with a JSON value, or an awaitable of one; ``EyespotError`` is raised at the caller."""
        raise not_found(f"{self._linked.name} does not answer '{verb}'.")

    @property
    def settings(self) -> Values:
        """The owner's settings, checked, with defaults."""
        return self._linked.settings

    @property
    def cameras(self) -> tuple[str, ...]:
        """Ids of its cameras."""
        return self._linked.cameras

    @property
    def zones(self) -> "Mapping[str, tuple[Zone, ...]]":
        """Zones and lines of its cameras by the camera's id, in the owner's order; empty where not granted."""
        return self._linked.zones

    @property
    def clock(self) -> Clock:
        """Time; use it, and tests can move it."""
        return self._linked.clock

    @property
    def scratch(self) -> Path:
        """Folder of its own, kept across restarts."""
        return self._linked.scratch

    def emit(self, kind: str, *, camera: str = "", event_id: str = "", **more: Any) -> str:
        """Say that something happened; returns the event's id. Never waits.

        Args:
            kind: one of the manifest's ``emit``.
            camera: where; may be left out with one camera.
            event_id: of an event that was said before, to say more about it.
            more: fields of ``ServiceEvent``. Without ``start_wall_ns`` it began when what is being handled was captured
                (a frame, tracks), elsewhere now; without ``end_wall_ns`` too it is over at once. What is no field goes
                to ``detail``.

        Raises:
            EyespotError: ``INVALID`` when the event breaks its rules.
        """
        link = self._linked
        if kind not in link.emits:
            raise invalid(f"'{kind}' is not among permissions.emit of {link.name}.", "Add it to service.toml.")
        if not camera and len(link.cameras) != 1:
            raise invalid(f"{link.name} has {len(link.cameras)} cameras.", "Say which: emit(kind, camera=...).")
        event = _event(kind, camera or link.cameras[0], event_id, link.moment_wall_ns, more)
        link.say_event(event)
        return event.id

    async def infer(self, package: str, image: "Array") -> "dict[str, Array]":
        """What a model package of the camera makes of ``image``; see ``InferClient.infer``. Its turn takes a while."""
        return await self._linked.infer(package, image)

    def output(self, name: str) -> Output:
        """An output of the host (``permissions.outputs``); see ``Output``."""
        return Output(name, self._linked.switch)

    def state(self, **values: Any) -> None:
        """Say how things are, for people to look at; each replaces the one before. Never waits."""
        self._linked.say_state(values)

    @property
    def _linked(self) -> Link:
        if self._link is None:
            raise invalid("The service is not running yet.", "Do it in on_start instead of __init__.")
        return self._link


def _event(kind: str, camera: str, event_id: str, now_ns: int, more: dict[str, Any]) -> ServiceEvent:
    fields = {key: more.pop(key) for key in list(more) if key in ServiceEvent.model_fields}
    if "start_wall_ns" not in fields:
        fields["start_wall_ns"] = now_ns
        fields.setdefault("end_wall_ns", now_ns)
    detail = {**fields.pop("detail", {}), **more}
    try:
        return ServiceEvent(id=event_id or new_id(now_ns), kind=kind, camera=camera, detail=detail, **fields)
    except (ValueError, TypeError) as error:
        raise _refused(kind, error) from error


def _refused(kind: str, error: Exception) -> EyespotError:
    return invalid(f"The event '{kind}' breaks its rules: {error}.", "See ServiceEvent in docs/guide/sdk.md.")
