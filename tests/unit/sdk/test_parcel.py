"""The example that watches for things left behind: by itself over a simulated while, and in a process of its own."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from frames_rig import running
from service_rig import hosting, until

from eyespot.contracts.ring_slot import Stamp
from eyespot.contracts.service import read_manifest
from eyespot.contracts.service_bus import ServiceEvent
from eyespot.contracts.settings_schema import defaults
from eyespot.contracts.track import Track, TracksMessage
from eyespot.kernel.clock import NS_PER_S, SystemClock
from eyespot.sdk.ring_reader import RingFrame
from eyespot.sdk.run import load
from eyespot.sdk.values import Values

CODE = Path(__file__).parents[3] / "examples" / "apps" / "parcel-left-behind"
PARCEL = Track(id=3, label="suitcase", score=0.9, box=(0.5, 0.5, 0.6, 0.7))
PERSON = Track(id=4, label="person", score=0.9, box=(0.45, 0.3, 0.55, 0.8))


class Notes:
    """A link that keeps what is said."""

    name, cameras, emits = "parcel-left-behind", ("yard",), ("left",)
    scratch, clock = Path(), SystemClock()

    def __init__(self, **settings: Any) -> None:
        self.settings = Values({**defaults(read_manifest(CODE).config), **settings})
        self.events: list[ServiceEvent] = []

    def say_event(self, event: ServiceEvent) -> None:
        self.events.append(event)

    def say_state(self, values: dict[str, Any]) -> None:
        self.last = values

    @property
    def moment_wall_ns(self) -> int:
        return self.clock.wall_ns()

    async def infer(self, package: str, image: Any) -> Any:
        raise AssertionError("it has no model")


class Scene:
    """Half a second a step; the place of the parcel is bright while ``there``."""

    def __init__(self, **settings: Any) -> None:
        self.notes = Notes(**settings)
        self.parcel: Any = load("parcel:Parcel", CODE)()
        self.parcel._link = self.notes
        self.parcel.on_start()
        self.steps = 0

    def play(self, seconds: int, *tracks: Track, there: bool = True) -> None:
        for _ in range(seconds * 2):
            self.steps += 1
            now_ns = self.steps * NS_PER_S // 2
            pixels = np.full((180, 320), 40, np.uint8)
            if there:
                pixels[90:126, 160:192] = 200
            self.parcel.on_tracks(TracksMessage(camera="yard", capture_ns=now_ns, wall_ns=now_ns, tracks=tracks))
            self.parcel.on_frame("scene", RingFrame(self.steps, Stamp(now_ns, now_ns), (), pixels, now_ns))


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])


def test_a_thing_that_stays_is_told_once_and_ends_when_it_is_taken() -> None:
    scene = Scene()
    scene.play(29, PARCEL)
    assert scene.notes.events == []
    scene.play(60, PARCEL)
    scene.play(10, there=False)
    first, last = scene.notes.events
    assert (first.id, first.end_wall_ns) == (last.id, None)
    assert (first.kind, first.track, first.detail) == ("left", 3, {"label": "suitcase"})
    assert first.best_box == pytest.approx((0.5, 0.5, 0.6, 0.7))
    assert last.end_wall_ns == (89 * 2 + 1) * NS_PER_S // 2
    assert scene.notes.last == {"watched": 0, "left": 0}


def test_with_somebody_near_it_is_not_left() -> None:
    scene = Scene()
    scene.play(100, PARCEL, PERSON)
    assert scene.notes.events == []
    scene.play(29, PARCEL)
    assert scene.notes.events == []
    scene.play(2, PARCEL)
    assert len(scene.notes.events) == 1


def test_the_picture_counts_while_its_track_is_lost_or_new() -> None:
    scene = Scene()
    scene.play(10, PARCEL)
    scene.play(10)
    scene.play(15, PARCEL.model_copy(update={"id": 9}))
    assert [one.track for one in scene.notes.events] == [3]


def test_what_does_not_count_is_left_alone() -> None:
    scene = Scene(labels=["backpack"])
    scene.play(100, PARCEL)
    assert scene.notes.events == []


async def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    view = read_manifest(CODE).view[0].model_dump(exclude_unset=True)
    async with hosting(tmp_path) as host, running(tmp_path) as rig:
        rig.folder = host.run
        rig.grant({**view, "rate_hz": 25.0}, service="frames")
        rig.begin(200)
        settings = {**defaults(read_manifest(CODE).config), "after_s": 1, "change": 255}
        child = await host.start(CODE, "parcel-left-behind", "parcel:Parcel", **settings)
        await until(lambda: rig.hub.status()["readers"] and host.said("beat"))
        tracks = TracksMessage(camera="yard", capture_ns=1, wall_ns=1, tracks=(PARCEL,))
        await host.client.publish("eyespot.tracks.yard", tracks.model_dump_json().encode())
        await host.client.flush()
        await rig.play(150)
        await until(lambda: host.said("event"))
        assert ServiceEvent.model_validate(host.said("event")[0]).detail == {"label": "suitcase"}
        child.terminate()
        assert await child.wait() == 0
