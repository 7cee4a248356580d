"""Sensors behind a view: copied where nothing changes, transcoded where it does, and their troubles passed on."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from eyespot.contracts.lens import PLAIN, LensGeometry, View
from eyespot.contracts.packet import Packet, StreamFormat, Unit
from eyespot.kernel.clock import NS_PER_S
from eyespot.kernel.errors import EyespotError, unavailable
from eyespot.media.viewed_sensor import INTAKE_BYTES, viewed
from eyespot.testing.synthetic_camera import SceneSettings, SyntheticScene, encode_scene

MASKED = View(masks=(((0.25, 0.25), (0.5, 0.25), (0.5, 0.75), (0.25, 0.75)),))
FISHEYE = View(lens=LensGeometry("equidistant", 0.3, 0.3))


class Played:
    """A sensor that yields what it was given, and then ends or breaks off."""

    name = "played"

    def __init__(self, units: Sequence[Unit], error: EyespotError | None = None) -> None:
        self._units, self._error = units, error
        self.closed = False

    def counters(self) -> dict[str, Any]:
        return {"corrupt": 3}

    async def units(self) -> AsyncGenerator[Unit, None]:
        try:
            for unit in self._units:
                yield unit
            if self._error is not None:
                raise self._error
        finally:
            self.closed = True


@pytest.fixture(scope="module")
def units() -> list[Unit]:
    stream, packets = encode_scene(SyntheticScene(SceneSettings(width_px=64, height_px=64, fps=10)), 20)
    return [stream, *packets]


async def all_of(sensor: Any) -> list[Unit]:
    return [unit async for unit in sensor.units()]


def test_a_plain_view_costs_nothing(units: list[Unit]) -> None:
    sensor = Played(units)
    assert viewed(sensor, PLAIN, lossless=True) is sensor


async def test_a_lens_alone_is_announced_and_packets_stay_untouched(units: list[Unit]) -> None:
    sensor = viewed(Played(units), FISHEYE, lossless=True)
    stream, *packets = await all_of(sensor)
    assert stream == replace(units[0], view=FISHEYE)  # type: ignore[type-var] # the first unit is a format
    assert all(one is other for one, other in zip(packets, units[1:], strict=True))
    assert sensor.counters() == {"corrupt": 3}


async def test_masks_make_every_packet_anew(units: list[Unit]) -> None:
    sensor = viewed(Played(units), MASKED, lossless=True)
    stream, *packets = await all_of(sensor)
    assert isinstance(stream, StreamFormat)
    assert stream.view == MASKED
    sent = {unit.data for unit in units if isinstance(unit, Packet)}
    assert len(packets) == 20
    assert not any(isinstance(one, StreamFormat) or one.data in sent for one in packets)
    assert sensor.counters() == {"corrupt": 3, "pictures_made": 20, "packets_withheld": 0, "packets_late": 0}


async def test_what_ends_the_sensor_is_raised_after_its_last_picture(units: list[Unit]) -> None:
    sensor = viewed(Played(units, unavailable("The camera broke off.")), MASKED, lossless=True)
    got: list[Unit] = []

    async def read() -> None:
        async for unit in sensor.units():
            got.append(unit)

    with pytest.raises(EyespotError, match="broke off"):
        await read()
    assert len(got) == 21


async def test_a_reader_that_leaves_ends_the_sensor(units: list[Unit]) -> None:
    played = Played(units)
    stream: Any = viewed(played, MASKED, lossless=False).units()
    await anext(stream)
    await stream.aclose()
    assert played.closed


async def test_a_live_camera_that_is_too_fast_loses_whole_gops(units: list[Unit]) -> None:
    stream, *packets = units
    assert all(isinstance(one, Packet) for one in packets)
    filler = b"\x00\x10\x00\x00\x0c" + bytes((1 << 20) - 1)  # a filler NAL unit: weight without a picture
    count = 4 * INTAKE_BYTES // len(filler)
    heavy = [
        replace(one, capture_ns=n * NS_PER_S, decode_ns=n * NS_PER_S, is_key=True, data=packets[0].data + filler)
        for n, one in enumerate([packets[0]] * count)
        if isinstance(one, Packet)
    ]

    class Burst(Played):
        async def units(self) -> AsyncGenerator[Unit, None]:
            async for unit in super().units():
                yield unit
            await asyncio.sleep(0)

    sensor = viewed(Burst([stream, *heavy]), MASKED, lossless=False)
    made = [unit for unit in await all_of(sensor) if isinstance(unit, Packet)]
    late = sensor.counters()["packets_late"]
    assert late > 0
    assert len(made) == count - late
    assert made[-1].capture_ns == heavy[-1].capture_ns
