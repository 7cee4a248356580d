"""What services found: checked against what each may emit, and handed on to be stored and published as events."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus, Message
from eyespot.contracts.event import Event
from eyespot.contracts.service_bus import MAX_DOCUMENT_BYTES, ServiceEvent, stored_id
from eyespot.edge.pause import first_of
from eyespot.kernel.clock import Clock

LOOK_S = 1.0
MAX_LASTING = 64
"""Events of one service that last at a time."""


@dataclass(frozen=True, slots=True)
class May:
    """What a running service may say: kinds of event, which of them record, of which cameras; ``life`` tells its starts
    apart.
    """

    kinds: tuple[str, ...]
    records: tuple[str, ...]
    cameras: tuple[str, ...]
    life: str


Allowed = Callable[[str], May | None]
"""Of a service that runs now; None when there is none of that name."""


class ServiceEvents:
    """A service of the process; what is refused is counted by who said it.

    An event that lasts ends with the life of the service that said it, for nobody else would end it.

    Args:
        submit: takes an event to be stored and published; never waits.
    """

    name = "service-events"

    def __init__(self, bus: Bus, allowed: Allowed, submit: Callable[[Event], None], clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._lasting: dict[str, dict[str, tuple[str, Event]]] = {}
        self._allowed = allowed
        self._submit = submit
        self._taken: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._last: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Take events until ``stop``."""
        heard = self._bus.subscribe(subjects.service_event(subjects.EVERY))
        listening = asyncio.create_task(self._listen(heard))
        while not stop.is_set():
            await first_of(stop, self._clock, LOOK_S)
            self.conclude()
        await heard.close()
        await listening
        self.conclude(everything=True)

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
            if said.kind not in allowed.kinds:
                why = f"an event of the kind '{said.kind}', which is not granted"
            elif said.camera not in allowed.cameras:
                why = f"an event of the camera '{said.camera[:64]}', which is not its own"
            elif not self._note(name, allowed, event := as_event(name, said, records=said.kind in allowed.records)):
                why = f"an event while {MAX_LASTING} of its events last already"
        except (ValidationError, ValueError) as error:
            why = f"an event that does not parse: {str(error).splitlines()[0][:100]}"
        if why:
            self._refused[name] += 1
            self._last[name] = why
            return
        self._taken[name] += 1
        self._submit(event)

    def conclude(self, *, everything: bool = False) -> None:
        """End the events whose service has ended or was started anew, or all."""
        for name in list(self._lasting):
            may = None if everything else self._allowed(name)
            for event_id, (life, event) in list(self._lasting[name].items()):
                if may is None or may.life != life:
                    del self._lasting[name][event_id]
                    end_ns = max(event.start_wall_ns, self._clock.wall_ns())
                    self._submit(event.model_copy(update={"end_wall_ns": end_ns}))
            if not self._lasting[name]:
                del self._lasting[name]

    def _note(self, name: str, may: May, event: Event) -> bool:
        """Whether there is room for ``event`` among those that last."""
        lasting = self._lasting.get(name, {})
        if event.end_wall_ns is not None:
            lasting.pop(event.id, None)
            return True
        if event.id not in lasting and len(lasting) >= MAX_LASTING:
            return False
        self._lasting.setdefault(name, lasting)[event.id] = (may.life, event)
        return True

    def status(self) -> dict[str, Any]:
        return {"taken": self._taken.total(), "refused": self._refused.total()}

    def of(self, name: str) -> dict[str, Any]:
        """Counters of one service, and the last refusal in words."""
        return {
            "events": self._taken[name],
            "events_refused": self._refused[name],
            "last_refused": self._last.get(name, ""),
        }


def as_event(service: str, said: ServiceEvent, *, records: bool) -> Event:
    """The stored form."""
    return Event(
        id=stored_id(service, said.id), camera=said.camera, kind="service", label=f"{service}.{said.kind}",
        zone=said.zone, start_wall_ns=said.start_wall_ns, end_wall_ns=said.end_wall_ns, score=said.score,
        best_wall_ns=said.best_wall_ns, best_box=said.best_box, track=said.track, records=records,
        detail=said.detail,
    )  # fmt: skip
