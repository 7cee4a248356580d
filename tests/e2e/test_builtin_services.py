"""Built-in services on a whole host: confined and inside of the platform they tell the same of the same footage."""

import asyncio
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from eyespot.bus import subjects
from eyespot.bus.nats import NatsBus, connect
from eyespot.contracts.event import Event
from eyespot.contracts.service import Host as Where
from eyespot.contracts.track import TracksMessage
from eyespot.edge.services.builtin import built_in

from .service_host import Host

pytestmark = [
    pytest.mark.slow,
    pytest.mark.footage,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
MIDDLE = {"name": "middle", "points": [[0.3, 0.2], [0.7, 0.2], [0.7, 0.9], [0.3, 0.9]]}
SETTINGS: dict[str, dict[str, Any]] = {
    "occupancy": {"regions": [MIDDLE], "limits": [{"place": "middle", "more_than": 3}, {"more_than": 9}]},
    "hotspots": {},
    "direction": {"regions": [MIDDLE]},
}
CHUNK = 25
"""Messages that are sent before it is waited for that all were heard: nothing is lost in any queue."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()


async def play(host: Host, messages: Sequence[TracksMessage]) -> None:
    """Say ``messages`` as vision would, a few at a time, each few once every service has heard those before."""
    vision, api = await connect(host.layout.run_dir, "vision"), await connect(host.layout.run_dir, "api")
    try:
        for begin in range(0, len(messages), CHUNK):
            chunk = messages[begin : begin + CHUNK]
            for message in chunk:
                await vision.publish(subjects.tracks("front"), message.model_dump_json().encode())
            for name in SETTINGS:
                while await heard_until(api, name) < chunk[-1].wall_ns:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.02)
    finally:
        await vision.close()
        await api.close()


async def heard_until(api: NatsBus, name: str) -> int:
    answer = json.loads(await api.request(subjects.service_request(name, "now"), b"", 20.0))
    return int(answer["wall_ns"])


def told(host: Host, messages: Sequence[TracksMessage], where: Where) -> tuple[list[tuple[Any, ...]], Any]:
    """Events of ``messages`` and their map when the services run ``where``; they are removed again."""
    before = {event.id for event in host.events()}
    for name, settings in SETTINGS.items():
        host.installed.install(built_in()[name], "front", settings=settings, host=where)
    for name in SETTINGS:
        host.until(lambda name=name: host.state_of(name) == "running" or None)  # type: ignore[misc]  # bound at once
    asyncio.run(play(host, messages))
    heat = asyncio.run(map_of(host))
    for name in SETTINGS:
        status = host.status()[name]
        assert (status["deaths"], status["beat"]["errors"]) == (0, 0)
        assert bool(status["enforced"]) == (where == "process")
        host.installed.remove(name)
    host.until(lambda: host.child("eyespot.edge.services") is None or None)
    found = [event for event in host.events() if event.kind == "service" and event.id not in before]
    return sorted(facts(event) for event in found), heat


async def map_of(host: Host) -> Any:
    api = await connect(host.layout.run_dir, "api")
    try:
        return json.loads(await api.request(subjects.service_request("hotspots", "map"), b"{}", 20.0))
    finally:
        await api.close()


def facts(event: Event) -> tuple[Any, ...]:
    """All of an event but its id."""
    return event.label, event.zone, event.start_wall_ns, event.end_wall_ns, event.track or 0, json.dumps(event.detail)


def test_inside_and_confined_they_tell_the_same(host: Host, sample_tracks: list[TracksMessage]) -> None:
    host.until(lambda: host.recorded_bytes() or None)
    (confined, heat), (inside, heat_inside) = told(host, sample_tracks, "process"), told(host, sample_tracks, "inline")
    assert confined == inside
    assert heat == heat_inside
    assert heat["total_s"] > 300
    assert {label for label, *_ in confined} == {"occupancy.over-limit", "direction.heading-for"}
    assert all(end is not None for _, _, _, end, *_ in confined)
