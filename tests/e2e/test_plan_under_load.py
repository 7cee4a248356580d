"""More cameras than the lanes can serve: the one that matters keeps its rate, the others give way, all are recorded.

Services that share the lanes have what cameras leave.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.store import ServiceStore
from eyespot.testing import tiny_package

from .fault_rig import FaultHost, until
from .test_services import SERVICES

pytestmark = pytest.mark.slow

RATE_HZ, RUN_MS = 5.0, 60
LOW = ("low-a", "low-b", "low-c")
SIDE_PX, CELLS, BINS = 64, 84, 8
WINDOW_S = 12.0
SOURCE = "synthetic:?width=320&height=192&fps=20"


def write_package(folder: Path) -> None:
    """A model of one size for the fake accelerator; it is sure of people everywhere, and nobody asks for people."""
    folder.mkdir(parents=True)
    graph = {
        "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, SIDE_PX, SIDE_PX, 3]}],
        "outputs": [
            {"name": "best", "dtype": "float32", "shape": [1, CELLS]},
            {"name": "raw", "dtype": "float32", "shape": [1, CELLS, 1 + 4 * BINS]},
        ],
    }
    data = json.dumps(graph).encode()
    (folder / "slow.fake").write_bytes(data)
    (folder / "model.toml").write_text(
        'format = 1\nname = "slow"\ntask = "detection"\nhead = "nanodet"\nlabels = ["person"]\nlicence = "own"\n'
        f'[input]\nwidth_px = {SIDE_PX}\nheight_px = {SIDE_PX}\n[[variants]]\nname = "slow"\nfile = "slow.fake"\n'
        f'sha256 = "{hashlib.sha256(data).hexdigest()}"\nsize_bytes = {len(data)}\n'
    )


def camera_config(name: str, priority: int) -> str:
    return (
        f'[[camera]]\nid = "{name}"\n[[camera.stream]]\nsource = "{SOURCE}"\n[camera.detect]\npackage = "slow"\n'
        f'rate_hz = {RATE_HZ}\nregions = 0\nlabels = ["car"]\npriority = {priority}\n'
    )


def config_of(folder: Path, more: str = "") -> str:
    """One camera that matters and three that do not, on one lane; makes the model."""
    write_package(folder / "models" / "slow")
    cameras = "".join(camera_config(name, 1 if name == "high" else 0) for name in (*LOW, "high"))
    return f'[vision]\nmodels = "{folder / "models"}"\naccelerator = "fake"\n{more}{cameras}'


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultHost]:
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", f"delay_ms={RUN_MS}")
    host = FaultHost(tmp_path, config_of(tmp_path))
    try:
        yield host
    finally:
        host.end()


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultHost]:
    """Cameras' models run in the inference process, as those of services do."""
    monkeypatch.setenv("EYESPOT_FAKE_ACCELERATOR", f"delay_ms={RUN_MS}")
    tiny_package.write_package(tmp_path / "models" / "means")
    host = FaultHost(tmp_path, config_of(tmp_path, 'inference = "process"\n'))
    try:
        yield host
    finally:
        host.end()


def vision(host: FaultHost, role: str = "vision") -> dict[str, Any]:
    """A process's newest report; empty before the first."""
    processes = host.api.get("/status").raise_for_status().json()["processes"]
    return next((one for one in processes if one["role"] == role), {})


def test_the_camera_that_matters_keeps_its_rate(host: FaultHost) -> None:
    def planned() -> Any:
        report = vision(host)
        cameras = report.get("totals", {}).get("plan", {}).get("cameras", {})
        return report if len(cameras) == 4 and all(cameras[name]["degraded"] == "rate" for name in LOW) else None

    before = until(planned, "the plan lowers the low cameras")
    plan = before["totals"]["plan"]["cameras"]
    assert plan["high"]["rate_hz"] == RATE_HZ
    assert all("taken by higher priorities" in plan[name]["reason"] for name in LOW)
    after = until(
        lambda: (found := vision(host)).get("uptime_s", 0) > before["uptime_s"] + WINDOW_S and found, "a while passes"
    )
    span_s = after["uptime_s"] - before["uptime_s"]
    rates = {
        name: (after["cameras"][name]["inferences"] - before["cameras"][name]["inferences"]) / span_s for name in plan
    }
    assert rates["high"] == pytest.approx(RATE_HZ, rel=0.1)
    for name in LOW:
        assert rates[name] < 0.75 * RATE_HZ
        assert rates[name] == pytest.approx(plan[name]["rate_hz"], rel=0.25)
    shown = host.api.get("/cameras").raise_for_status().json()["cameras"]
    assert {one["id"]: one["vision"]["rate_hz"] for one in shown}["high"] == RATE_HZ
    assert all(host.spans(name) for name in plan)
    summary = host.stop()
    assert summary["record_dropped"] == 0
    assert summary["segments"] >= 4


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap")
def test_a_service_has_what_cameras_leave_until_its_grant_is_taken_back(shared: FaultHost) -> None:
    def planned() -> dict[str, Any]:
        plan: dict[str, Any] = vision(shared).get("totals", {}).get("plan", {})
        return plan

    def used() -> dict[str, Any]:
        services = vision(shared, "services").get("totals", {}).get("services", {})
        return services.get("looker", {}).get("inference") or {}

    until(lambda: planned().get("cameras", {}).get("low-a", {}).get("degraded"), "the lanes are full")
    layout = StateLayout.of(shared.state)
    store = ServiceStore(layout.services_db)
    installed = Installed(layout, store)
    row = installed.install(SERVICES / "looker", "high")
    told = until(lambda: planned()["services"].get("looker"), "the plan knows of the service")["means"]
    assert (told["rate_hz"], told["degraded"]) == (0.0, "off"), "cameras have taken all"
    assert planned()["cameras"]["high"]["rate_hz"] == RATE_HZ
    model = until(lambda: used() and "planned_hz" in used()["models"]["means"] and used()["models"]["means"], "told so")
    refused = used()["refused"].get("throttled", 0)
    until(lambda: used()["refused"].get("throttled", 0) > refused + 3, "it asks on and is refused")
    assert used()["models"]["means"]["runs"] <= model["runs"] + 1, "one may have been under way"
    assert "plan leaves looker 0 runs" in used()["refusals"][-1]
    notes = shared.status()["doctor"]
    assert any(note["what"].startswith("Service looker has 0 runs of means") for note in notes)
    installed.grant("looker", row.granted.model_copy(update={"models": ()}))
    until(lambda: not planned()["services"], "it is planned for no longer")
    store.close()
