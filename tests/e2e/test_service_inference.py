"""Models for confined services on a whole host: one runs its model, one was not granted it, one asks for too much."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eyespot.cli.service_now import now_in_words
from eyespot.cli.services import app
from eyespot.contracts.service import read_manifest
from eyespot.edge.services.granted import everything
from eyespot.testing.tiny_package import write_package

from .service_host import Host, counted
from .test_services import SERVICES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
HOG = Path(__file__).parents[2] / "examples" / "hostile-app" / "hog.py"
RUN_S = 0.02


@pytest.fixture(params=["lanes", "process"])
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Host]:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", f"delay_ms={RUN_S * 1000:.0f}")
    write_package(tmp_path / "models" / "means")
    more = f'[vision]\ninference = "{request.param}"\nmodels = "{tmp_path / "models"}"\n'
    made = Host(tmp_path / "state", more)
    yield made
    made.stop()


def renamed(folder: Path, name: str) -> Path:
    """The looker under another name."""
    shutil.copytree(SERVICES / "looker", folder)
    manifest = folder / "service.toml"
    manifest.write_text(manifest.read_text().replace('name = "looker"', f'name = "{name}"'))
    return folder


def used(host: Host, name: str) -> dict[str, Any]:
    """What a service used of its models; empty while it has none."""
    found: dict[str, Any] = host.status().get(name, {}).get("inference") or {}
    return found


def test_each_service_gets_the_models_and_the_share_that_it_was_granted(host: Host, tmp_path: Path) -> None:
    stranger = renamed(tmp_path / "stranger", "stranger")
    everything_else = everything(read_manifest(stranger), "front").model_copy(update={"models": ("other",)})
    with pytest.raises(Exception, match="'other' in models is not asked for"):
        host.installed.install(stranger, "front", granted=everything_else)
    host.installed.install(SERVICES / "looker", "front")
    host.installed.install(stranger, "front", granted=everything_else.model_copy(update={"models": ()}))
    host.until(lambda: {event.label for event in counted(host)} == {"looker.seen", "stranger.refused"} or None)
    seen, refused = sorted(counted(host), key=lambda event: event.label)
    assert seen.detail["mean"] == seen.detail["wanted"]
    assert refused.detail["kind_of_error"] == "FORBIDDEN"
    assert "stranger may not use the model 'means'" in refused.detail["why"]

    greedy = tmp_path / "greedy"
    shutil.copytree(SERVICES / "greedy", greedy)
    shutil.copy(HOG, greedy)
    begin_s = time.monotonic()
    host.installed.install(greedy, "front")
    host.until(lambda: used(host, "greedy").get("refused", {}).get("throttled", 0) > 20 or None)
    before = used(host, "looker")["models"]["means"]["runs"]
    host.until(lambda: used(host, "looker")["models"]["means"]["runs"] > before + 5 or None)
    found = used(host, "greedy")
    most_s = 0.1 * (time.monotonic() - begin_s) + 0.1
    assert 0 < found["run_s"] <= most_s + 0.5, "what it owed for its last run is all that it had too much"
    assert "10% of the accelerator" in " ".join(found["refusals"])
    assert "forbidden" not in used(host, "looker")["refused"]
    shown = json.loads(CliRunner().invoke(app, ["show", "greedy", "--json", "--state", str(host.state)]).output)
    assert shown["now"]["inference"]["run_s"] >= found["run_s"]
    assert any("10% of the accelerator" in line for line in now_in_words(shown["now"]))
