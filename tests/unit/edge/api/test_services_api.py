"""Services over HTTP: what an admin sees and changes, installing with consent; what a service says is not believed."""

import asyncio
import json
import logging
import os
import tarfile
from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import made_archives
import pytest
from api_stand import PASSWORD, Stand

from eyespot.bus import subjects
from eyespot.contracts.service_bus import ServiceState
from eyespot.edge.apps_dev.package import build
from eyespot.edge.frames.host import FramesHost
from eyespot.edge.services.engines.seccomp import MACHINES
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.launching import settings_of
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.media.packet_socket import PacketClient

MANIFEST = """
[service]
name = "counter"
version = "1.0.0"
title = "Counter"
summary = "Counts."
command = ["python3", "main.py"]
[[view]]
name = "door"
width_px = 160
height_px = 120
rate_hz = 0.01
[[view]]
name = "places"
form = "boxes"
[permissions]
read = ["tracks"]
emit = ["count"]
network = ["example.org:443"]
policy = ["workplace"]
[config]
type = "object"
[config.properties.limit]
type = "integer"
minimum = 1
default = 10
[config.properties.key]
type = "string"
format = "password"
[[control]]
verb = "reset"
title = "Start from nothing"
[control.input]
type = "object"
[control.input.properties.to]
type = "integer"
"""


def write(folder: Path, version: str = "1.0.0") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "service.toml").write_text(MANIFEST.replace("1.0.0", version))
    (folder / "main.py").write_text(f"print('{version}')\n")
    return folder


def packed(folder: Path) -> bytes:
    return build(folder, folder.parent).path.read_bytes()


@pytest.fixture
def installed(stand: Stand, tmp_path: Path) -> Installed:
    layout = stand.api.deps.layout
    made = Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: 1 << 40)
    made.install(write(tmp_path / "counter"), "front")
    return made


@pytest.fixture
async def frames(playing: Stand) -> AsyncIterator[FramesHost]:
    """The frames process's own work, on the stand's cameras."""
    host = FramesHost(
        PacketClient(playing.state / "run" / "packets.sock"), playing.bus, playing.clock, {"front": "main"}.get
    )
    await playing.bus.serve(subjects.control("frames"), host.answer)
    stop = asyncio.Event()
    running = asyncio.create_task(host.run(stop))
    yield host
    stop.set()
    await running


async def test_without_services_there_are_none_and_nothing_is_made(stand: Stand, owner: httpx.AsyncClient) -> None:
    assert (await owner.get("/services")).raise_for_status().json() == {"services": []}
    assert (await owner.get("/services/counter")).status_code == 404
    assert not stand.api.deps.layout.services_db.exists()


async def test_one_is_told_in_the_words_of_the_command_line(owner: httpx.AsyncClient, installed: Installed) -> None:
    (brief,) = (await owner.get("/services")).raise_for_status().json()["services"]
    assert (brief["name"], brief["title"], brief["cameras"], brief["state"]) == (
        "counter",
        "Counter",
        ["front"],
        "installed",
    )
    told = (await owner.get("/services/counter")).raise_for_status().json()
    assert told["see"][0] == "Of camera front: the whole picture, 160 × 120 pixels, 0.01 times a second."
    assert [(view["name"], view["has_pixels"]) for view in told["views"]] == [("door", True), ("places", False)]
    assert "example.org:443" in told["send"][1]
    assert [wish["value"] for wish in told["wishes"] if not wish["granted"]] == []
    assert (told["policy"], told["controls"][0]["verb"], told["way_back"]) == (["workplace"], "reset", None)
    assert told["image"] is None


