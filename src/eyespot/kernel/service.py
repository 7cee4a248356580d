"""The one lifecycle shape: a service has a name, runs until told to stop, and can say how it is."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Protocol

log = logging.getLogger(__name__)


class Service(Protocol):
    """A long-running part of a process."""

    @property
    def name(self) -> str:
        """Short name for logs and status."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then return; raise only on what cannot be survived inside."""
        ...

    def status(self) -> dict[str, Any]:
        """Counters and state as JSON-ready values; cheap, never blocks."""
        ...


async def run_services(services: Sequence[Service], stop: asyncio.Event) -> None:
    """Run all services in one task group until ``stop`` is set; the first failure stops the others and is raised."""

    async def guarded(service: Service) -> None:
        try:
            await service.run(stop)
        except Exception:  # logged with the service's name, then raised on to the group
            log.exception("service %s failed", service.name)
            raise
        finally:
            stop.set()

    async with asyncio.TaskGroup() as group:
        for service in services:
            group.create_task(guarded(service), name=service.name)
