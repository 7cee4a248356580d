"""What is forbidden, granted and healthy changes while services run; and everything is killed at any moment."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from eyespot.edge.frames.grants_file import read_grants
from eyespot.edge.services.grant_change import with_less
from eyespot.edge.services.log_file import LogFile

from .service_host import Host, logs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
SERVICES = Path(__file__).parent / "services"
NO_PODMAN = os.geteuid() != 0 or shutil.which("podman") is None
SEED = 20261124
Where = Literal["process", "container"]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()


def views_of(host: Host, name: str) -> list[str]:
    grant = read_grants(host.layout.grants_file).services.get(name)
    return [view.name for view in grant.views] if grant else []


def test_forbidden_stuck_and_revoked_services_are_stopped_and_the_others_go_on(host: Host) -> None:
    host.installed.install(SERVICES / "counter", "front")
    host.installed.install(SERVICES / "watcher", "front")
    host.until(lambda: host.state_of("counter") == "running" and host.state_of("watcher") == "running")
    host.until(lambda: (host.status()["watcher"]["beat"] or {}).get("frames", {}).get("door", 0) > 5 or None)
    began = host.store.states("counter")

    config = host.state / "config.toml"
    allowed = config.read_text()
    config.write_text(allowed + '[services]\nforbid = ["biometric"]\n')
    host.until(lambda: host.state_of("watcher") == "refused" or None)
    assert "class 'biometric', which is forbidden" in host.store.states("watcher")[-1].why
    assert views_of(host, "watcher") == []
    config.write_text(allowed)
    host.until(lambda: host.state_of("watcher") == "running" or None)

    host.installed.configure("watcher", {"wait": True})
    host.until(lambda: any(one.state == "unhealthy" for one in host.store.states("watcher")) or None)
    (told,) = [one.why for one in host.store.states("watcher") if one.state == "unhealthy"]
    assert "handled none of" in told or "a handler has not returned for" in told
    host.installed.configure("watcher", {"wait": False})
    host.until(lambda: host.state_of("watcher") == "running" or None)
    assert f"-- {told}, so it was killed" in "\n".join(LogFile(host.layout.service_logs_dir, "watcher").lines(50))

    row = host.store.get("watcher")
    manifest = host.installed.check(row).manifest
    host.installed.grant("watcher", with_less(manifest, row.granted, {"views": ("door",)}))
    host.until(lambda: not views_of(host, "watcher") or None)
    host.until(lambda: host.state_of("watcher") == "running" or None)
    assert host.store.states("counter") == began, "nobody else was stopped"
    assert host.status()["counter"]["deaths"] == 0

    host.installed.enable("watcher", enabled=False)
    host.until(lambda: host.state_of("watcher") == "stopped" or None)
    assert any(line.endswith(" sees door") for line in logs(host, "watcher")), (
        "an ended service's log is read from disk"
    )


HOLDERS = {"bwrap", "catatonit"}
"""The first process of a service's own namespace, whose end is the end of all in it."""


def victims(host: Host) -> dict[str, list[int]]:
    """Whom to kill, by what they are."""
    found: dict[str, list[int]] = {}
    for role in ("eyespot.edge.frames", "eyespot.edge.services"):
        child = host.child(role)
        found[role] = [child.pid] if child else []
    for pid in host.confined():
        try:
            name = Path(f"/proc/{pid}/comm").read_text().strip()
        except OSError:
            continue
        found.setdefault(name if name in HOLDERS else "service", []).append(pid)
    return found


def change(host: Host, number: int, where: Where) -> "subprocess.Popen[bytes]":
    """A change at the command line, in a process of its own."""
    limit = f'{{"limit": {number + 1}}}'
    words = [["install", str(SERVICES / "counter"), "--camera", "front", "--host", where], ["config", "counter", limit],
             ["disable", "counter"], ["enable", "counter"], ["remove", "counter"]][number % 5]  # fmt: skip
    command = [sys.executable, "-m", "eyespot.cli.main", "services", *words, "--state", str(host.state)]
    return subprocess.Popen(command, stdout=host.log, stderr=host.log)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def left(host: Host) -> list[str]:
    """What a host that has ended left behind: processes, mounts, sockets."""
    mounts = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(host.state) in line]
    return (
        [str(pid) for pid in host.confined()]
        + mounts
        + [str(path) for path in host.layout.run_dir.glob("services/*/*.sock")]
    )


@pytest.mark.parametrize(
    ("where", "rounds"),
    [
        ("process", 15),
        pytest.param("container", 8, marks=pytest.mark.skipif(NO_PODMAN, reason="containers need root and podman")),
    ],
)
def test_everything_is_killed_at_any_moment_and_comes_back(host: Host, where: Where, rounds: int) -> None:
    print("seed", SEED)
    chance = random.Random(SEED)
    for name in ("counter", "watcher"):
        host.installed.install(SERVICES / name, "front", host=where)
    for number in range(rounds):
        changing = change(host, number, where)
        time.sleep(chance.uniform(0.2, 1.5))
        changing.kill()
        changing.wait()
        kind, pids = chance.choice(sorted((kind, pids) for kind, pids in victims(host).items() if pids) or [("", [0])])
        if kind:
            kill(chance.choice(pids))
        if number == rounds * 2 // 3:
            host.process.kill()
            host.begin_again()
        before = host.recorded_bytes()
        host.until(lambda before=before: host.recorded_bytes() > before or None)  # type: ignore[misc]  # bound at once
    for row in host.store.rows():
        host.installed.check(row)
    host.installed.install(SERVICES / "counter", "front", host=where)
    for name in ("counter", "watcher"):
        host.installed.enable(name, enabled=True)
    runs = {"counter": "running", "watcher": "running"}
    host.until(lambda: {name: told["state"] for name, told in host.status().items()} == runs or None)
    host.until(lambda: views_of(host, "watcher") or None)
    if where == "process":
        assert host.orphans() == set()
    host.process.send_signal(signal.SIGINT)
    host.process.wait()
    assert left(host) == []
