"""What every running service needs of the services process: a place on the bus, its views, its models, an engine."""

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from eyespot.bus import server, subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.frames_door import Grant, Grants
from eyespot.contracts.service import Host, PolicyClass
from eyespot.edge.config import CameraSettings
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.admission import Admission
from eyespot.edge.services.egress.proxies import Proxies
from eyespot.edge.services.engines.contract import Engine
from eyespot.edge.services.inference.model_desk import ModelDesk
from eyespot.edge.services.installed import Installed
from eyespot.kernel.clock import Clock
from eyespot.kernel.errors import unavailable


class GrantsFile:
    """The grants that the frames process follows; none at first, so that nothing of an earlier life is left.

    There is no file until a service sees something: the frames process starts with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._grants: dict[str, Grant] = {}
        path.unlink(missing_ok=True)

    def give(self, name: str, grant: Grant) -> None:
        """Let a service see its views."""
        self._grants[name] = grant
        self._write()

    def take(self, name: str) -> None:
        """It may see nothing any more."""
        if self._grants.pop(name, None) is not None:
            self._write()

    def _write(self) -> None:
        draft = self._path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(Grants(services=self._grants).model_dump_json())
        draft.replace(self._path)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything together."""

    layout: StateLayout
    installed: Installed
    engines: Mapping[str, Engine]
    admission: Admission
    grants: GrantsFile
    models: ModelDesk
    egress: Proxies
    bus: Bus
    clock: Clock
    forbidden: Callable[[], tuple[PolicyClass, ...]] = field(default=lambda: ())
    cameras: Callable[[], tuple[CameraSettings, ...]] = field(default=lambda: ())
    """The host's cameras now."""
    most_mb_per_s: Callable[[], float] = field(default=lambda: math.inf)
    """That a service may write to disk, by its owner's word; looked at when it starts."""

    def engine(self, host: Host) -> Engine:
        """The engine that runs services as ``host`` says; raises ``UNAVAILABLE``."""
        found = self.engines.get(host)
        if found is None:
            raise unavailable(f"There is no engine for host = '{host}' here.", "See: eyespot doctor.")
        return found

    def bus_address(self) -> tuple[str, int]:
        """Where the bus server is now; raises ``UNAVAILABLE``."""
        parts = urlsplit(server.server_url(self.layout.run_dir))
        return parts.hostname or "127.0.0.1", parts.port or 0

    async def say_settings(self, name: str, settings: Mapping[str, object]) -> None:
        """Tell a running service its settings."""
        await self.bus.publish(subjects.service_config(name), json.dumps(settings).encode())
