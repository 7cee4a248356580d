"""One camera's imaging settings in the media process: set when a device's stream begins, and when they change.

What a device refuses is told, never raised: a camera without a control records all the same.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from eyespot.edge.imaging.setting import OpenImaging, Setting, set_controls
from eyespot.edge.imaging.settings import ImagingSettings
from eyespot.hal.imaging.chooser import open_imaging
from eyespot.hal.sensors.chooser import is_device
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)


class CameraImaging:
    """Keeps the camera's local devices at its settings; sources of other kinds are left alone.

    Args:
        open_imaging: opens a device's controls, in a thread; tests pass a simulated one.
    """

    def __init__(self, camera: str, open_imaging: OpenImaging = open_imaging) -> None:
        self._camera = camera
        self._open_imaging = open_imaging
        self._settings = ImagingSettings()
        self._live: set[str] = set()
        self._due: set[str] = set()
        self._made: dict[str, Setting] = {}
        self._task: asyncio.Task[None] | None = None

    def apply(self, settings: ImagingSettings) -> None:
        """New settings; devices that deliver now get them at once, others when they begin."""
        if settings != self._settings:
            self._settings = settings
            for device in self._live:
                self._ask(device)

    def on_state(self, source: str) -> Callable[[str, EyespotError | None], None]:
        """For the ingest of ``source``: told of each change of its state."""

        def told(state: str, _error: EyespotError | None) -> None:
            if not is_device(source):
                return
            if state == "live":
                self._live.add(source)
                self._ask(source)
            else:
                self._live.discard(source)

        return told

    async def settled(self) -> None:
        """Return once nothing is left to be set."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    def status(self) -> dict[str, dict[str, Any]]:
        """By device: what is ``set``, and what it ``refused`` and why. Empty when nothing was asked."""
        return {
            device: {"set": {name.value: value for name, value in made.done.items()}, "refused": made.refused}
            for device, made in self._made.items()
            if made.done or made.refused
        }

    def _ask(self, device: str) -> None:
        if not self._settings.values() and device not in self._made:
            return
        self._due.add(device)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name=f"imaging {self._camera}")

    async def _work(self) -> None:
        """One device after the other; a driver that hangs holds up the settings of this camera alone."""
        while self._due:
            device = self._due.pop()
            before = self._made.get(device, Setting())
            wanted = self._settings.values()
            made = await asyncio.to_thread(set_controls, device, wanted, tuple(before.done), self._open_imaging)
            self._made[device] = made
            if made.refused and made.refused != before.refused:
                for name, why in made.refused.items():
                    log.warning("camera %s, %s of %s is not as configured: %s", self._camera, name, device, why)
