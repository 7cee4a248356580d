"""Settings changed through the API of a running host, as the settings page does: in force, and no footage lost."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .fault_rig import CameraThread, FaultHost, assert_whole, make_clip, played, until

pytestmark = [pytest.mark.footage, pytest.mark.slow]

FPS = 10
EVERYWHERE = [[0, 0], [1, 0], [1, 1], [0, 1]]
Document = dict[str, Any]


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CameraThread]:
    clip = make_clip(tmp_path_factory.mktemp("clips") / "small.mp4", 40, width_px=160, height_px=96, fps=FPS)
    made = CameraThread([clip, clip])
    yield made
    made.close()


@pytest.fixture(scope="module")
def host(
    tmp_path_factory: pytest.TempPathFactory, cameras: CameraThread, sample_clip: Path, model_dir: Path
) -> Iterator[FaultHost]:
    config = (
        f'[vision]\nmodels = "{model_dir}"\n[[storage.root]]\nmin_free_bytes = 0\n'
        f'[[camera]]\nid = "front"   # people walk here\nrecord = {{ segment_s = 4 }}\n'
        f'[[camera.stream]]\nsource = "{sample_clip}"\n'
        '[[camera]]\nid = "yard"\nrecord = { segment_s = 4 }\ndetect = { enabled = false }\n'
        f'[[camera.stream]]\nsource = "{cameras.camera.url(0)}"\n'
    )
    made = FaultHost(tmp_path_factory.mktemp("reload"), config)
    try:
        until(lambda: made.alive() and made.spans("front") and made.spans("yard"), "both cameras are recorded")
        yield made
    finally:
        made.end()


def change(host: FaultHost, **values: Any) -> Document:
    """Put the document with these top-level values; what the API answers."""
    before = host.api.get("/config").raise_for_status().json()
    body = {"document": {**before["document"], **values}, "etag": before["etag"]}
    csrf = host.api.get("/session").raise_for_status().json()["csrf"]
    answer = host.api.put("/config", json=body, headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 200, answer.text
    found: Document = answer.json()
    return found


def camera_settings(host: FaultHost) -> list[Document]:
    """A copy of the cameras as they are in the document."""
    found: list[Document] = host.api.get("/config").raise_for_status().json()["document"]["camera"]
    return copy.deepcopy(found)


def vision_rate_hz(host: FaultHost) -> float:
    """What the vision process itself says; 0 before it says anything."""
    reports = [one["cameras"] for one in host.status()["processes"] if one["role"] == "vision"]
    return float(reports[0]["front"]["rate_hz"]) if reports and "front" in reports[0] else 0.0


def test_a_new_rate_is_in_force_and_costs_no_footage(host: FaultHost) -> None:
    until(lambda: vision_rate_hz(host) == 5.0, "vision is at work")
    front, yard = camera_settings(host)
    answer = change(host, camera=[{**front, "detect": {"rate_hz": 2.5}}, yard])
    assert answer["restart"] == []
    until(lambda: vision_rate_hz(host) == 2.5, "vision works at the new rate")
    assert "# people walk here" in host.config.read_text(), "comments stay"


def test_a_new_zone_finds_who_walks_in_it(host: FaultHost) -> None:
    assert not host.events("zone")
    front, yard = camera_settings(host)
    change(host, camera=[{**front, "zone": [{"name": "plaza", "points": EVERYWHERE}]}, yard])
    found = until(lambda: host.alive() and host.events("zone", "front"), "somebody walks in the zone")
    assert {event.zone for event in found} == {"plaza"}


def test_a_camera_that_is_added_is_recorded_and_shown(host: FaultHost, cameras: CameraThread) -> None:
    new = {
        "id": "attic",
        "record": {"segment_s": 4},
        "detect": {"enabled": False},
        "stream": [{"source": cameras.camera.url(1)}],
    }
    change(host, camera=[*camera_settings(host), new])
    host.wait_for_footage("attic")
    assert host.camera("attic")["state"] == "live"
    assert host.api.get("/cameras/attic/snapshot.jpg").raise_for_status().content.startswith(b"\xff\xd8")


def test_settings_of_a_recorder_change_that_recorder_alone(host: FaultHost) -> None:
    attic = host.media("attic")["streams"]["main"]["packets"]
    settings = camera_settings(host)
    settings[2]["record"] = {"segment_s": 6}
    change(host, camera=settings)
    host.wait_for_footage("attic")
    assert host.media("attic")["streams"]["main"]["packets"] > attic, "its connection stayed"
    assert host.media("attic")["counts"]["reconnects"] == 0
    assert len(host.spans("attic", merge_gap_s=2.5)) == 1, "at most the wait for a key frame"


def test_a_camera_that_is_removed_stops_and_keeps_its_footage(host: FaultHost) -> None:
    kept = len(host.segments("attic"))
    change(host, camera=camera_settings(host)[:2])
    until(lambda: host.media("attic") == {}, "media let it go")
    assert host.api.get("/cameras/attic").status_code == 404
    assert "attic" not in host.status()["cameras"]
    assert len(host.segments("attic")) >= kept
    assert_whole(host, "attic", FPS)


def test_what_waits_for_a_restart_is_said_and_is_not_in_force(host: FaultHost) -> None:
    storage = {"root": [{"path": "elsewhere", "min_free_bytes": 0}]}
    answer = change(host, web={"port": 0, "tls": "off", "bind": "127.0.0.2"}, storage=storage)
    assert answer["restart"] == ["web.bind", "storage.root"]
    host.wait_for_footage("yard")
    assert not (host.state / "elsewhere").exists()
    assert host.api.get("/config").raise_for_status().json()["restart"] == answer["restart"]


def test_a_bad_edit_by_hand_changes_nothing_and_a_good_one_does(host: FaultHost) -> None:
    good = host.config.read_text()
    host.config.write_text(good.replace("rate_hz = 2.5", "rate_hz = 250"))
    until(lambda: "rate_hz" in host.said and "old settings stay" in host.said, "the log says what is wrong")
    host.wait_for_footage("yard")
    assert vision_rate_hz(host) == 2.5
    host.config.write_text(good.replace("rate_hz = 2.5", "rate_hz = 3.5"))
    until(lambda: vision_rate_hz(host) == 3.5, "the good edit is in force")


def test_no_other_footage_was_lost_by_all_this(host: FaultHost) -> None:
    host.wait_for_footage("yard")
    report = host.stop()
    assert report["record_dropped"] == 0
    assert not host.events("process")
    for name in ("front", "yard"):
        assert len(host.spans(name)) == 1, f"{name} has no gap"
    assert_whole(host, "yard", FPS)
    begin_s, end_s = host.spans("yard")[0]
    assert sum(played(host, "yard").values()) == pytest.approx((end_s - begin_s) * FPS, abs=3)
