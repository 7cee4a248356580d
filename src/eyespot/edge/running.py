"""A service with its own life inside a process: started, kept alive, stopped, without touching its neighbours."""

import asyncio
import logging

from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import EyespotError
from eyespot.kernel.service import Service

log = logging.getLogger(__name__)

AGAIN_S = 2.0
STOP_S = 8.0


class Running:
    """Runs ``service`` in a task until ``stop``; one that fails is run again after a pause."""

    def __init__(self, service: Service, clock: Clock, *, again: bool = True) -> None:
        self.service = service
        self.failures = 0
        self._clock = clock
        self._again = again
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=service.name)

    async def stop(self) -> None:
        """Ask the service to end and wait for it, not for ever."""
        self._stop.set()
        _, late = await asyncio.wait((self._task,), timeout=STOP_S)
        if late:
            log.error("%s did not end within %.0f s", self.service.name, STOP_S)
            self._task.cancel()

    async def _run(self) -> None:
        while not self._stop.is_set():
            try:
                await self.service.run(self._stop)
                return
            except EyespotError as error:
                self.failures += 1
                log.error("%s: %s", self.service.name, error)
            except Exception:  # a defect in one camera's part must not stop the others; it is logged and counted
                self.failures += 1
                log.exception("%s failed", self.service.name)
            if not self._again:
                return
            await self._clock.sleep(AGAIN_S)
