"""Config, rules and status over HTTP."""

import tomllib

import httpx
import pytest
from api_stand import Stand

from eyespot.bus import subjects

ZONE = {"name": "porch", "points": [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]], "loiter_s": 20}
MASK = {"name": "window", "points": [[0.1, 0.1], [0.4, 0.1], [0.4, 0.3]]}
LINE = {"name": "gate", "a": [0.2, 0.5], "b": [0.8, 0.5], "labels": ["person"]}


async def test_secrets_are_masked_and_kept(stand: Stand, owner: httpx.AsyncClient) -> None:
    before = (await owner.get("/config")).json()
    assert "secret" not in str(before)
    document = before["document"]
    document["host"]["name"] = "renamed"
    answer = await owner.put("/config", json={"document": document, "etag": before["etag"]})
    assert answer.status_code == 200, answer.text
    text = stand.config.read_text()
    assert "rtsp://user:secret@192.0.2.10/one" in text
    assert "# the door" in text, "comments stay"
    assert (await owner.get("/status")).json()["host"] == "renamed"
    assert subjects.config_changed() in [message.subject for message in stand.bus.published]
    stale = await owner.put("/config", json={"document": document, "etag": before["etag"]})
    assert stale.status_code == 409


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("web", {"prot": 80}, "web.prot"),
        ("web", {"port": 99_999}, "web.port"),
        ("camera", [{"id": "UPPER", "stream": [{"source": "x"}]}], "UPPER"),
        ("camera", [{"id": "a"}], "stream"),
        ("camera", "nothing", "camera"),
        ("nonsense", 1, "nonsense"),
    ],
)
async def test_a_bad_config_is_refused_with_the_place(
    stand: Stand, owner: httpx.AsyncClient, path: str, value: object, said: str
) -> None:
    before, text = (await owner.get("/config")).json(), stand.config.read_text()
    document = {**before["document"], path: value}
    answer = await owner.put("/config", json={"document": document, "etag": before["etag"]})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["what"]
    assert stand.config.read_text() == text


async def test_the_schema_describes_every_key(owner: httpx.AsyncClient) -> None:
    schema = (await owner.get("/config/schema")).json()
    assert {"host", "web", "camera", "storage"} <= set(schema["properties"])
    assert schema["$defs"]["WebSettings"]["properties"]["bind"]["description"]


async def test_rules_are_written_to_the_file_and_said_on_the_bus(stand: Stand, owner: httpx.AsyncClient) -> None:
    assert (await owner.get("/cameras/front/rules")).json() == {"zones": [], "lines": [], "masks": []}
    answer = await owner.put("/cameras/front/rules", json={"zones": [ZONE], "lines": [LINE]})
    assert answer.status_code == 200, answer.text
    rules = (await owner.get("/cameras/front/rules")).json()
    assert rules["zones"][0]["points"] == ZONE["points"]
    assert rules["lines"][0]["labels"] == ["person"]
    assert "# the door" in stand.config.read_text()
    assert "secret@" in stand.config.read_text()
    assert subjects.config_changed() in [message.subject for message in stand.bus.published]
    nothing = {"zones": [], "lines": [], "masks": []}
    assert (await owner.get("/cameras/yard/rules")).json() == nothing
    assert (await owner.put("/cameras/front/rules", json={})).json() == nothing


async def test_masks_stay_until_they_are_sent_otherwise(stand: Stand, owner: httpx.AsyncClient) -> None:
    answer = await owner.put("/cameras/front/rules", json={"masks": [MASK, {**MASK, "name": "door"}]})
    assert answer.status_code == 200, answer.text
    assert tomllib.loads(stand.config.read_text())["camera"][0]["mask"] == [MASK, {**MASK, "name": "door"}]
    for unaware in ({"zones": [ZONE]}, {"lines": [LINE], "masks": None}):
        rules = (await owner.put("/cameras/front/rules", json=unaware)).json()
        assert [mask["name"] for mask in rules["masks"]] == ["window", "door"]
    assert (await owner.get("/cameras/front/rules")).json()["masks"][0] == MASK
    assert (await owner.put("/cameras/front/rules", json={"masks": []})).json()["masks"] == []
    assert "mask" not in tomllib.loads(stand.config.read_text())["camera"][0]