async def test_it_is_stopped_started_put_back_and_removed(
    owner: httpx.AsyncClient, installed: Installed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    starts = installed.store.get("counter").starts
    assert (await owner.put("/services/counter/enabled", json={"enabled": False})).json()["enabled"] is False
    assert (await owner.put("/services/counter/enabled", json={"enabled": True})).json()["enabled"] is True
    assert installed.store.get("counter").starts > starts
    assert (await owner.post("/services/counter/rollback")).status_code == 409
    installed.install(write(tmp_path / "counter", "1.1.0"))
    back = (await owner.post("/services/counter/rollback")).raise_for_status().json()
    assert (back["version"], back["way_back"]) == ("1.0.0", "1.1.0")
    assert (await owner.delete("/services/counter")).status_code == 204
    assert installed.store.rows() == []
    for call in (
        "/services/counter",
        "/services/counter/settings",
        "/services/counter/logs",
        "/services/counter/state",
    ):
        assert (await owner.get(call)).status_code == 404
    audited = [record.message for record in caplog.records if record.message.startswith("audit: owner")]
    assert [words.split()[2] for words in audited[-4:]] == ["stopped", "started", "put", "removed"]


async def test_what_it_may_do_is_taken_back_and_never_more_than_it_asks_for(
    owner: httpx.AsyncClient, installed: Installed
) -> None:
    less = {"camera": "front", "views": ["door"], "emit": ["count"]}
    told = (await owner.put("/services/counter/granted", json={"granted": less})).raise_for_status().json()
    assert {wish["value"]: wish["granted"] for wish in told["wishes"]} == {
        "door": True, "places": False, "tracks": False, "count": True, "example.org:443": False
    }  # fmt: skip
    for more in ({**less, "read": ["events"]}, {**less, "camera": "nowhere"}, {}):
        assert (await owner.put("/services/counter/granted", json={"granted": more})).status_code == 400
    assert installed.store.get("counter").granted.views == ("door",)


async def test_settings_are_checked_kept_and_secrets_stay_secret(
    stand: Stand, owner: httpx.AsyncClient, installed: Installed
) -> None:
    layout = stand.api.deps.layout
    sent = {"settings": {"limit": 3, "key": "open sesame"}}
    answer = (await owner.put("/services/counter/settings", json=sent)).raise_for_status().json()
    assert answer["settings"] == {"limit": 3, "key": "***"}
    assert settings_of(layout, installed.check(installed.store.get("counter"))) == {"limit": 3, "key": "open sesame"}
    await owner.put("/services/counter/settings", json={"settings": {"key": "***"}})
    row = installed.store.get("counter")
    assert settings_of(layout, installed.check(row)) == {"limit": 10, "key": "open sesame"}
    assert "open sesame" not in repr(row)
    told = (await owner.get("/services/counter/settings")).json()
    assert told["in_force"] == {"limit": 10, "key": "***"}
    assert told["config_schema"]["properties"]["limit"]["minimum"] == 1
    refused = await owner.put("/services/counter/settings", json={"settings": {"limit": 0, "limmit": 1}})
    assert refused.status_code == 400
    assert "limit: must be at least 1" in refused.json()["error"]["what"]
    assert installed.store.get("counter") == row


async def test_live_state_is_the_last_that_makes_sense(
    stand: Stand, owner: httpx.AsyncClient, installed: Installed
) -> None:
    assert (await owner.get("/services/counter/state")).status_code == 404
    said = ServiceState(wall_ns=5, values={"people": 3}).model_dump_json().encode()
    for payload in (said, b'{"wall_ns": 6, "values": {"people": NaN}}', b"[", b'{"v": 2}', b"x" * 40_000):
        await stand.bus.publish(subjects.service_state("counter"), payload)
    await stand.until(lambda: stand.api.deps.services.states.latest("counter"))
    assert (await owner.get("/services/counter/state")).json() == {"wall_ns": 5, "values": {"people": 3}}
    assert (await owner.get("/services/counter")).json()["live"]["values"] == {"people": 3}


async def test_what_a_service_says_is_pushed_and_how_it_is_when_that_changed(
    stand: Stand, owner: httpx.AsyncClient, installed: Installed
) -> None:
    async def say(people: int) -> None:
        state = ServiceState(wall_ns=people, values={"people": people})
        await stand.bus.publish(subjects.service_state("counter"), state.model_dump_json().encode())

    async with stand.socket("/services/counter/live", owner) as socket:
        first = json.loads(await socket.recv())
        assert (first["type"], first["service"]["name"], first["service"]["live"]) == ("service", "counter", None)
        await say(1)
        assert json.loads(await socket.recv()) == {"type": "live", "live": {"wall_ns": 1, "values": {"people": 1}}}
        for people in range(2, 50):
            await say(people)
        heard = []
        while not heard or heard[-1] != 49:
            heard.append(json.loads(await socket.recv())["live"]["values"]["people"])
        assert len(heard) < 10, "what is replaced before anybody could read it is not sent"
        installed.store.note("counter", 5, "running", "")
        told = json.loads(await socket.recv())
        assert (told["type"], told["service"]["state"]) == ("service", "running")
        assert (await owner.delete("/services/counter")).status_code == 204
        assert json.loads(await socket.recv())["kind"] == "not_found"
        await socket.wait_closed()
        assert socket.close_code == 1008


async def test_only_an_admin_may_watch_a_service(stand: Stand, owner: httpx.AsyncClient, installed: Installed) -> None:
    phrase = "another long phrase"
    assert (await owner.post("/users", json={"name": "guest", "password": phrase})).status_code == 201
    async with stand.client(sign_in=False) as guest:
        await guest.post("/session", json={"username": "guest", "password": phrase})
        async with stand.socket("/services/counter/live", guest) as socket:
            assert json.loads(await socket.recv())["kind"] == "forbidden"


async def test_a_control_is_sent_and_no_answer_passes_for_the_cameras_own(
    stand: Stand, owner: httpx.AsyncClient, installed: Installed
) -> None:
    answers: list[Any] = [b'{"people": 0}', b"{NaN", b"NaN", b"1" * 300_000]
    answers += [EyespotError(Kind.INVALID, "Not now.", "Later."), EyespotError(Kind.UNAUTHENTICATED, "Who?"), b""]
    heard: list[Any] = []

    async def answer(request: bytes) -> bytes:
        heard.append(json.loads(request))
        found = answers[len(heard) - 1]
        if isinstance(found, EyespotError):
            raise found
        return bytes(found)

    async def sent(**values: Any) -> httpx.Response:
        return await owner.post("/services/counter/requests/reset", json={"input": values})

    assert (await sent()).status_code == 503, "it does not run"
    await stand.bus.serve(subjects.service_request("counter", "reset"), answer)
    assert (await sent(to=4)).raise_for_status().json() == {"answer": {"people": 0}}
    assert heard == [{"to": 4}]
    assert (await sent(to="x")).status_code == 400
    assert (await owner.post("/services/counter/requests/explode", json={})).status_code == 404
    assert len(heard) == 1, "neither got there"
    assert [(await sent()).status_code for _ in answers[1:]] == [503, 503, 503, 400, 503, 200]


async def test_logs_come_from_the_services_process(
    stand: Stand, owner: httpx.AsyncClient, installed: Installed
) -> None:
    assert (await owner.get("/services/counter/logs")).status_code == 503

    async def answer(request: bytes) -> bytes:
        return json.dumps({"lines": [f"of {json.loads(request)['logs']}"]}).encode()

    await stand.bus.serve(subjects.control("services"), answer)
    assert (await owner.get("/services/counter/logs")).json() == {"lines": ["of counter"]}


async def test_a_folder_that_was_altered_is_told_not_hidden(owner: httpx.AsyncClient, installed: Installed) -> None:
    folder = installed.check(installed.store.get("counter")).folder
    (folder / "main.py").chmod(0o644)
    (folder / "main.py").write_text("print('other')\n")
    told = (await owner.get("/services/counter")).raise_for_status().json()
    assert "was altered" in told["fault"]
    assert told["see"] == []


async def test_a_sample_is_what_the_service_would_get(playing: Stand, frames: FramesHost, tmp_path: Path) -> None:
    layout = playing.api.deps.layout
    Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: 1 << 40).install(
        write(tmp_path / "c"), "front"
    )
    async with playing.client() as owner:
        picture = (await owner.get("/services/counter/views/door/sample.jpg")).raise_for_status()
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content[:2] == b"\xff\xd8"
        sample = (await owner.get("/services/counter/views/door/sample")).raise_for_status().json()
        assert (sample["view"]["width_px"], sample["view"]["rate_hz"], sample["objects"]) == (160, 0.01, [])
        places = (await owner.get("/services/counter/views/places/sample")).raise_for_status().json()
        assert [one["label"] for one in places["objects"]] == ["person"]
        assert places["jpeg"] == ""
        assert (await owner.get("/services/counter/views/places/sample.jpg")).status_code == 409
        assert (await owner.get("/services/counter/views/roof/sample")).status_code == 404


