"""Outputs over HTTP: admins alone switch them, the media process is asked over the bus, and every switch is audited."""

import asyncio
import logging
from typing import Any

import httpx
import pytest
from api_stand import PASSWORD, Stand

from eyespot.bus import subjects
from eyespot.edge.outputs.settings import HostOutput
from eyespot.edge.outputs.switchboard import Switchboard

LAMP = HostOutput(name="lamp", kind="simulated", pulse_s=600)


@pytest.fixture
async def board(stand: Stand) -> Any:
    """What the media process serves on the bus."""
    made = Switchboard(stand.clock)
    await made.apply((LAMP, HostOutput(name="broken", chip="/dev/gpiochip-none", line=1)))
    await stand.bus.serve(subjects.control("media"), made.answer)
    yield made
    await made.close()


async def test_an_admin_sees_switches_and_pulses(
    owner: httpx.AsyncClient, board: Switchboard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outputs = (await owner.get("/outputs")).raise_for_status().json()["outputs"]
    assert [(one["name"], one["on"]) for one in outputs] == [("lamp", False), ("broken", None)]
    assert outputs[1]["error"], "it says what to do"
    answer = (await owner.put("/outputs/lamp", json={"on": True})).raise_for_status().json()
    assert (answer["name"], answer["on"]) == ("lamp", True)
    await owner.put("/outputs/lamp", json={"on": False})
    answer = (await owner.post("/outputs/lamp/pulse", json={})).raise_for_status().json()
    assert answer["pulsing"]
    assert (await owner.post("/outputs/lamp/pulse", json={"seconds": 1})).status_code == 409
    audited = [record.message for record in caplog.records if record.message.startswith("audit: owner")]
    assert (
        audited
        == [
            "audit: owner signed in from 127.0.0.1",
            "audit: owner switched output lamp on",
            "audit: owner switched output lamp off",
            "audit: owner pulsed output lamp",
        ][-len(audited) :]
    )
    assert len(audited) >= 3


async def test_a_viewer_may_neither_see_nor_switch(
    stand: Stand, owner: httpx.AsyncClient, anyone: httpx.AsyncClient, board: Switchboard
) -> None:
    await owner.post("/users", json={"name": "guest", "password": PASSWORD, "role": "viewer"})
    csrf = (await anyone.post("/session", json={"username": "guest", "password": PASSWORD})).json()["csrf"]
    anyone.headers["X-CSRF-Token"] = csrf
    for answer in (
        await anyone.get("/outputs"),
        await anyone.put("/outputs/lamp", json={"on": True}),
        await anyone.post("/outputs/lamp/pulse", json={}),
    ):
        assert answer.status_code == 403
    assert board.reports()[0].on is False


async def test_nobody_and_a_forged_request_switch_nothing(
    owner: httpx.AsyncClient, anyone: httpx.AsyncClient, board: Switchboard
) -> None:
    assert (await anyone.put("/outputs/lamp", json={"on": True})).status_code == 401
    del owner.headers["X-CSRF-Token"]
    assert (await owner.put("/outputs/lamp", json={"on": True})).status_code == 403
    assert board.reports()[0].on is False


async def test_an_unknown_output_is_not_found(owner: httpx.AsyncClient, board: Switchboard) -> None:
    for answer in (
        await owner.put("/outputs/siren", json={"on": True}),
        await owner.post("/outputs/siren/pulse", json={}),
    ):
        assert answer.status_code == 404
        assert "lamp" in answer.json()["error"]["todo"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("lamp/pulse", {"seconds": 0}, 400),
        ("lamp/pulse", {"seconds": -5}, 400),
        ("lamp/pulse", {"seconds": 3600.1}, 400),
        ("lamp/pulse", {"seconds": "x" * 10_000}, 400),
        ("lamp/pulse", {"seconds": 1, "forever": True}, 400),
        ("x" * 65 + "/pulse", {}, 400),
        ("..%2f..%2fetc/pulse", {}, 404),
    ],
)
async def test_hostile_input_is_refused(
    owner: httpx.AsyncClient, board: Switchboard, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await owner.post(f"/outputs/{path}", json=body)).status_code == status
    assert board.reports()[0].pulses == 0


async def test_without_the_media_process_it_says_so(owner: httpx.AsyncClient) -> None:
    answer = await owner.get("/outputs")
    assert answer.status_code == 503


async def test_many_at_once_are_one_pulse(owner: httpx.AsyncClient, board: Switchboard) -> None:
    answers = await asyncio.gather(*(owner.post("/outputs/lamp/pulse", json={}) for _ in range(40)))
    assert sorted({answer.status_code for answer in answers}) == [200, 409]
    assert board.reports()[0].pulses == 1
