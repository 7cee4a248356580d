"""What services were granted of models, as the services process tells it in its status, for the plan of rates."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.service_access import MAX_SERVICES
from eyespot.contracts.status import StatusMessage
from eyespot.edge.service_plan import ANY_SIZE, ServiceNeed
from eyespot.kernel.clock import Clock, seconds

log = logging.getLogger(__name__)

FRESH_S = 10.0
"""Services of a process that has been silent for longer have ended."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)

    rate_hz: float = Field(gt=0)
    run_ms: float | None = Field(default=None, gt=0)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)

    share: float = Field(gt=0, le=1)
    models: dict[str, _Model] = Field(max_length=8)


class _Granted(BaseModel):
    """The part of the services process's ``totals["inference"]`` that is read here."""

    granted: dict[str, _Told] = Field(default_factory=dict, max_length=MAX_SERVICES)


class ServiceNeeds:
    """A service: listens until it is stopped."""

    name = "needs of services"

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus, self._clock = bus, clock
        self._granted: Mapping[str, _Told] = {}
        self._heard_ns: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until ``stop``."""
        heard = self._bus.subscribe(subjects.status("services"))
        listening = asyncio.create_task(self._listen(heard))
        await stop.wait()
        await heard.close()
        await listening

    def status(self) -> dict[str, Any]:
        return {}

    def needs(self) -> tuple[ServiceNeed, ...]:
        """Models of services that run now, in the order of their names."""
        found = sorted(self._now().items())
        return tuple(
            ServiceNeed(service, package, model.rate_hz, told.share)
            for service, told in found
            for package, model in sorted(told.models.items())
        )

    def costs(self) -> dict[tuple[str, tuple[int, int]], float]:
        """Milliseconds of a run of late, of those that ran."""
        return {
            (ServiceNeed(service, package, model.rate_hz, told.share).name, ANY_SIZE): model.run_ms
            for service, told in self._now().items()
            for package, model in told.models.items()
            if model.run_ms is not None
        }

    def _now(self) -> Mapping[str, _Told]:
        now_ns = self._clock.monotonic_ns()
        if self._heard_ns is None or seconds(now_ns - self._heard_ns) > FRESH_S:
            return {}
        return self._granted

    async def _listen(self, heard: Any) -> None:
        async for message in heard:
            try:
                totals = StatusMessage.model_validate_json(message.data).totals
                self._granted = _Granted.model_validate(totals.get("inference") or {}).granted
                self._heard_ns = self._clock.monotonic_ns()
            except ValidationError:
                log.warning("a status report of the services process does not parse")
