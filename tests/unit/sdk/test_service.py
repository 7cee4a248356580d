"""A service in a process of its own: frames, tracks, requests, settings, events, beats, and a bus that comes back."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from frames_rig import running
from service_rig import Host, hosting, until

from eyespot.contracts.service import read_manifest
from eyespot.contracts.service_bus import Beat, ServiceEvent
from eyespot.contracts.track import Track, TracksMessage
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.kernel.errors import EyespotError
from eyespot.sdk import Service
from eyespot.sdk.values import Values

APPS = Path(__file__).parents[3] / "examples" / "apps"
COUNTER, LOGGER = APPS / "people-counter", APPS / "track-logger"
MANIFEST = """
[service]
name = "looker"
version = "1.0.0"
title = "Looker"
python = "looker:Looker"
[[view]]
name = "door"
pixels = "grey"
width_px = 64
height_px = 48
rate_hz = 60.0
[permissions]
emit = ["saw"]
[config]
type = "object"
[config.properties.least]
type = "integer"
default = 3
"""
CODE = """
from eyespot.kernel.errors import invalid
from eyespot.sdk import Service

class Looker(Service):
    verbs = ("size", "refuse")

    async def on_start(self):
        (self.scratch / "kept").write_text("yes")

    def on_frame(self, view, frame):
        self.shape = frame.pixels.shape
        if frame.seq == 1:
            raise RuntimeError("survived")
        self.emit("saw", view=view, shape=list(self.shape), brightest=int(frame.pixels.max()))

    def on_config(self, settings):
        self.state(least=settings.least)

    async def on_request(self, verb, body):
        if verb == "refuse":
            raise invalid("Not today.", "Ask tomorrow.")
        return {"least": self.settings.least, "body": body}

    def on_stop(self):
        self.state(ended=True)
"""


def looker(folder: Path) -> Path:
    code = folder / "looker"
    code.mkdir()
    (code / "service.toml").write_text(MANIFEST)
    (code / "looker.py").write_text(CODE)
    return code


async def test_a_service_sees_frames_and_says_events(tmp_path: Path) -> None:
    async with hosting(tmp_path) as host, running(tmp_path) as rig:
        view = {"name": "door", "pixels": "grey", "width_px": 64, "height_px": 48, "rate_hz": 60}
        rig.folder = host.run
        rig.grant(view, service="frames")
        rig.begin(100)
        child = await host.start(looker(tmp_path), "looker", "looker:Looker", least=3)
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(40)
        await until(lambda: host.said("event"))
        event = ServiceEvent.model_validate(host.said("event")[0])
        assert (event.kind, event.camera) == ("saw", "yard")
        assert event.detail["view"] == "door"
        assert event.detail["shape"] == [48, 64]
        assert event.detail["brightest"] > 50, "it is a picture, not nothing"
        await until(lambda: [beat for beat in host.said("beat") if beat["frames"]["door"]])
        child.terminate()
        assert await child.wait() == 0
        await until(lambda: host.said("state"))
        assert host.said("state")[-1]["values"] == {"ended": True}
        assert (host.scratch / "kept").read_text() == "yes"


async def test_a_service_answers_takes_settings_and_can_be_found(tmp_path: Path) -> None:
    async with hosting(tmp_path) as host:
        child = await host.start(looker(tmp_path), "looker", "looker:Looker", least=3)
        await until(lambda: host.said("beat"))
        base = "eyespot.service.looker"
        answer = await host.client.request(f"{base}.request.size", b'{"a": 1}', timeout=20)
        assert json.loads(answer.data) == {"least": 3, "body": {"a": 1}}
        refusal = await host.client.request(f"{base}.request.refuse", b"", timeout=20)
        assert json.loads(refusal.data)["todo"] == "Ask tomorrow."
        await host.client.publish(f"{base}.config", b'{"least": "many"}')
        await host.client.publish(f"{base}.config", b'{"least": 7}')
        await until(lambda: host.said("state"))
        assert [said["values"] for said in host.said("state")] == [{"least": 7}], "what breaks the schema is not taken"
        found = await host.client.request("$SRV.INFO.looker", b"", timeout=20)
        subjects = [one["subject"] for one in json.loads(found.data)["endpoints"]]
        assert subjects == [f"{base}.request.size", f"{base}.request.refuse"]
        child.terminate()
        assert await child.wait() == 0


ZONES = """
from eyespot.sdk import Service

