"""Services in containers on a whole host: what they are given, what holds them, what is left of them."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from eyespot.edge.services.engines.chooser import owner_of
from eyespot.edge.services.engines.podman import OWNER_LABEL

from .service_host import Host, logs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("podman") is None,
        reason="containers need root and podman: see docs/limits.md",
    ),
]
SERVICES = Path(__file__).parent / "services"
EXAMPLES = Path(__file__).parents[2] / "examples" / "apps"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()
    assert containers(made) == []


def in_container(source: Path, folder: Path) -> Path:
    """A copy of a service, made for the container host."""
    shutil.copytree(source, folder)
    manifest = folder / "service.toml"
    text = (
        manifest.read_text().replace('host = "process"\n', "").replace("[service]\n", '[service]\nhost = "container"\n')
    )
    manifest.write_text(text)
    return folder


def containers(host: Host) -> list[str]:
    """Names of this host's containers, running or not."""
    owner = f"label={OWNER_LABEL}={owner_of(host.state)}"
    command = ["podman", "ps", "--all", "--filter", owner, "--format", "{{.Names}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def processes_of(host: Host) -> list[psutil.Process]:
    """Everything that conmon, podman's monitor, keeps for this host."""
    name = f"eyespot-{owner_of(host.state)}-"
    return [one for one in psutil.process_iter(["cmdline"]) if any(name in word for word in one.info["cmdline"] or [])]


def test_one_that_takes_all_it_can_get_is_held_and_told(host: Host) -> None:
    host.installed.install(SERVICES / "glutton", "front")
    host.until(lambda: any(moment.state == "backoff" for moment in host.store.states("glutton")) or None)
    (told, *_) = [moment.why for moment in host.store.states("glutton") if moment.state == "backoff"]
    assert told == "it ended: out of memory"
    assert "no more processes" in logs(host, "glutton")


def test_a_host_that_is_killed_leaves_no_container_and_starts_them_again(host: Host, tmp_path: Path) -> None:
    host.installed.install(in_container(EXAMPLES / "track-logger", tmp_path / "logger"), "front")
    host.until(lambda: host.state_of("track-logger") == "running" or None)
    family = psutil.Process(host.process.pid).children(recursive=True)
    host.process.kill()
    host.process.wait()
    for process in family:
        process.wait()
    while processes_of(host) or containers(host):
        pass
    before_ns = time.time_ns()
    host.begin_again()
    host.until(lambda: (last := host.store.states("track-logger")[-1]).state == "running" and last.wall_ns > before_ns)
    assert len(containers(host)) == 1
