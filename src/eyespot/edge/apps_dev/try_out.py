"""A service tried out on a host of its own: installed again whenever its folder changes, and what it does is told.

It runs confined, as it would for its owner; everything that its manifest asks for is granted.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.contracts.event import Event
from eyespot.contracts.service import Manifest, read_manifest
from eyespot.contracts.view import BY_LABEL
from eyespot.edge.events.query import EventQuery
from eyespot.edge.events.store import EventStore
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.digest import digest_of
from eyespot.edge.services.granted import everything
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError

LOOK_S = 0.5
EVENTS_AT_ONCE = 100
Tell = Callable[[str], None]


def needs_detection(manifest: Manifest) -> bool:
    """Whether the service has any use for tracked objects."""
    by_label = any(view.form in BY_LABEL for view in manifest.view)
    return by_label or bool(manifest.permissions.read)


class TryOut:
    """Keeps the service in ``folder`` installed on the host of ``layout``; ``camera`` is the one it gets.

    Args:
        tell: called with each line that the author should see.
    """

    def __init__(self, folder: Path, layout: StateLayout, camera: str, clock: Clock, tell: Tell) -> None:
        self._folder, self._layout, self._camera = folder, layout, camera
        self._clock, self._tell = clock, tell
        self._digest = self._name = self._trouble = ""
        self._events: dict[str, int | None] = {}
        self._lines: Sequence[str] = ()
        self._told_ns = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look twice a second until ``stop``."""
        store = ServiceStore(self._layout.services_db)
        installed = Installed(self._layout, store)
        events = EventStore(self._layout.events_db)
        try:
            while not stop.is_set():
                await asyncio.to_thread(self._follow, installed)
                if self._name:
                    self._tell_states(store)
                    self._tell_lines(await self._logs())
                    self._tell_events(events.find(EventQuery(kind="service", limit=EVENTS_AT_ONCE))[0])
                await self._clock.sleep(LOOK_S)
        finally:
            store.close()
            events.close()

    def _follow(self, installed: Installed) -> None:
        """Install the folder when it is not what is installed; a mistake in it is told once."""
        try:
            digest = digest_of(self._folder)
            if digest == self._digest:
                return
            self._digest = digest
            manifest = read_manifest(self._folder)
            row = installed.install(self._folder, self._camera, granted=everything(manifest, self._camera))
        except (EyespotError, OSError) as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._tell(f"not used: {error}")
            return
        self._trouble, self._name = "", row.name
        self._tell(f"installed {row.name} {row.version} {row.digest[:12]}")

    def _tell_states(self, store: ServiceStore) -> None:
        for moment in store.states(self._name):
            if moment.wall_ns > self._told_ns:
                self._told_ns = moment.wall_ns
                self._tell(f"state: {moment.state} {moment.why}".rstrip())

    def _tell_lines(self, lines: Sequence[str]) -> None:
        for line in fresh(self._lines, lines):
            self._tell(f"log: {line}")
        self._lines = lines

    def _tell_events(self, found: Sequence[Event]) -> None:
        known, self._events = self._events, {event.id: event.end_wall_ns for event in found}
        for event in reversed(found):
            if event.id not in known or known[event.id] != event.end_wall_ns:
                over = "" if event.end_wall_ns is None else " (over)"
                self._tell(f"event: {event.label} {event.camera} {json.dumps(event.detail)}{over}")

    async def _logs(self) -> Sequence[str]:
        """The newest lines of its output; those of before while the services process is away."""
        try:
            bus = await connect(self._layout.run_dir, "operator", wait_s=LOOK_S)
        except EyespotError:
            return self._lines
        try:
            answer = await bus.request(subjects.control("services"), json.dumps({"logs": self._name}).encode())
            return [str(line) for line in json.loads(answer)["lines"]]
        except EyespotError:
            return self._lines
        finally:
            await bus.close()


def fresh(before: Sequence[str], now: Sequence[str]) -> Sequence[str]:
    """The lines of ``now`` that come after those of ``before``: the longest end of one that begins the other is old."""
    for common in range(min(len(before), len(now)), 0, -1):
        if list(before[-common:]) == list(now[:common]):
            return now[common:]
    return now
