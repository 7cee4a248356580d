"""Zones are told to the cameras' listeners when they change and again now and then; masks are nobody's business."""

import asyncio
from typing import Any

import pytest

from eyespot.bus import access, subjects
from eyespot.bus.contract import MAX_PAYLOAD_BYTES
from eyespot.contracts.service_access import ServiceUser
from eyespot.contracts.zones import ZonesMessage
from eyespot.edge.config import CameraSettings
from eyespot.edge.services.zone_news import AGAIN_S, ZoneNews, zones_of
from eyespot.testing.memory_bus import MemoryBus
from eyespot.testing.sim_clock import SimClock

AREA = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0)]


def camera(name: str, *zones: str) -> CameraSettings:
    drawn: dict[str, Any] = {
        "id": name, "stream": [{"source": "synthetic:"}], "zone": [{"name": zone, "points": AREA} for zone in zones],
        "line": [{"name": "gate", "a": (0.1, 0.2), "b": (0.3, 0.4)}], "mask": [{"name": "window", "points": AREA}],
    }  # fmt: skip
    return CameraSettings.model_validate(drawn)


def test_a_camera_tells_zones_and_lines_and_no_mask() -> None:
    told = zones_of(camera("front", "lawn"))
    assert [(zone.name, zone.kind) for zone in told.zones] == [("lawn", "zone"), ("gate", "line")]
    assert told.zones[1].points == ((0.1, 0.2), (0.3, 0.4))


def test_as_many_corners_as_there_can_be_fit_into_a_message() -> None:
    points = [(1 / 3 + number / 1000, 2 / 3 - number / 1000) for number in range(64)]
    zones = [{"name": f"{number:0>64}", "points": points} for number in range(64)]
    full = CameraSettings.model_validate({"id": "front", "stream": [{"source": "synthetic:"}], "zone": zones})
    assert len(zones_of(full).model_dump_json()) < MAX_PAYLOAD_BYTES / 2


async def test_what_is_new_is_said_at_once_and_what_is_not_now_and_then() -> None:
    bus, clock, listened = MemoryBus(), SimClock(), {"front"}
    cameras = [camera("front", "lawn"), camera("yard", "shed")]
    heard: list[ZonesMessage] = []
    subscription = bus.subscribe(subjects.zones(subjects.EVERY))

    async def hear() -> None:
        async for message in subscription:
            heard.append(ZonesMessage.model_validate_json(message.data))

    hearing = asyncio.create_task(hear())
    await asyncio.sleep(0)
    news = ZoneNews(bus, clock, lambda: cameras, lambda: listened)
    await news.look()
    await news.look()
    cameras[0] = camera("front", "lawn", "path")
    await news.look()
    await clock.advance(AGAIN_S)
    await news.look()
    listened.add("yard")
    await news.look()
    listened.clear()
    await news.look()
    await asyncio.sleep(0)
    assert [(one.camera, len(one.zones)) for one in heard] == [("front", 2), ("front", 3), ("front", 3), ("yard", 2)]
    hearing.cancel()
    await bus.close()


@pytest.mark.parametrize("read", [(), ("zones",)])
def test_only_who_was_granted_them_hears_them_and_no_service_says_them(read: tuple[Any, ...]) -> None:
    user = ServiceUser(name="one", public_key="U" + "A" * 55, cameras=("front",), read=read)
    said, heard = access.service_permissions(user)
    assert (subjects.zones("front") in heard) == bool(read)
    assert subjects.zones("front") not in said
