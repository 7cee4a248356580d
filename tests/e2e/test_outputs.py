"""A whole host on a rendered scene: somebody walks over a tripwire, the model sees it, and a lamp goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .fault_rig import ACCOUNT, FaultHost, until

pytestmark = [pytest.mark.footage, pytest.mark.slow]

OUTPUTS = """
[[output]]
name = "lamp"
kind = "simulated"
pause_s = 1
[[output]]
name = "gate"
chip = "/dev/null"
line = 1
"""
LINE = {"name": "wire", "a": [0.5, 0.0], "b": [0.5, 1.0], "outputs": ["lamp"], "pulse_s": 0.5}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, model_dir: Path) -> Iterator[FaultHost]:
    config = (
        f'[vision]\nmodels = "{model_dir}"\n{OUTPUTS}[[storage.root]]\nmin_free_bytes = 0\n'
        '[[camera]]\nid = "hall"\n[[camera.stream]]\nsource = "synthetic:?width=640&height=360&people=3"\n'
    )
    made = FaultHost(tmp_path_factory.mktemp("outputs"), config)
    try:
        until(lambda: made.alive() and made.events("object"), "somebody is seen")
        yield made
    finally:
        made.end()


def csrf(host: FaultHost) -> dict[str, str]:
    return {"X-CSRF-Token": host.api.get("/session").raise_for_status().json()["csrf"]}


def outputs(host: FaultHost) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in host.api.get("/outputs").raise_for_status().json()["outputs"]}


def test_a_rule_that_is_drawn_now_pulses_the_lamp_at_each_crossing(host: FaultHost) -> None:
    assert outputs(host)["lamp"]["pulses"] == 0
    rules = {"zones": [], "lines": [LINE]}
    host.api.put("/cameras/hall/rules", json=rules, headers=csrf(host)).raise_for_status()
    until(lambda: host.alive() and host.events("line"), "somebody crosses the line")
    until(lambda: outputs(host)["lamp"]["pulses"] >= 1, "the lamp was pulsed")
    lamp = outputs(host)["lamp"]
    assert lamp["pulses"] <= len(host.events("line"))
    assert "output lamp is pulsed: line event of wire, camera hall" in host.said


def test_an_unknown_output_in_a_rule_is_refused(host: FaultHost) -> None:
    rules = {"zones": [], "lines": [{**LINE, "outputs": ["siren"]}]}
    answer = host.api.put("/cameras/hall/rules", json=rules, headers=csrf(host))
    assert answer.status_code == 400
    assert "no output 'siren'" in answer.json()["error"]["what"]


def test_an_admin_switches_and_a_viewer_does_not(host: FaultHost) -> None:
    host.api.put("/outputs/lamp", json={"on": True}, headers=csrf(host)).raise_for_status()
    assert outputs(host)["lamp"]["on"]
    token = host.api.post("/tokens", json={"name": "guest", "role": "viewer"}, headers=csrf(host)).json()["token"]
    refused = host.api.put("/outputs/lamp", json={"on": False}, headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    assert outputs(host)["lamp"]["on"]
    assert f"audit: {ACCOUNT['username']} switched output lamp on" in host.said


def test_what_cannot_be_switched_is_a_note_with_what_to_do(host: FaultHost) -> None:
    until(lambda: any("output gate" in note["what"] for note in host.status()["doctor"]), "the note is there")
    answer = host.api.put("/outputs/gate", json={"on": True}, headers=csrf(host))
    assert answer.status_code == 503
    assert outputs(host)["gate"]["error"]


def test_which_decoder_is_used_and_why_is_in_the_status(host: FaultHost) -> None:
    vision = next(one for one in host.status()["processes"] if one["role"] == "vision")
    choice = vision["totals"]["codecs"]["decode h264"]
    assert choice["name"]
    assert choice["why"]