class Watcher(Service):
    def on_start(self):
        self.say()

    def on_zones(self, camera, zones):
        self.say()

    def say(self):
        told = {camera: [[one.name, one.kind, one.points] for one in zones] for camera, zones in self.zones.items()}
        self.state(**told)
"""


async def test_a_service_knows_its_cameras_zones_and_hears_when_they_are_drawn_anew(tmp_path: Path) -> None:
    code = looker(tmp_path)
    manifest = MANIFEST.split("[[view]]")[0] + '[permissions]\nread = ["zones"]\n'
    (code / "service.toml").write_text(manifest)
    (code / "looker.py").write_text(ZONES)
    lawn = {"name": "lawn", "kind": "zone", "points": [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]]}
    gate = {"name": "gate", "kind": "line", "points": [[0.25, 0.5], [0.75, 0.5]]}
    async with hosting(tmp_path) as host:
        host.zones = [{"camera": "yard", "zones": [lawn]}]
        child = await host.start(code, "looker", "looker:Watcher")
        await until(lambda: host.said("beat") and host.said("state"))
        for zones in ([lawn], [lawn, gate], [lawn, gate]):
            await host.client.publish("eyespot.zones.yard", json.dumps({"camera": "yard", "zones": zones}).encode())
        await host.client.publish("eyespot.zones.attic", b'{"camera": "attic", "zones": []}')
        await until(lambda: len(host.said("state")) >= 2)
        known = [[zone[key] for key in ("name", "kind", "points")] for zone in (lawn, gate)]
        assert [said["values"] for said in host.said("state")][:2] == [{"yard": known[:1]}, {"yard": known}]
        child.terminate()
        assert await child.wait() == 0


def walking(x: float, wall_ns: int) -> bytes:
    person = Track(id=5, label="person", score=0.9, box=(x - 0.05, 0.3, x + 0.05, 0.8))
    dog = Track(id=6, label="dog", score=0.9, box=(x - 0.05, 0.3, x + 0.05, 0.8))
    return (
        TracksMessage(camera="yard", capture_ns=wall_ns, wall_ns=wall_ns, tracks=(person, dog))
        .model_dump_json()
        .encode()
    )


async def walk(host: Host, *places: float) -> None:
    for place in places:
        await host.client.publish("eyespot.tracks.yard", walking(place, 1_000))
    await host.client.flush()


async def test_the_people_counter_counts_and_lives_on_when_the_bus_is_started_again(tmp_path: Path) -> None:
    async with hosting(tmp_path) as host:
        line = {"x1": 0.5, "y1": 1.0, "x2": 0.5, "y2": 0.0}
        child = await host.start(COUNTER, "people-counter", "counter:Counter", **line)
        await until(lambda: host.said("state"))
        await walk(host, 0.3, 0.45, 0.55, 0.7)
        await until(lambda: host.said("event"))
        host.restart()
        beats = len(host.said("beat"))
        await until(lambda: len(host.said("beat")) > beats)
        await walk(host, 0.6, 0.4)
        await until(lambda: len(host.said("event")) > 1)
        told = [(one["track"], one["detail"]) for one in host.said("event")]
        assert told == [(5, {"way": "in", "in": 1, "out": 0}), (5, {"way": "out", "in": 1, "out": 1})]
        assert Beat.model_validate(host.said("beat")[-1]).errors == 0
        child.terminate()
        assert await child.wait() == 0


WAITER = """
import asyncio
from eyespot.sdk import Service
class Looker(Service):
    verbs = ("size",)
    async def on_request(self, verb, body):
        await asyncio.Event().wait()
