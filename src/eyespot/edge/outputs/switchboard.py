"""All outputs of the host in one place: as the config says, switched by requests on the bus and by events."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any

from pydantic import ValidationError

from eyespot.contracts.output import OutputReport, OutputRequest, OutputsReport
from eyespot.edge.outputs.settings import HostOutput
from eyespot.edge.outputs.switched import Open, SwitchedOutput
from eyespot.edge.outputs.triggers import Ask
from eyespot.hal.outputs.chooser import open_output
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import invalid, not_found

log = logging.getLogger(__name__)

AGAIN_S = 10.0
"""Outputs that failed are opened again so often."""


class Switchboard:
    """Holds the outputs.

    Args:
        open_output: opens their wires.
        thread: where drivers are called; it must run one call at a time. None: a thread of its own.
    """

    def __init__(self, clock: Clock, open_output: Open = open_output, thread: Executor | None = None) -> None:
        self._clock = clock
        self._open_output = open_output
        self._outputs: dict[str, SwitchedOutput] = {}
        self._thread = thread or ThreadPoolExecutor(1, "outputs")
        self._lock = asyncio.Lock()

    async def apply(self, wanted: tuple[HostOutput, ...]) -> None:
        """Hold these; outputs whose settings stayed are not touched, the others go to rest first."""
        async with self._lock:
            names = {one.name: one for one in wanted}
            for name, output in list(self._outputs.items()):
                if names.get(name) != output.settings:
                    await output.close()
                    del self._outputs[name]
            for settings in wanted:
                if settings.name not in self._outputs:
                    output = SwitchedOutput(settings, self._open_output, self._in_thread, self._clock)
                    self._outputs[settings.name] = output
                    await output.open()
            self._outputs = {name: self._outputs[name] for name in names}

    async def close(self) -> None:
        """Everything to rest; nothing can be switched afterwards."""
        await self.apply(())
        self._thread.shutdown(wait=False)

    async def mend(self) -> None:
        """Open again what failed, every few seconds, for ever."""
        while True:
            await self._clock.sleep(AGAIN_S)
            async with self._lock:
                for output in self._outputs.values():
                    if output.is_broken:
                        await output.open()

    async def answer(self, payload: bytes) -> bytes:
        """Answer an ``OutputRequest``, JSON, with an ``OutputsReport`` of all, JSON.

        Raises:
            EyespotError: ``INVALID`` when the request does not parse, ``NOT_FOUND``, and as ``SwitchedOutput``.
        """
        try:
            request = OutputRequest.model_validate_json(payload)
        except ValidationError as error:
            raise invalid("A request to the outputs does not parse.", "See docs/design/api.md.") from error
        async with self._lock:
            if request.do == "set":
                await self._set(request)
            elif request.do == "pulse":
                self._one(request).pulse(request.seconds)
                log.info("audit: %s pulsed output %s", request.by, request.name)
        return OutputsReport(outputs=self.reports()).model_dump_json().encode()

    def ask(self, ask: Ask) -> None:
        """An event asks for a pulse; it gets it when the output is free, and never waits."""
        output = self._outputs.get(ask.output)
        if output is not None and output.pulse_by_event(ask.seconds):
            log.info("output %s is pulsed: %s", ask.output, ask.why)

    def reports(self) -> tuple[OutputReport, ...]:
        """Each output now, in the order of the config."""
        return tuple(output.report() for output in self._outputs.values())

    def errors(self) -> dict[str, str]:
        """What is wrong, by output."""
        return {f"output {report.name}": report.error for report in self.reports() if report.error}

    async def _set(self, request: OutputRequest) -> None:
        output = self._one(request)
        if request.on is None:
            raise invalid("A request to set an output does not say to what.", "Give on: true or false.")
        await output.switch(on=request.on)
        log.info("audit: %s switched output %s %s", request.by, request.name, "on" if request.on else "off")

    def _one(self, request: OutputRequest) -> SwitchedOutput:
        output = self._outputs.get(request.name or "")
        if output is None:
            known = ", ".join(self._outputs) or "none, add [[output]] to the config"
            raise not_found(f"There is no output '{request.name or ''}'.", f"There are: {known}.")
        return output

    async def _in_thread(self, call: Callable[[], Any]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, call)
