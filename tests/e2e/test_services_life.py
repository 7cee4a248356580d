"""What is forbidden, granted and healthy changes while services run; whom it does not concern notices nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

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
