"""A sensor whose stream looks as its view says: announced with the format, and made true in the pixels where need be.

Owns the choice between copying and transcoding, and the thread that transcodes. Sits between the sensor and the ingest,
so that nothing behind them ever gets a packet that is not masked.
"""

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from eyespot.contracts.lens import PLAIN, View
from eyespot.contracts.packet import StreamFormat, Unit
from eyespot.hal.sensors.contract import Sensor
from eyespot.media.hub import Hub

if TYPE_CHECKING:
    from eyespot.media.transcode import Transcoder

INTAKE_BYTES = 4 << 20
"""Packets that wait to be transcoded; beyond it the oldest go, up to a key frame."""


def viewed(sensor: Sensor, view: View, *, lossless: bool) -> Sensor:
    """``sensor`` as ``view`` wants it; itself when the view says nothing.

    Args:
        lossless: the sensor waits while transcoding falls behind, rather than lose packets.
    """
    if view == PLAIN:
        return sensor
    if not view.changes_pixels:
        return AnnouncedSensor(sensor, view)
    from eyespot.media.transcode import Transcoder  # codecs and numpy: only for who needs them

    return TranscodedSensor(sensor, Transcoder(view), lossless=lossless)


class AnnouncedSensor:
    """The packets of ``sensor`` untouched, ``view`` in their formats."""

    def __init__(self, sensor: Sensor, view: View) -> None:
        self._sensor = sensor
        self._view = view

    @property
    def name(self) -> str:
        return self._sensor.name

    def counters(self) -> dict[str, Any]:
        return self._sensor.counters()

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``hal.sensors.contract.Sensor``."""
        async with aclosing(cast(Any, self._sensor.units())) as units:
            async for unit in units:
                yield replace(unit, view=self._view) if isinstance(unit, StreamFormat) else unit


class TranscodedSensor:
    """The packets of ``sensor`` after ``transcoder``, which works in a thread of its own. Used once."""

    def __init__(self, sensor: Sensor, transcoder: "Transcoder", *, lossless: bool) -> None:
        self._sensor = sensor
        self._transcoder = transcoder
        self._intake = Hub(f"intake of {sensor.name}", gop_cache_bytes=0)
        self._reader = self._intake.reader("transcode", max_bytes=INTAKE_BYTES, lossless=lossless)

    @property
    def name(self) -> str:
        return self._sensor.name

    def counters(self) -> dict[str, Any]:
        """The sensor's, the transcoder's, and how many packets were lost because transcoding fell behind."""
        late = self._reader.stats()["dropped"]
        return {**self._sensor.counters(), **self._transcoder.counters(), "packets_late": late}

    async def units(self) -> AsyncGenerator[Unit, None]:
        """See ``hal.sensors.contract.Sensor``. Also raises ``UNAVAILABLE`` when the encoder fails."""
        loop, thread = asyncio.get_running_loop(), ThreadPoolExecutor(1, "transcode")
        feeding = asyncio.create_task(self._feed())
        try:
            async for unit in self._reader:
                for made in await loop.run_in_executor(thread, self._transcoder.take, unit):
                    yield made
            for made in await loop.run_in_executor(thread, self._transcoder.finish):
                yield made
            await feeding
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            thread.shutdown(wait=False)

    async def _feed(self) -> None:
        try:
            async with aclosing(cast(Any, self._sensor.units())) as units:
                async for unit in units:
                    await self._intake.publish_wait(unit)
        finally:
            self._intake.close()
