"""What services found: checked against what each may emit, and handed on to be stored and published as events."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus, Message
from eyespot.contracts.event import Event
from eyespot.contracts.service_bus import MAX_DOCUMENT_BYTES, ServiceEvent, stored_id

Allowed = Callable[[str], tuple[tuple[str, ...], tuple[str, ...]] | None]
"""Kinds and cameras of a service that runs now; None when there is none of that name."""


class ServiceEvents:
    """A service of the process; what is refused is counted by who said it.

    Args:
        submit: takes an event to be stored and published; never waits.
    """

    name = "service-events"

    def __init__(self, bus: Bus, allowed: Allowed, submit: Callable[[Event], None]) -> None:
        self._bus = bus
        self._allowed = allowed
        self._submit = submit
        self._taken: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Take events until ``stop``."""
        heard = self._bus.subscribe(subjects.service_event(subjects.EVERY))
        listening = asyncio.create_task(self._listen(heard))
        await stop.wait()
        await heard.close()
        await listening

    async def _listen(self, heard: Any) -> None:
        async for message in heard:
            self.take(message)

    def take(self, message: Message) -> None:
        """One message; the server has made sure that it is of the service that its subject names."""
        name = subjects.service_of(message.subject)
        allowed = self._allowed(name)
        if allowed is None:
            return
        why = ""
        try:
            if len(message.data) > MAX_DOCUMENT_BYTES:
                raise ValueError(f"more than {MAX_DOCUMENT_BYTES} bytes")
            said = ServiceEvent.model_validate_json(message.data)
            kinds, cameras = allowed
            if said.kind not in kinds:
                why = f"an event of the kind '{said.kind}', which is not granted"
            elif said.camera not in cameras:
                why = f"an event of the camera '{said.camera[:64]}', which is not its own"
        except (ValidationError, ValueError) as error:
            why = f"an event that does not parse: {str(error).splitlines()[0][:100]}"
        if why:
            self._refused[name] += 1
            self._last[name] = why
            return
        self._taken[name] += 1
        self._submit(as_event(name, said))

    def status(self) -> dict[str, Any]:
        return {"taken": self._taken.total(), "refused": self._refused.total()}

    def of(self, name: str) -> dict[str, Any]:
        """Counters of one service, and the last refusal in words."""
        return {
            "events": self._taken[name],
            "events_refused": self._refused[name],
            "last_refused": self._last.get(name, ""),
        }


def as_event(service: str, said: ServiceEvent) -> Event:
    """The stored form."""
    return Event(
        id=stored_id(service, said.id), camera=said.camera, kind="service", label=f"{service}.{said.kind}",
        zone=said.zone, start_wall_ns=said.start_wall_ns, end_wall_ns=said.end_wall_ns, score=said.score,
        best_wall_ns=said.best_wall_ns, best_box=said.best_box, track=said.track, detail=said.detail,
    )  # fmt: skip
