"""Asks the host to switch outputs, over the bus, each in a task of its own."""

import asyncio
import logging

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.output import OutputCommand
from eyespot.kernel.errors import EyespotError, Kind

log = logging.getLogger(__name__)

ANSWER_S = 5.0
MOST_AT_ONCE = 32


class Switches:
    """Of one service.

    Args:
        granted: the outputs it may switch.
    """

    def __init__(self, bus: Bus, service: str, granted: tuple[str, ...]) -> None:
        self._bus, self._service, self._granted = bus, service, granted
        self._under_way: set[asyncio.Task[None]] = set()

    def switch(self, output: str, command: OutputCommand) -> "asyncio.Task[None]":
        """See ``sdk.output.Output``; a failure is logged, whether or not somebody awaits the task."""
        task = asyncio.create_task(self._ask(output, command), name=f"output {output}")
        self._under_way.add(task)
        task.add_done_callback(self._done)
        return task

    async def _ask(self, output: str, command: OutputCommand) -> None:
        if output not in self._granted:
            known = ", ".join(self._granted) or "none"
            raise EyespotError(
                Kind.FORBIDDEN, f"{self._service} may not switch '{output[:64]}'.", f"It was granted: {known}."
            )
        if len(self._under_way) > MOST_AT_ONCE:
            raise EyespotError(Kind.THROTTLED, f"{MOST_AT_ONCE} requests to outputs are under way.", "Ask less.")
        payload = command.model_dump_json().encode()
        await self._bus.request(subjects.service_output(self._service, output), payload, ANSWER_S)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("%s: %s", task.get_name(), error)
