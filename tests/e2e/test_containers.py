"""Services in containers on a whole host: what they are given, what holds them, what is left of them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.edge.apps_dev.scaffold import scaffold

from .service_host import Host, counted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("podman") is None,
        reason="containers need root and podman: see docs/limits.md",
    ),
]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    made.stop()


def in_container(folder: Path) -> Path:
    """The service in ``folder``, made for the container host."""
    manifest = folder / "service.toml"
    manifest.write_text(manifest.read_text().replace("[service]\n", '[service]\nhost = "container"\n'))
    return folder


def test_a_new_service_gets_its_frames_in_a_container(host: Host, tmp_path: Path) -> None:
    host.installed.install(in_container(scaffold("fresh", tmp_path)), "front", settings={"dark_below": 254})
    (event, *_) = host.until(lambda: counted(host) or None)
    assert (event.label, event.camera) == ("fresh.dark", "front")
    assert host.state_of("fresh") == "running"
