"""Events of a service start recordings where it was granted that, and leave the camera alone where it was not."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from eyespot.contracts.service import read_manifest
from eyespot.edge.services.granted import everything

from .service_host import Host, counted
from .test_services import SERVICES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state", '[camera.record]\nmode = "events"\n')
    yield made
    made.stop()


def test_a_granted_event_starts_a_recording(host: Host, tmp_path: Path) -> None:
    code = tmp_path / "counter"
    shutil.copytree(SERVICES / "counter", code)
    manifest = code / "service.toml"
    manifest.write_text(manifest.read_text().replace('emit = ["count"]', 'emit = ["count"]\nrecord = ["count"]'))
    whole = everything(read_manifest(code), "front")
    host.installed.install(code, "front", granted=whole.model_copy(update={"record": ()}))
    host.until(lambda: [event for event in counted(host) if not event.records] or None)
    host.until(lambda: host.state_of("counter") == "running" or None)
    assert host.recorded_bytes() == 0, "its event alone starts nothing"
    row = host.store.get("counter")
    host.store.put(replace(row, granted=whole, starts=row.starts + 1))
    host.until(lambda: [event for event in counted(host) if event.records] or None)
    host.until(lambda: host.recorded_bytes() or None)
