"""The inference process as the vision process has it: started with it, its sessions opened for lanes, deaths told.

Owns how the host's settings become shares, doors and events. Loaded only where the config wants the process.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from eyespot.contracts.event import Event
from eyespot.edge.config import CameraHostConfig
from eyespot.edge.detector import OneSession, OpenOne
from eyespot.edge.infer_accounts import COMMON, RemoteAccounts, shares_of
from eyespot.edge.infer_client import Account, RemoteSession
from eyespot.edge.infer_crash import crash_event
from eyespot.edge.infer_door import DoorSettings
from eyespot.edge.infer_models import Wanted
from eyespot.edge.infer_process import Crash, InferenceProcess
from eyespot.edge.process import HostProcess
from eyespot.edge.running import Running
from eyespot.infer.package import ModelPackage
from eyespot.kernel.config import inherited_env

GUESTS_NICE = 15
"""Where the process serves guests alone it stands back behind the cameras' own processes."""


class Inference:
    """Made on the event loop; starts the process at once.

    Args:
        submit: takes the event of a crash.
    """

    def __init__(self, process: HostProcess, submit: Callable[[Event], None]) -> None:
        self._config = process.config
        self._clock = process.clock
        self._submit = submit
        self._process = InferenceProcess(
            process.layout.models(process.config),
            process.layout.run_dir,
            inherited_env(),
            process.clock,
            lanes=process.config.vision.lanes,
            niceness=0 if process.config.vision.inference == "process" else GUESTS_NICE,
            doors=doors_of(process.config),
            on_crash=self._crashed,
        )
        services_share = process.config.inference.services_share
        self._account = Account(COMMON, share=1.0 - self._guest_share() - services_share)
        self._accounts = RemoteAccounts(self._process.socket)
        self._running = Running(self._process, process.clock)

    @property
    def open_one(self) -> OpenOne | None:
        """Opens a lane's session in the process; None where the cameras' models stay in the vision process."""
        return self._open if self._config.vision.inference == "process" else None

    async def share(self, planned: Mapping[str, float]) -> None:
        """Give each camera the part of the accelerator that the plan gives it; guests keep theirs.

        Args:
            planned: parts of the cameras' lanes, by camera.
        """
        await asyncio.to_thread(self._accounts.set, shares_of(planned, self._account.share))

    async def stop(self) -> None:
        """End the process."""
        await asyncio.to_thread(self._accounts.close)
        await self._running.stop()

    def status(self) -> dict[str, Any]:
        """JSON-ready state of the process."""
        return self._process.status()

    def _guest_share(self) -> float:
        doors = doors_of(self._config)
        return doors.share if doors.wanted else 0.0

    def _open(self, package: ModelPackage, size_px: tuple[int, int] | None) -> OneSession:
        vision = self._config.vision
        wanted = Wanted(package.folder.name, vision.variant, vision.accelerator, vision.threads, size_px)
        return RemoteSession(self._process.socket, wanted, self._account, self._clock)

    def _crashed(self, crash: Crash) -> None:
        self._submit(crash_event(crash, self._clock.wall_ns()))


def doors_of(config: CameraHostConfig) -> DoorSettings:
    """The doors for guests as the config wants them; port 0 is a closed one there."""
    wanted = config.inference
    return DoorSettings(wanted.rest_port or None, wanted.grpc_port or None, wanted.guest_share)