@pytest.mark.parametrize(
    "rules",
    [
        {"zones": [{**ZONE, "points": [[0, 0], [1, 1]]}]},
        {"zones": [{**ZONE, "points": [[0, 0], [1, 1], [2, 0]]}]},
        {"zones": [ZONE, ZONE]},
        {"zones": [{**ZONE, "colour": "red"}]},
        {"lines": [{**LINE, "b": LINE["a"]}]},
        {"zones": [{**ZONE, "points": [[0.5, 0.5]] * 65}]},
        {"zones": [{**ZONE, "name": str(number)} for number in range(65)]},
        {"zones": [{**ZONE, "loiter_s": -1}]},
        {"masks": [MASK, MASK]},
        {"masks": [{**MASK, "points": [[0, 0], [1, 1]]}]},
        {"masks": [{**MASK, "points": [[0, 0], [1, 1], [2, 0]]}]},
        {"masks": [{**MASK, "points": [[0.5, 0.5]] * 129}]},
        {"masks": [{**MASK, "name": str(number)} for number in range(65)]},
    ],
)
async def test_impossible_rules_change_nothing(stand: Stand, owner: httpx.AsyncClient, rules: object) -> None:
    text = stand.config.read_text()
    answer = await owner.put("/cameras/front/rules", json=rules)
    assert answer.status_code == 400, answer.text
    assert stand.config.read_text() == text


async def test_status_adds_up_what_the_processes_say(stand: Stand, owner: httpx.AsyncClient) -> None:
    stream = {"codec": "h264", "width_px": 160, "height_px": 120, "fps": 10, "bitrate_bps": 8000}
    front = {"state": "live", "error": None, "streams": {"main": stream}, "recording": {"state": "recording"}}
    yard = {"state": "backoff", "error": "rtsp://user:secret@192.0.2.11/one does not answer."}
    await stand.say_status("media", front=front, yard=yard)
    await stand.say_status(
        "vision",
        front={"state": "live", "rate_hz": 5, "moving": True, "tracks": 2, "latency_ms": 81, "error": "no model"},
    )
    await stand.bus.publish(subjects.status("vision"), b"{nonsense")
    await stand.until(lambda: "vision" in stand.api.deps.feeds.reports())
    status = (await owner.get("/status")).json()
    assert {process["role"] for process in status["processes"]} >= {"media", "vision"}
    assert status["storage"]["roots"][0]["ok"] in (True, False)
    seen = status["cameras"]["front"]
    assert seen["state"] == "live"
    assert seen["streams"][0] == {"name": "main", **stream}
    assert seen["recording"]["state"] == "recording"
    assert seen["vision"] == {"state": "live", "rate_hz": 5, "moving": True, "tracks": 2, "latency_ms": 81}
    assert status["cameras"]["yard"]["state"] == "backoff"
    assert status["cameras"]["attic"]["state"] == "off"
    assert "secret" not in str(status)
    notes = [note["what"] for note in status["doctor"]]
    assert any("does not answer" in note for note in notes)
    assert any("no model" in note for note in notes)


async def test_nothing_secret_is_logged(
    stand: Stand, owner: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    token = (await owner.post("/tokens", json={"name": "canary"})).json()["token"]
    await owner.post("/session", json={"username": "owner", "password": "canary password 7"})
    await owner.get("/cameras", headers={"Authorization": f"Bearer {token}"})
    await owner.get("/config")
    mine = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("eyespot", "uvicorn")))
    for secret in (token, "canary password 7", "user:secret", owner.headers["X-CSRF-Token"], *owner.cookies.values()):
        assert secret not in mine


async def test_what_takes_effect_after_a_restart_is_listed_until_it_is_undone(owner: httpx.AsyncClient) -> None:
    before = (await owner.get("/config")).json()
    assert before["restart"] == []
    document = before["document"]
    changed = {
        **document,
        "host": {"name": "renamed"},
        "web": {**document["web"], "port": 8999},
        "storage": {"cold_after_hours": 2},
        "vision": {"threads": 2},
    }
    answer = (await owner.put("/config", json={"document": changed, "etag": before["etag"]})).json()
    assert answer["restart"] == ["web.port", "storage.cold_after_hours", "vision.threads"]
    assert (await owner.get("/config")).json()["restart"] == answer["restart"]
    undone = (await owner.put("/config", json={"document": document, "etag": answer["etag"]})).json()
    assert undone["restart"] == []


async def test_the_status_shows_the_disks_in_use_not_those_of_the_next_start(
    stand: Stand, owner: httpx.AsyncClient
) -> None:
    before = (await owner.get("/config")).json()
    document = {**before["document"], "storage": {"root": [{"path": "elsewhere"}]}}
    answer = await owner.put("/config", json={"document": document, "etag": before["etag"]})
    assert answer.json()["restart"] == ["storage.root"]
    (root,) = (await owner.get("/status")).json()["storage"]["roots"]
    assert root["path"] == str(stand.state / "archive")
