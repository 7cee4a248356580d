"""A service without a camera: its handlers are called as a host would call them, and what it says is kept to look at.

For tests of a service. Handlers that are ``async`` are run to their end, one at a time.
"""

import asyncio
import inspect
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eyespot.contracts.event import Event
from eyespot.contracts.service import read_manifest
from eyespot.contracts.service_bus import ServiceEvent
from eyespot.contracts.settings_schema import check_settings
from eyespot.contracts.track import TracksMessage
from eyespot.contracts.zones import Zone
from eyespot.kernel.clock import Clock, SystemClock
from eyespot.kernel.errors import unavailable
from eyespot.sdk.service import Service
from eyespot.sdk.values import Values

if TYPE_CHECKING:
    from eyespot.contracts.output import OutputCommand
    from eyespot.sdk.infer_client import Array
    from eyespot.sdk.ring_reader import RingFrame


class Rehearsal:
    """Plays ``service`` by the manifest in ``folder``; it has started when this is made.

    Attributes:
        events: what it emitted, in order; ``said``: its last state.
        switched: names of outputs with what was asked of each, in order; every one succeeds.

    Raises:
        EyespotError: ``INVALID`` when the settings break the manifest's schema; what ``on_start`` raises.
    """

    def __init__(
        self,
        service: type[Service],
        folder: Path,
        scratch: Path,
        *,
        settings: Mapping[str, Any] | None = None,
        cameras: Iterable[str] = ("front",),
        zones: Iterable[Zone] = (),
        clock: Clock | None = None,
    ) -> None:
        self._manifest = read_manifest(folder)
        self.name, self.cameras = self._manifest.service.name, tuple(cameras)
        self.emits = self._manifest.permissions.emit
        self.scratch, self.clock = scratch, clock or SystemClock()
        self.settings = Values(check_settings(self._manifest.config, dict(settings or {})))
        self.zones = dict.fromkeys(self.cameras, tuple(zones))
        self.events: list[ServiceEvent] = []
        self.said: dict[str, Any] = {}
        self.switched: list[tuple[str, OutputCommand]] = []
        self.service = service()
        self.service._link = self
        _settled(self.service.on_start())

    @property
    def moment_wall_ns(self) -> int:
        """When an event began that says nothing of it: now."""
        return self.clock.wall_ns()

    def tracks(self, message: TracksMessage) -> None:
        """Let it hear tracks."""
        _settled(self.service.on_tracks(message))

    def event(self, event: Event) -> None:
        """Let it hear an event of its camera."""
        _settled(self.service.on_event(event))

    def frame(self, view: str, frame: "RingFrame") -> None:
        """Show it a frame."""
        _settled(self.service.on_frame(view, frame))

    def configure(self, **settings: Any) -> None:
        """The owner changes its settings; raises ``INVALID`` by the schema."""
        self.settings = Values(check_settings(self._manifest.config, settings))
        _settled(self.service.on_config(self.settings))

    def draw(self, *zones: Zone) -> None:
        """The owner draws other zones for its first camera."""
        camera = self.cameras[0]
        self.zones = {**self.zones, camera: zones}
        _settled(self.service.on_zones(camera, zones))

    def ask(self, verb: str, body: Any = None) -> Any:
        """Its answer to a request; raises what it refuses with."""
        return _settled(self.service.on_request(verb, body))

    def stop(self) -> None:
        """It shall end."""
        _settled(self.service.on_stop())

    def say_event(self, event: ServiceEvent) -> None:
        """See ``Service.emit``."""
        self.events.append(event)

    def say_state(self, values: dict[str, Any]) -> None:
        """See ``Service.state``."""
        self.said = values

    def switch(self, output: str, command: "OutputCommand") -> "asyncio.Task[None]":
        """See ``Service.output``; called from an ``async`` handler, as it needs an event loop."""

        async def done() -> None:
            self.switched.append((output, command))

        return asyncio.get_running_loop().create_task(done())

    async def infer(self, package: str, image: "Array") -> "dict[str, Array]":
        """There is no model here; give the service one of your own to test what it makes of answers."""
        raise unavailable(f"There is no model {package} in a rehearsal.", "Replace infer() of the service.")


def _settled(value: Any) -> Any:
    async def wait() -> Any:
        return await value

    return asyncio.run(wait()) if inspect.isawaitable(value) else value