"""


async def test_a_handler_that_waits_for_ever_is_told_by_the_beat(tmp_path: Path) -> None:
    code = looker(tmp_path)
    (code / "looker.py").write_text(WAITER)
    async with hosting(tmp_path) as host:
        child = await host.start(code, "looker", "looker:Looker")
        await until(lambda: host.said("beat"))
        assert host.said("beat")[0]["busy_s"] == 0
        await host.client.publish("eyespot.service.looker.request.size", b"1", reply="nowhere")
        await until(lambda: host.said("beat")[-1]["busy_s"] > 2)
        child.kill()
        await child.wait()


async def test_a_new_service_works_as_it_is(tmp_path: Path) -> None:
    code = scaffold("fresh", tmp_path)
    view = read_manifest(code).view[0].model_dump(exclude_unset=True)
    async with hosting(tmp_path) as host, running(tmp_path) as rig:
        rig.folder = host.run
        rig.grant(view, service="frames")
        rig.begin(100)
        child = await host.start(code, "fresh", "app:App", dark_below=254)
        await until(lambda: rig.hub.status()["readers"])
        await rig.play(60)
        await until(lambda: host.said("event") and host.said("state"))
        assert (host.said("event")[0]["kind"], host.said("event")[0]["end_wall_ns"]) == ("dark", None)
        assert 0 < host.said("state")[0]["values"]["brightness"] < 254
        child.terminate()
        assert await child.wait() == 0


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
async def test_a_service_in_node_without_any_library(tmp_path: Path) -> None:
    async with hosting(tmp_path) as host:
        child = await host.start(LOGGER, "track-logger", "node main.mjs")
        await until(lambda: host.said("beat"))
        await walk(host, 0.3, 0.45)
        await until(lambda: len(host.said("event")) > 1)
        host.restart()
        beats = len(host.said("beat"))
        await until(lambda: len(host.said("beat")) > beats)
        await host.client.publish("eyespot.tracks.yard", b"not JSON")
        await walk(host, 0.5)
        await until(lambda: Beat.model_validate(host.said("beat")[-1]).errors)
        events = [ServiceEvent.model_validate(one) for one in host.said("event")]
        assert [(one.kind, one.track, one.detail) for one in events] == [
            ("seen", 5, {"label": "person"}), ("seen", 6, {"label": "dog"}),
        ]  # fmt: skip
        assert Beat.model_validate(host.said("beat")[-1]).events == 2
        child.terminate()
        assert await child.wait() == 0


def test_the_people_counter_is_about_thirty_lines() -> None:
    lines = (COUNTER / "counter.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 30
    assert read_manifest(COUNTER).service.python == "counter:Counter"


@pytest.mark.parametrize("module", ["eyespot.sdk", "eyespot.sdk.run", "eyespot.sdk.runtime"])
def test_a_service_without_frames_loads_nothing_heavy(module: str) -> None:
    heavy = "('numpy', 'av', 'openvino', 'onnxruntime', 'cv2', 'fastapi', 'aiohttp')"
    look = f"import sys, {module}; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("target", ["nothing:Counter", "counter:Nothing", "json:JSONDecoder"])
def test_a_wrong_target_is_told(target: str, tmp_path: Path) -> None:
    told: dict[str, Any] = {"v": 1, "name": "people-counter", "version": "1.0.0", "instance": "one"}
    (tmp_path / "service.json").write_text(json.dumps(told))
    command = [sys.executable, "-m", "eyespot.sdk.run", target]
    env = {**os.environ, "EYESPOT_RUN": str(tmp_path)}
    done = subprocess.run(command, cwd=COUNTER, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "service.toml" in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_are_attributes_and_read_only() -> None:
    settings = Values({"line": {"x": 1}, "names": ["a"]})
    assert (settings.line.x, settings["names"]) == (1, ("a",))
    with pytest.raises(AttributeError, match="There are: line, names"):
        _ = settings.colour
    with pytest.raises(AttributeError):
        settings.line = 2


def test_a_service_that_does_not_run_says_so() -> None:
    with pytest.raises(EyespotError, match="on_start"):
        Service().emit("count")
