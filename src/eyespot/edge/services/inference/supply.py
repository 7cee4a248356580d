"""Where inferences of services run, and how much of it they were promised together.

Where the host has an inference process (``[vision] inference = "process"``, or doors for other programs), services use
that one, each on an account of its own. Else one is started for them alone, which stands back behind the cameras'
processes; it begins at the first inference and ends with the last service that may ask for any.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.infer_crash import crash_event
from eyespot.edge.infer_process import SOCKET, Crash, InferenceProcess
from eyespot.edge.layout import StateLayout
from eyespot.edge.running import Running
from eyespot.kernel.clock import Clock
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, Kind

LABEL = "inference of services"
NICENESS = 15
FOLDER = "inference"
_ROUNDING = 1e-9


class Supply:
    """Made on the event loop; starts nothing by itself.

    Args:
        submit: takes the event of a crash.
    """

    def __init__(
        self, layout: StateLayout, config: CameraHostConfig, clock: Clock, submit: Callable[[Event], None]
    ) -> None:
        self._layout, self._config, self._clock, self._submit = layout, config, clock, submit
        self._shares: dict[str, float] = {}
        self._own = not host_has_one(config)
        self._lock = asyncio.Lock()
        self._process: InferenceProcess | None = None
        self._running: Running | None = None
        self._crashes = 0

    @property
    def socket(self) -> Path:
        """Of the inference process that services use, whether it is there now or not."""
        return self._folder / SOCKET

    def admit(self, service: str, share: float) -> None:
        """Promise a service its share; raises ``EXHAUSTED`` when all would have more than the owner allows."""
        most = self._config.inference.services_share
        left = most - sum(self._shares.values())
        if share > left + _ROUNDING:
            raise EyespotError(
                Kind.EXHAUSTED,
                f"{service} needs {share:.0%} of the accelerator; of {most:.0%} for all services {left:.0%} is left.",
                "Stop another service, or raise inference.services_share in the settings.",
            )
        self._shares[service] = share

    async def dismiss(self, service: str) -> None:
        """A service ended; the last one takes the process of their own with it."""
        async with self._lock:
            self._shares.pop(service, None)
            if not self._shares and self._running is not None:
                await self._running.stop()
                self._running = self._process = None

    async def wake(self) -> None:
        """Start the process of their own where that is what they use and it does not run."""
        async with self._lock:
            if self._own and self._running is None and self._shares:
                folder = self._folder
                folder.mkdir(mode=0o700, exist_ok=True)
                self._process = InferenceProcess(
                    self._layout.models(self._config), folder, inherited_env(), self._clock, niceness=NICENESS,
                    on_crash=self._crashed,
                )  # fmt: skip
                self._running = Running(self._process, self._clock)

    def status(self) -> dict[str, Any]:
        """What was promised, and the process of their own; JSON-ready."""
        process = self._process.status() if self._process is not None else None
        return {
            "share": self._config.inference.services_share, "promised": round(sum(self._shares.values()), 4),
            "process": process, "crashes": self._crashes,
        }  # fmt: skip

    @property
    def _folder(self) -> Path:
        return self._layout.run_dir / FOLDER if self._own else self._layout.run_dir

    def _crashed(self, crash: Crash) -> None:
        self._crashes += 1
        self._submit(crash_event(crash, self._clock.wall_ns(), LABEL))


def host_has_one(config: CameraHostConfig) -> bool:
    """Whether vision keeps an inference process by this config."""
    ports = config.inference.rest_port or config.inference.grpc_port
    return config.vision.inference == "process" or bool(ports)