async def test_where_no_sample_can_be_had_it_says_so(owner: httpx.AsyncClient, installed: Installed) -> None:
    answer = await owner.get("/services/counter/views/door/sample")
    assert answer.status_code == 503
    assert "No sample can be had now" in answer.json()["error"]["what"]


async def test_a_package_is_sent_looked_at_and_installed_with_less_than_it_asks_for(
    playing: Stand, frames: FramesHost, tmp_path: Path
) -> None:
    package = packed(write(tmp_path / "counter"))
    async with playing.client() as owner:
        sent = await owner.post("/service-uploads", content=package)
        assert sent.status_code == 201, sent.text
        told = sent.json()
        place = f"/service-uploads/{told['id']}"
        assert (told["name"], told["camera"], told["installed"], told["needs_camera"]) == (
            "counter",
            "front",
            None,
            True,
        )
        wished = {(wish["key"], wish["value"]): (wish["part"], wish["words"]) for wish in told["wishes"]}
        assert wished["views", "door"] == (
            "see",
            "Of camera front: the whole picture, 160 × 120 pixels, 0.01 times a second.",
        )
        assert wished["network", "example.org:443"][0] == "send"
        assert wished["read", "tracks"] == ("see", "The tracks of front.")
        assert not (playing.state / "services").exists(), "nothing was installed"
        yard = (await owner.get(place, params={"camera": "yard"})).json()
        assert "The tracks of yard." in {wish["words"] for wish in yard["wishes"]}
        sample = (await owner.get(f"{place}/views/door/sample")).raise_for_status().json()
        assert sample["jpeg"]
        granted = {"camera": "front", "views": ["door"], "emit": ["count"]}
        too_much = {**granted, "read": ["events"]}
        assert (await owner.post(f"{place}/install", json={"granted": too_much})).status_code == 400
        nowhere = {**granted, "camera": "nowhere"}
        assert (await owner.post(f"{place}/install", json={"granted": nowhere})).status_code == 400
        assert (await owner.post(f"{place}/install", json={"granted": {}})).status_code == 400
        made = await owner.post(f"{place}/install", json={"granted": granted})
        assert made.status_code == 201, made.text
        assert made.json()["see"] == ["Of camera front: the whole picture, 160 × 120 pixels, 0.01 times a second."]
        assert made.json()["granted"]["network"] == []
        assert (await owner.get(place)).status_code == 404, "a decision is made once"
        newer = (await owner.post("/service-uploads", content=packed(write(tmp_path / "counter", "1.1.0")))).json()
        assert newer["installed"] == "1.0.0"
        before = {wish["value"]: wish["granted"] for wish in newer["wishes"]}
        assert (before["door"], before["example.org:443"]) == (True, False)
        assert (await owner.delete(f"/service-uploads/{newer['id']}")).status_code == 204
        assert list((playing.state / "incoming").iterdir()) == []


