"""The host's plan of rates, as the vision process tells it in its status: what it leaves to each service's models."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.status import StatusMessage
from eyespot.edge.pause import first_of
from eyespot.kernel.clock import Clock, seconds

log = logging.getLogger(__name__)

FRESH_S, LOOK_S = 10.0, 2.0
"""A plan that nobody has repeated for longer no longer holds: then services have what was granted."""
Planned = Mapping[str, Mapping[str, float]]
"""Service → package → runs a second, of those alone that get less than they were granted."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)

    rate_hz: float = Field(ge=0)
    degraded: str = ""


class _Plan(BaseModel):
    """The part of the vision process's ``totals["plan"]`` that is read here."""

    services: dict[str, dict[str, _Part]] = Field(default_factory=dict)


class PlanFollower:
    """A service: listens until it is stopped.

    Args:
        apply: told what is planned, a few times a minute.
    """

    name = "plan of rates"

    def __init__(self, bus: Bus, clock: Clock, apply: Callable[[Planned], None]) -> None:
        self._bus, self._clock, self._apply = bus, clock, apply
        self._heard_ns = clock.monotonic_ns()

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until ``stop``."""
        heard = self._bus.subscribe(subjects.status("vision"))
        listening = asyncio.create_task(self._listen(heard))
        while not stop.is_set():
            await first_of(stop, self._clock, LOOK_S)
            if seconds(self._clock.monotonic_ns() - self._heard_ns) > FRESH_S:
                self._apply({})
        await heard.close()
        await listening

    def status(self) -> dict[str, Any]:
        return {}

    async def _listen(self, heard: Any) -> None:
        async for message in heard:
            try:
                totals = StatusMessage.model_validate_json(message.data).totals
                plan = _Plan.model_validate(totals.get("plan") or {})
            except ValidationError:
                log.warning("a status report of the vision process does not parse")
                continue
            self._heard_ns = self._clock.monotonic_ns()
            self._apply(
                {
                    service: {package: part.rate_hz for package, part in parts.items() if part.degraded}
                    for service, parts in plan.services.items()
                }
            )
