"""A service that writes and syncs without pause, beside a recorder: it gets its rate, and no footage is lost."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.store import ServiceStore

from .fault_rig import FaultHost, until
from .test_services import SERVICES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
RATE_MB_PER_S = 2.0
WINDOW_S = 6.0
SECTOR_BYTES = 512


@pytest.fixture
def host(tmp_path: Path) -> Iterator[FaultHost]:
    source = "synthetic:?width=640&height=360&fps=20"
    camera = f'[[camera]]\nid = "front"\n[camera.detect]\nenabled = false\n[[camera.stream]]\nsource = "{source}"\n'
    made = FaultHost(tmp_path, camera)
    try:
        yield made
    finally:
        made.end()


def written_bytes(state: Path) -> int | None:
    """To the loop device of a service's storage; None where there is none."""
    for loop in Path("/sys/block").glob("loop*"):
        backing = loop / "loop" / "backing_file"
        if backing.exists() and backing.read_text().startswith(str(state)):
            return int((loop / "stat").read_text().split()[6]) * SECTOR_BYTES
    return None


def test_recording_goes_on_beside_it(host: FaultHost) -> None:
    host.wait_for_footage("front")
    store = ServiceStore(StateLayout.of(host.state).services_db)
    Installed(StateLayout.of(host.state), store).install(SERVICES / "syncer", "front")
    store.close()

    def running() -> dict[str, str]:
        found = next((one for one in host.status()["processes"] if one["role"] == "services"), None)
        status = found["totals"]["services"].get("syncer", {}) if found else {}
        return status.get("enforced", {}) if status.get("state") == "running" else {}

    enforced = until(running, "the service runs")
    if not enforced["disk_rate"].startswith("cgroup"):
        pytest.skip("no cgroup for disks here: a service's I/O only stands back")
    before, begin_s = until(lambda: written_bytes(host.state), "it writes"), time.monotonic()
    host.wait_for_footage("front", WINDOW_S)
    after = written_bytes(host.state)
    assert after is not None
    most = RATE_MB_PER_S * (1 << 20) * (time.monotonic() - begin_s)
    assert 0 < after - before < 3 * most, "twice its rate in version 1, and a burst"
    spans = host.spans("front", merge_gap_s=0.2)
    summary = host.stop()
    assert (summary["record_dropped"], len(spans)) == (0, 1)
