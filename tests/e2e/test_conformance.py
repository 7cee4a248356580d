"""One contract, three hosts: the same service, installed with ``--host``, finds and may the same on each.

Inside of the platform only what came with it may run: the platform is started with the probe among its built-in
services. What a host does not enforce is said here for each host.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import eyespot
from eyespot.bus import subjects
from eyespot.bus.nats import connect
from eyespot.contracts.track import TracksMessage
from eyespot.kernel.errors import EyespotError
from eyespot.testing.tiny_package import write_package

from .service_host import Host, counted, logs
from .test_containers import containers

pytestmark = pytest.mark.slow
PROBE = Path(__file__).parent / "services" / "probe"
NO_PODMAN = os.geteuid() != 0 or shutil.which("podman") is None
HOSTS = [
    "inline",
    pytest.param("process", marks=pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")),
    pytest.param("container", marks=pytest.mark.skipif(NO_PODMAN, reason="containers need root and podman")),
]
OUTPUTS = "".join(f'[[output]]\nname = "{name}"\nkind = "simulated"\n' for name in ("siren", "gate"))


def platform_with_probe(folder: Path) -> Path:
    """A folder for PYTHONPATH: this platform as it is, with one built-in service more."""
    ours, theirs = Path(eyespot.__file__).parent, folder / "eyespot"
    (theirs / "services").mkdir(parents=True)
    for source, target in ((ours, theirs), (ours / "services", theirs / "services")):
        for entry in source.iterdir():
            if entry.name not in {"services", "__pycache__"}:
                (target / entry.name).symlink_to(entry)
    shutil.copytree(PROBE, theirs / "services" / "probe")
    return folder


class Stage:
    """The probe on one host."""

    def __init__(self, kind: str, host: Host, manifest: Path) -> None:
        self.kind, self.host, self.manifest = kind, host, manifest

    def command(self, *words: str) -> str:
        """``eyespot services …``, as an owner types it."""
        command = [sys.executable, "-m", "eyespot.cli.main", "services", *words, "--state", str(self.host.state)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, verb: str, **body: Any) -> Any:
        """What the probe answers: ``gave`` or ``refused``."""

        async def asked() -> Any:
            bus = await connect(self.host.layout.run_dir, "api")
            try:
                subject = subjects.service_request("probe", verb)
                return json.loads(await bus.request(subject, json.dumps(body).encode(), 5))
            finally:
                await bus.close()

        return asyncio.run(asked())

    def facts(self) -> dict[str, Any]:
        """Empty while it does not answer."""
        with contextlib.suppress(EyespotError):
            found: dict[str, Any] = self.ask("facts")["gave"]
            return found
        return {}

    def now(self) -> dict[str, Any]:
        found: dict[str, Any] = self.host.status().get("probe", {})
        return found

    def lives_on(self, after: int) -> dict[str, Any]:
        """Its facts in the life after ``after``."""
        return self.host.until(lambda: (facts := self.facts()) and facts["lives"] > after and facts)

    def publish(self, role: str, subject: str, payload: bytes) -> None:
        async def said() -> None:
            bus = await connect(self.host.layout.run_dir, role)
            await bus.publish(subject, payload)
            await bus.close()

        asyncio.run(said())


@pytest.fixture(scope="module", params=HOSTS)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp(request.param)
    write_package(folder / "models" / "means")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EYESPOT_FAKE_ACCELERATOR", "delay_ms=5")
        patch.setenv("PYTHONPATH", str(platform_with_probe(folder / "platform")))
        made = Host(folder / "state", f'{OUTPUTS}[vision]\nmodels = "{folder / "models"}"\n')
        try:
            manifest = folder / "platform" / "eyespot" / "services" / "probe" / "service.toml"
            stage = Stage(request.param, made, manifest)
            stage.command("install", "builtin:probe", "--camera", "front", "--host", request.param)
            less = ["--view", "attic", "--read", "tracks", "--output", "gate"]
            stage.command("revoke", "probe", *less)
            yield stage
        finally:
            made.stop()


def test_it_starts_with_what_it_was_told(stage: Stage) -> None:
    facts = stage.lives_on(0)
    assert (facts["limits"], facts["cameras"]) == ([3], ["front"])
    ours = os.stat("/proc/self/ns/pid").st_ino
    assert (facts["pid_namespace"] == ours) == (stage.kind == "inline")
    stage.host.until(lambda: (stage.now().get("state") == "running" and stage.now()["beat"]) or None)
    assert stage.now()["version"] == "1.0.0"


def test_granted_views_come_in_their_form_and_others_are_refused(stage: Stage) -> None:
    seen = stage.host.until(lambda: len(found := stage.facts().get("seen", {})) == 2 and found)
    assert seen == {"scene": [[32, 48, 3], "uint8", True], "shade": [[40, 64], "uint8", True]}
    assert stage.ask("look", view="shade") == {"gave": [64, 40]}
    assert stage.ask("look", view="attic") == stage.ask("look", view="cellar")
    assert stage.ask("look", view="attic")["refused"] in {"FORBIDDEN", "NOT_FOUND"}
    stage.host.until(lambda: (stage.now()["beat"] or {}).get("frames", {}).get("scene", 0) > 2 or None)


def test_granted_subjects_are_heard_and_others_are_refused(stage: Stage) -> None:
    tracks = TracksMessage(camera="front", capture_ns=1, wall_ns=time.time_ns()).model_dump_json().encode()
    stage.publish("vision", subjects.tracks("front"), tracks)
    stage.ask("count", event="first")
    stage.host.until(lambda: "event probe.count" in stage.facts()["heard"] or None)
    assert stage.facts()["heard"] == ["event probe.count"], "tracks were not granted"
    (event,) = [one for one in counted(stage.host) if one.label == "probe.count"]
    assert (event.camera, event.detail) == ("front", {"n": 1, "event": "first"})
    before = stage.now()["bus"]["refused"]
    for subject in ("eyespot.control.media", "eyespot.service.other.request.now", "$JS.API.INFO"):
        assert stage.ask("request", subject=subject)["refused"] == "UNAVAILABLE"
    stage.host.until(lambda: stage.now()["bus"]["refused"] >= before + 3 or None)
    assert "eyespot.control.media" in " ".join(stage.now()["bus"]["refusals"])


def test_granted_models_and_outputs_are_used_and_others_are_refused(stage: Stage) -> None:
    (mean, wanted) = stage.ask("infer", package="means")["gave"]
    assert mean == wanted
    assert stage.ask("infer", package="nothing") == {"refused": "FORBIDDEN"}
    assert stage.ask("switch", output="siren") == {"gave": None}
    assert stage.ask("switch", output="gate") == {"refused": "FORBIDDEN"}
    told = stage.host.until(lambda: [one for one in counted(stage.host) if one.label == "probe.output"])
    assert [one.detail["output"] for one in told] == ["siren"]


def test_settings_arrive_live(stage: Stage) -> None:
    before = stage.facts()["lives"]
    stage.command("config", "probe", '{"limit": 7}')
    stage.host.until(lambda: stage.facts()["limits"] == [3, 7] or None)
    assert stage.facts()["lives"] == before, "it was told, not started again"


def test_what_is_granted_and_taken_back_holds_from_its_next_life_on(stage: Stage) -> None:
    before = stage.facts()["lives"]
    stage.command("grant", "probe", "--view", "attic", "--read", "tracks")
    stage.lives_on(before)
    stage.host.until(lambda: stage.ask("look", view="attic").get("gave") == [48, 32] or None)
    stage.command("revoke", "probe", "--view", "shade", "--model", "means")
    stage.lives_on(before + 1)
    stage.host.until(lambda: {"scene", "attic"} == set(stage.facts()["seen"]) or None)
    assert "refused" in stage.ask("look", view="shade")
    assert stage.ask("infer", package="means") == {"refused": "FORBIDDEN"}
    tracks = TracksMessage(camera="front", capture_ns=1, wall_ns=time.time_ns()).model_dump_json().encode()
    stage.publish("vision", subjects.tracks("front"), tracks)
    stage.host.until(lambda: "tracks front" in stage.facts()["heard"] or None)


def test_what_ends_unasked_is_told_and_starts_again_with_its_storage(stage: Stage) -> None:
    before = stage.facts()["lives"]
    stage.ask("quit")
    assert stage.lives_on(before)["limits"] == [7]
    status = 1 if stage.kind == "inline" else 3
    told = [moment.why for moment in stage.host.store.states("probe") if moment.state == "backoff"]
    assert told == [f"it ended: status {status}"]
    assert stage.now()["deaths"] == 1


def test_it_lives_again_after_its_keeper_was_killed(stage: Stage) -> None:
    before = stage.facts()["lives"]
    stage.host.until(lambda: stage.host.child("eyespot.edge.services")).kill()
    stage.lives_on(before)
    if stage.kind == "container":
        assert len(containers(stage.host)) == 1
    else:
        assert stage.host.orphans() == set()


def test_a_new_version_takes_its_place_with_its_settings_and_storage(stage: Stage) -> None:
    before = stage.facts()["lives"]
    stage.manifest.write_text(stage.manifest.read_text().replace('version = "1.0.0"', 'version = "1.1.0"'))
    stage.command("install", "builtin:probe", "--camera", "front", "--host", stage.kind)
    assert stage.lives_on(before)["limits"] == [7]
    stage.host.until(lambda: (stage.now().get("version") == "1.1.0" and stage.now()["beat"]) or None)
    if stage.kind == "container":
        stage.host.until(lambda: len(containers(stage.host)) == 1 or None)


def test_budgets_hold_where_its_host_enforces_them(stage: Stage) -> None:
    by = stage.host.until(lambda: stage.now().get("enforced") is not None and stage.now())["enforced"]
    if stage.kind == "inline":
        assert by == {}, "nothing bounds what runs inside of the platform, and its owner is told so"
        assert "nothing enforces" in stage.command("show", "probe")
    if by.get("disk") == "file system":
        assert 0 < stage.ask("fill", most_mb=64)["gave"] < 8
    if "pids" in by:
        assert 0 < stage.ask("crowd", most=200)["gave"] < 48
    stage.ask("chatter", kb=64)
    stage.host.until(lambda: stage.now()["breaches"].get("log", 0) > 30_000 or None)
    hoards = by.get("memory", "").startswith("cgroup")
    before = stage.facts()["lives"]
    stage.ask("hoard", most_mb=512) if hoards else stage.ask("quit")
    stage.lives_on(before)
    told = [moment.why for moment in stage.host.store.states("probe") if moment.state == "backoff"]
    assert (told[-1] == "it ended: out of memory") == hoards


def test_it_stops_in_order_and_nothing_of_it_is_left(stage: Stage) -> None:
    lives = stage.facts()["lives"]
    stage.command("disable", "probe")
    stage.host.until(lambda: stage.host.state_of("probe") == "stopped" or None)
    said = logs(stage.host, "probe")
    assert any(line.endswith(f"life {lives} ends in order") for line in said), said[-5:]
    assert stage.facts() == {}
    stage.command("remove", "probe")
    stage.host.until(lambda: stage.host.child("eyespot.edge.services") is None or None)
    assert stage.host.confined() == set()
    assert list(stage.host.layout.run_dir.glob("services/*/*.sock")) == []