async def test_an_image_is_sent_and_installed_in_the_same_two_steps(stand: Stand, owner: httpx.AsyncClient) -> None:
    image = made_archives.archive(arch=MACHINES[os.uname().machine][1])
    with tarfile.open(fileobj=BytesIO(image)) as tar:
        index = tar.extractfile("index.json")
        assert index is not None
        manifest = json.load(index)["manifests"][0]["digest"]
    sent = await owner.post("/service-uploads", content=image)
    assert sent.status_code == 201, sent.text
    assert (sent.json()["name"], sent.json()["host"]) == ("counter", "container"), "whatever its manifest says"
    place = f"/service-uploads/{sent.json()['id']}/install"
    refused = await owner.post(place, json={"granted": {"host": "process"}})
    assert (refused.status_code, "containers alone" in refused.text) == (400, True)
    told = (await owner.post(place, json={"granted": {}})).json()
    assert (told["host"], told["image"]) == ("container", manifest)
    assert len(list((stand.state / "service-images").iterdir())) == 1


async def test_what_is_no_package_is_refused_and_leaves_nothing(stand: Stand, owner: httpx.AsyncClient) -> None:
    tar = BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        link = tarfile.TarInfo("service.toml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    for body in (b"", b"PK\x03\x04" + b"0" * 600, tar.getvalue(), b"\0" * 1024):
        assert (await owner.post("/service-uploads", content=body)).status_code == 400, body[:8]
    assert list((stand.state / "incoming").iterdir()) == []


async def test_few_packages_wait_and_a_large_one_may(
    stand: Stand, owner: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "counter")
    (folder / "model.bin").write_bytes(b"\7" * (3 << 20))
    package = packed(folder)
    answers = [await owner.post("/service-uploads", content=package) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 201, 507]
    monkeypatch.setattr("eyespot.edge.api.service_uploads.MAX_PACKAGE_BYTES", 1 << 20)
    await owner.delete(f"/service-uploads/{answers[0].json()['id']}")
    assert (await owner.post("/service-uploads", content=package)).status_code == 413
    assert len(list((stand.state / "incoming").iterdir())) == 3


async def test_a_class_that_is_forbidden_is_not_installed(
    stand: Stand, owner: httpx.AsyncClient, tmp_path: Path
) -> None:
    stand.config.write_text(stand.config.read_text() + '\n[services]\nforbid = ["workplace"]\n')
    stand.api.deps.settings.reload()
    told = (await owner.post("/service-uploads", content=packed(write(tmp_path / "counter")))).json()
    assert "'workplace', which is forbidden" in told["forbidden"]
    refused = await owner.post(f"/service-uploads/{told['id']}/install", json={"granted": {"camera": "front"}})
    assert refused.status_code == 403


async def test_a_viewer_sees_no_services(
    stand: Stand, owner: httpx.AsyncClient, anyone: httpx.AsyncClient, installed: Installed
) -> None:
    await owner.post("/users", json={"name": "guest", "password": PASSWORD, "role": "viewer"})
    csrf = (await anyone.post("/session", json={"username": "guest", "password": PASSWORD})).json()["csrf"]
    anyone.headers["X-CSRF-Token"] = csrf
    for path in ("/services", "/services/counter", "/services/counter/settings", "/services/counter/views/door/sample"):
        assert (await anyone.get(path)).status_code == 403
    assert (await anyone.post("/service-uploads", content=b"x")).status_code == 403


async def test_a_service_that_came_with_the_camera_is_looked_at_and_installed_with_less(
    stand: Stand, owner: httpx.AsyncClient
) -> None:
    listed = (await owner.get("/built-in-services")).raise_for_status().json()["services"]
    assert {one["name"]: one["installed"] for one in listed} == {"direction": None, "hotspots": None, "occupancy": None}
    assert all(one["title"] and one["summary"] for one in listed)
    offer = (await owner.post("/built-in-services/occupancy/upload?camera=yard")).raise_for_status().json()
    assert (offer["name"], offer["installed"], offer["camera"]) == ("occupancy", None, "yard")
    assert "The tracks of yard." in [wish["words"] for wish in offer["wishes"]]
    assert not stand.api.deps.layout.services_db.exists() or (await owner.get("/services")).json()["services"] == []
    made = await owner.post(
        f"/service-uploads/{offer['id']}/install", json={"granted": {"camera": "yard", "read": ["tracks"]}}
    )
    assert made.raise_for_status().json()["granted"]["emit"] == []
    row = ServiceStore(stand.api.deps.layout.services_db).get("occupancy")
    assert row.origin == "builtin"
    again = (await owner.get("/built-in-services")).json()["services"]
    assert {one["name"]: one["installed"] for one in again}["occupancy"] == row.version
    assert (await owner.post("/built-in-services/nothing/upload")).status_code == 404
