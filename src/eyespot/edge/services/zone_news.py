"""Tells services the zones and lines of cameras that they were granted: when they change, and again now and then."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from eyespot.bus import subjects
from eyespot.bus.contract import Bus
from eyespot.contracts.zones import Zone, ZonesMessage
from eyespot.edge.config import CameraSettings
from eyespot.edge.pause import first_of
from eyespot.kernel.clock import Clock, from_seconds
from eyespot.kernel.errors import EyespotError

log = logging.getLogger(__name__)

LOOK_S = 1.0
AGAIN_S = 10.0
"""The bus keeps nothing: who was away, or starts just now, hears it the next time."""


def zones_of(camera: CameraSettings) -> ZonesMessage:
    """What its owner drew, but for masks: what those hide is nobody's business."""
    zones = (Zone(name=one.name, kind="zone", points=_short(one.points)) for one in camera.zone)
    lines = (Zone(name=one.name, kind="line", points=_short((one.a, one.b))) for one in camera.line)
    return ZonesMessage(camera=camera.id, zones=(*zones, *lines))


def _short(points: Iterable[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """``points`` to a hundred-thousandth of the picture: what is written by hand may be longer than a message."""
    return tuple((round(x, 5), round(y, 5)) for x, y in points)


class ZoneNews:
    """A service of the process.

    Args:
        cameras: the host's cameras now.
        listened: ids of the cameras whose zones some service listens to.
    """

    name = "zone-news"

    def __init__(
        self, bus: Bus, clock: Clock, cameras: Callable[[], Iterable[CameraSettings]], listened: Callable[[], set[str]]
    ) -> None:
        self._bus, self._clock = bus, clock
        self._cameras, self._listened = cameras, listened
        self._said: dict[str, tuple[ZonesMessage, int]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until ``stop``."""
        while not stop.is_set():
            try:
                await self.look()
            except EyespotError as error:
                log.warning("zones are not told: %s", error)
            await first_of(stop, self._clock, LOOK_S)

    def status(self) -> dict[str, Any]:
        return {"cameras": sorted(self._said)}

    async def look(self) -> None:
        """Tell what is new, and what was not said for a while."""
        now_ns, listened = self._clock.monotonic_ns(), self._listened()
        found = {camera.id: zones_of(camera) for camera in self._cameras() if camera.id in listened}
        self._said = {camera: said for camera, said in self._said.items() if camera in found}
        for camera, message in found.items():
            before = self._said.get(camera)
            if before is None or before[0] != message or now_ns - before[1] >= from_seconds(AGAIN_S):
                await self._bus.publish(subjects.zones(camera), message.model_dump_json().encode())
                self._said[camera] = message, now_ns
