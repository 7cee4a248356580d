"""A confined service switches the output that it was granted; what it was not is refused and recorded."""

import asyncio
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.cli.services import app
from eyespot.contracts.service import read_manifest
from eyespot.edge.services.granted import everything

from .service_host import Host
from .test_services import SERVICES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
OUTPUTS = """
[[output]]
name = "siren"
kind = "simulated"
[[output]]
name = "gate"
kind = "simulated"
[[output]]
name = "lamp"
kind = "simulated"
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state", OUTPUTS)
    yield made
    made.stop()


def ask(host: Host, verb: str, **body: Any) -> dict[str, str]:
    async def asked() -> dict[str, str]:
        bus = await connect(host.layout.run_dir, "api")
        try:
            answer = await bus.request(subjects.service_request("ringer", verb), json.dumps(body).encode(), 20)
            found: dict[str, str] = json.loads(answer)
            return found
        finally:
            await bus.close()

    return asyncio.run(asked())


def outputs(host: Host) -> dict[str, dict[str, Any]]:
    async def asked() -> dict[str, dict[str, Any]]:
        bus = await connect(host.layout.run_dir, "api")
        try:
            answer = await bus.request(subjects.control("media"), b'{"do": "list"}', 20)
            return {one["name"]: one for one in json.loads(answer)["outputs"]}
        finally:
            await bus.close()

    return asyncio.run(asked())


def test_a_granted_output_is_switched_and_told_and_no_other(host: Host) -> None:
    ringer = SERVICES / "ringer"
    granted = everything(read_manifest(ringer), "front").model_copy(update={"outputs": ("siren",)})
    host.installed.install(ringer, "front", granted=granted)
    host.until(lambda: host.state_of("ringer") == "running")

    assert ask(host, "pulse", output="siren", seconds=3000) == {"refused": ""}
    siren = outputs(host)["siren"]
    assert (siren["on"], siren["pulsing"], siren["pulses"]) == (True, True, 1)
    assert ask(host, "pulse", output="siren")["refused"] == "CONFLICT"
    assert ask(host, "off", output="siren") == {"refused": ""}
    assert not outputs(host)["siren"]["on"]

    assert ask(host, "pulse", output="gate") == {"refused": "FORBIDDEN", "why": "ringer may not switch 'gate'."}
    for subject in ("eyespot.service.ringer.output.gate", "eyespot.service.ringer.output.lamp",
                    "eyespot.service.other.output.siren", "eyespot.control.media"):  # fmt: skip
        assert ask(host, "past", subject=subject)["refused"] == "UNAVAILABLE"
    host.until(lambda: host.status()["ringer"]["bus"]["refused"] >= 4 or None)
    refusals = " ".join(host.status()["ringer"]["bus"]["refusals"])
    assert "ringer.output.gate" in refusals
    assert "eyespot.control.media" in refusals
    now = outputs(host)
    assert not any(now[name]["on"] or now[name]["pulses"] for name in ("gate", "lamp"))

    counted = host.status()["ringer"]["outputs"]
    assert (counted["switched"], counted["refused"]) == (2, 1)
    assert "is pulsing already" in counted["refusals"][0]
    result = CliRunner().invoke(app, ["show", "ringer", "--state", str(host.state)])
    assert "Outputs: switched 2 times; refused: 1, the last: Output siren is pulsing already" in result.output
    told = host.until(lambda: found if len(found := switches(host)) == 2 else None)
    assert told == [{"output": "siren", "do": "pulse", "seconds": 3000}, {"output": "siren", "do": "off"}]
    log = (host.state / "log.txt").read_text()
    assert "audit: service ringer pulsed output siren" in log
    assert "audit: service ringer switched output siren off" in log


def switches(host: Host) -> list[dict[str, Any]]:
    found = [event for event in host.events() if event.label == "ringer.output"]
    assert all((event.kind, event.camera) == ("service", "host") for event in found)
    return [event.detail for event in sorted(found, key=lambda event: event.id)]
