"""Two services on a whole host: one does its work, one tries what it may not; the host's processes are killed."""

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from eyespot.bus.nats import connect
from eyespot.cli.services import app
from eyespot.edge.apps_dev.scaffold import scaffold

from .service_host import Host, counted, logs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
SERVICES = Path(__file__).parent / "services"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()


def test_a_service_is_installed_runs_and_is_kept_in_its_place(host: Host) -> None:
    host.until(lambda: host.recorded_bytes() or None)
    host.installed.install(SERVICES / "counter", "front")
    host.installed.install(SERVICES / "rogue", "front")
    (event, *_) = host.until(lambda: counted(host) or None)
    assert (event.label, event.camera, event.detail) == ("counter.count", "front", {"n": 1})
    host.until(lambda: host.state_of("counter") == "running" and host.state_of("rogue") == "running")
    host.until(lambda: host.status()["rogue"]["bus"]["refused"] >= 8)
    status = host.status()
    refusals = " ".join(status["rogue"]["bus"]["refusals"])
    for refused in ("eyespot.service.counter.event", "eyespot.events.front", "$JS.API.INFO", '">"', "signed in by",
                    "eyespot.service.counter.config", "$JS.>", "eyespot.control.supervisor"):  # fmt: skip
        assert refused in refusals
    assert status["counter"]["bus"]["refused"] == 0
    assert (status["counter"]["events"], status["counter"]["events_refused"]) == (1, 2)
    assert {event.label for event in counted(host)} == {"counter.count"}

    host.installed.configure("counter", {"limit": 7})
    host.until(lambda: any('settings {"limit": 7}' in line for line in logs(host, "counter")) or None)
    assert host.status()["counter"]["deaths"] == 0, "it was told, not started again"

    host.installed.remove("counter")
    host.until(lambda: "counter" not in host.status())
    host.installed.remove("rogue")
    host.until(lambda: host.child("eyespot.edge.services") is None or None)
    assert host.child("eyespot.edge.api") is not None


def test_a_service_written_with_the_sdk_runs_and_is_found_on_the_bus(host: Host) -> None:
    example = Path(__file__).parents[2] / "examples" / "apps" / "people-counter"
    host.installed.install(example, "front")
    host.until(lambda: host.state_of("people-counter") == "running")

    async def ping() -> dict[str, Any]:
        bus = await connect(host.layout.run_dir, "api")
        try:
            found: dict[str, Any] = json.loads(await bus.request("$SRV.INFO.people-counter", b"", 20))
            return found
        finally:
            await bus.close()

    info = asyncio.run(ping())
    assert (info["name"], info["version"]) == ("people-counter", "1.0.0")


def copied(name: str, folder: Path, version: str, code: str | None = None) -> Path:
    """A copy of a service with another version, and other code where some is given."""
    shutil.copytree(SERVICES / name, folder)
    manifest = folder / "service.toml"
    manifest.write_text(manifest.read_text().replace('version = "1.0.0"', f'version = "{version}"'))
    if code is not None:
        (folder / f"{name}.py").write_text(code)
    return folder


def test_a_new_version_that_does_not_work_gives_way_to_the_one_before(host: Host, tmp_path: Path) -> None:
    host.installed.install(SERVICES / "counter", "front")
    host.until(lambda: host.state_of("counter") == "running")
    host.installed.install(copied("counter", tmp_path / "bad", "1.1.0", "raise SystemExit(3)\n"))
    assert host.store.get("counter").version == "1.1.0"
    host.until(lambda: host.store.get("counter").version == "1.0.0")
    host.until(lambda: host.status().get("counter", {}).get("state") == "running")
    told = [moment.why for moment in host.store.states("counter") if moment.state == "failed"]
    assert told == ["1.1.0 gave way to 1.0.0: it ended: status 3"]


def test_one_that_keeps_dying_has_failed_until_it_is_started_again(host: Host, tmp_path: Path) -> None:
    host.installed.install(copied("counter", tmp_path / "bad", "1.0.0", "raise SystemExit(3)\n"), "front")
    host.until(lambda: host.state_of("counter") == "failed")
    (event,) = host.until(lambda: [each for each in host.events() if each.label == "counter"] or None)
    assert (event.kind, event.detail["text"]) == ("process", "It died 5 times, the last time: it ended: status 3.")
    host.installed.enable("counter", enabled=True)
    host.until(lambda: host.state_of("counter") != "failed" or None)


def test_killing_the_services_process_costs_no_recording_and_services_come_back(host: Host) -> None:
    host.installed.install(SERVICES / "counter", "front")
    media = host.until(lambda: host.child("eyespot.edge.media_process"))
    seen = 0
    for wait_s in (0.0, 0.3, 1.5):
        host.until(lambda seen=seen: len(counted(host)) > seen or None)  # type: ignore[misc]  # bound at once
        seen = len(counted(host))
        time.sleep(wait_s)
        process = host.until(lambda: host.child("eyespot.edge.services"))
        before = host.recorded_bytes()
        process.kill()
        host.until(lambda before=before: host.recorded_bytes() > before or None)  # type: ignore[misc]  # bound at once
    host.until(lambda: len(counted(host)) > seen or None)
    assert media.is_running()
    assert host.confined()
    assert host.orphans() == set()


def test_a_new_service_gets_its_frames_where_it_is_confined(host: Host, tmp_path: Path) -> None:
    host.installed.install(scaffold("fresh", tmp_path), "front", settings={"dark_below": 254})
    (event, *_) = host.until(lambda: counted(host) or None)
    assert (event.label, event.camera) == ("fresh.dark", "front")
    assert host.state_of("fresh") == "running"
    cut = tmp_path / "cut"
    done = CliRunner().invoke(app, ["show", "fresh", "--samples", str(cut), "--state", str(host.state)])
    assert done.exit_code == 0, done.output
    (picture,) = cut.iterdir()
    assert picture.suffix == ".jpg"
    assert str(picture) in done.output
    assert picture.read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not here")
def test_a_service_in_node_runs_confined(host: Host) -> None:
    example = Path(__file__).parents[2] / "examples" / "apps" / "track-logger"
    host.installed.install(example, "front")
    host.until(lambda: host.state_of("track-logger") == "running" or None)
    assert host.status()["track-logger"]["deaths"] == 0
