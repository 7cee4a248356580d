"""The doctor and services that are images: what they need and is not there is an error, not a hint."""

import os
from pathlib import Path

import pytest
from made_archives import SERVICE, archive

from eyespot.edge import doctor
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.contract import Availability
from eyespot.edge.services.engines.seccomp import MACHINES
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.clock import SystemClock


class Absent:
    """An engine that does not work here."""

    name = "container"

    async def available(self) -> Availability:
        return Availability(False, "podman cannot be found.", "Install it.")


def test_what_an_image_lacks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eyespot.edge.services.engines.chooser.known", lambda clock, state: (Absent(),))
    layout = StateLayout.of(tmp_path / "state")
    patient = doctor.Patient(None, None, layout, SystemClock())
    (finding,) = doctor._hosts(patient)
    assert (finding.level, layout.services_db.exists()) == ("hint", False)

    sent = tmp_path / "sent"
    sent.write_bytes(archive(arch=MACHINES[os.uname().machine][1]))
    installed = Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: 1 << 40)
    installed.install(sent)
    (finding,) = doctor._hosts(patient)
    assert (finding.level, finding.todo) == ("error", "Install it.")
    assert "these images do not run: counter" in finding.what
    earlier = tmp_path / "an-earlier-one"
    earlier.mkdir()
    (earlier / "service.toml").write_text(SERVICE.replace("counter", "altered"))
    (layout.services_dir / installed.install(earlier).folder / "service.toml").unlink()
    (finding,) = doctor._hosts(patient)
    assert "these images do not run: counter" in finding.what, "also where another one cannot be read"
    for kept in layout.service_images_dir.iterdir():
        kept.unlink()
    first, _ = doctor._hosts(patient)
    assert (first.level, first.what) == ("error", "The archive of the image of counter is gone.")
    installed.enable("counter", enabled=False)
    assert [one.level for one in doctor._hosts(patient)] == ["hint"]
