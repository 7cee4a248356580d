"""One output: opened, switched, pulsed, put to rest; opened again after it failed.

Whoever calls is the process's event loop; the driver is called in a thread, since a GPIO expander may answer slowly.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from eyespot.contracts.output import OutputReport
from eyespot.edge.outputs.settings import HostOutput
from eyespot.hal.outputs.chooser import OutputKind
from eyespot.hal.outputs.contract import Output, OutputSettings
from eyespot.hal.outputs.pulse import pulse
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import EyespotError, Kind, unavailable

log = logging.getLogger(__name__)

T = TypeVar("T")
Open = Callable[[OutputKind, OutputSettings], Output]
InThread = Callable[[Callable[[], T]], Awaitable[T]]


class SwitchedOutput:
    """Holds one output.

    Args:
        open_output: opens the wire, which puts it to rest; raises ``EyespotError``.
        in_thread: runs a call of the driver elsewhere; calls of one output must not overlap.
    """

    def __init__(self, settings: HostOutput, open_output: Open, in_thread: InThread[None], clock: Clock) -> None:
        self.settings = settings
        self._open_output = open_output
        self._in_thread = in_thread
        self._clock = clock
        self._output: Output | None = None
        self._on = settings.rest
        self._pulse: asyncio.Task[None] | None = None
        self._free_from_ns = 0
        self._pulses = self._skipped = 0
        self._error = ""

    @property
    def is_broken(self) -> bool:
        """It could not be opened, or failed since."""
        return bool(self._error)

    async def open(self) -> None:
        """Take the wire, at rest; why that cannot be is in the report, and logged when it is new."""
        await self.close()
        error = ""
        try:
            await self._in_thread(self._take)
            self._on = self.settings.rest
        except EyespotError as refused:
            error = str(refused)
        if error and error != self._error:
            log.error("output %s: %s", self.settings.name, error)
        if self._error and not error:
            log.info("output %s can be switched again", self.settings.name)
        self._error = error

    async def close(self) -> None:
        """Put it to rest and let it go; a pulse ends. May be called twice."""
        await self._end_pulse()
        output, self._output = self._output, None
        if output is not None:
            await self._in_thread(output.close)
            self._on = self.settings.rest

    async def switch(self, *, on: bool) -> None:
        """Turn it on or off until further notice; a pulse ends. Raises ``UNAVAILABLE``."""
        self._need_open()
        await self._end_pulse()
        await self._switch(on)

    def pulse(self, seconds: float | None = None) -> None:
        """Leave rest for ``seconds`` (None: as the settings say); returns at once.

        Raises ``CONFLICT`` while it is pulsing or switched by hand, ``UNAVAILABLE`` while it cannot be switched.
        """
        self._need_open()
        if self._is_pulsing or self._on != self.settings.rest:
            what = "is pulsing already" if self._is_pulsing else "was switched by hand"
            raise EyespotError(Kind.CONFLICT, f"Output {self.settings.name} {what}.", "Set it to its rest state first.")
        length_s = self.settings.pulse_s if seconds is None else seconds
        self._pulses += 1
        self._pulse = asyncio.create_task(self._run_pulse(length_s), name=f"pulse {self.settings.name}")

    def pulse_by_event(self, seconds: float | None) -> bool:
        """``pulse`` for an event: False, and counted, when it is not free or its pause is not over."""
        try:
            if self._clock.monotonic_ns() < self._free_from_ns:
                raise EyespotError(Kind.CONFLICT, f"Output {self.settings.name} has just been pulsed.")
            self.pulse(seconds)
        except EyespotError:  # an event asks, nobody waits for the answer: the report says what is wrong
            self._skipped += 1
            return False
        return True

    def report(self) -> OutputReport:
        """How it is now; cheap. A pulse that has just begun counts as given."""
        on = not self.settings.rest if self._is_pulsing else self._on
        return OutputReport(
            name=self.settings.name,
            kind=self.settings.kind,
            on=None if self._error or self._output is None else on,
            pulsing=self._is_pulsing,
            pulses=self._pulses,
            skipped=self._skipped,
            error=self._error,
        )

    @property
    def _is_pulsing(self) -> bool:
        return self._pulse is not None and not self._pulse.done()

    def _take(self) -> None:
        self._output = self._open_output(self.settings.kind, self.settings.wire)

    def _need_open(self) -> None:
        if self._error or self._output is None:
            raise unavailable(f"Output {self.settings.name} cannot be switched: {self._error or 'it is closed'}")

    async def _switch(self, on: bool) -> None:
        output = self._output
        if output is None:
            return  # closed meanwhile, which put it to rest
        try:
            await self._in_thread(lambda: output.switch(on=on))
        except EyespotError as error:
            self._error = str(error)
            log.error("output %s: %s", self.settings.name, error)
            raise
        self._on = on

    async def _run_pulse(self, seconds: float) -> None:
        try:
            await pulse(self._switch, self._clock, seconds, on=not self.settings.rest)
        except EyespotError:
            return  # noted and logged where it happened
        finally:
            self._free_from_ns = self._clock.monotonic_ns() + from_seconds(self.settings.pause_s)

    async def _end_pulse(self) -> None:
        task, self._pulse = self._pulse, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
