"""Services that are images, on a whole host with real buildah and podman: from an archive to events and the end."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.edge.apps_dev.oci.arch import own_arch
from eyespot.edge.apps_dev.oci.build import build_images
from eyespot.edge.apps_dev.scaffold import scaffold
from eyespot.edge.services.engines.chooser import owner_of
from eyespot.edge.services.log_file import LogFile
from eyespot.kernel.errors import EyespotError

from .image_rig import host_base, vendor_image
from .service_host import Host, counted

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("buildah", "podman", "runc", "cc"))),
        reason="needs root, buildah, podman, runc and a C compiler: see docs/limits.md",
    ),
]
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "state")
    yield made
    for row in made.store.rows():
        made.installed.remove(row.name)
    made.until(lambda: not held(made) or None)
    made.stop()


def held(host: Host) -> list[str]:
    """Ids of the images of this host's services that podman holds."""
    name = f"localhost/eyespot-service-{owner_of(host.state)}"
    command = ["podman", "image", "ls", "--no-trunc", "--format", "{{.Id}}", name]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return [f"sha256:{one}" for one in listed]


def command(host: Host, *words: str) -> str:
    """What `eyespot services` says."""
    line = [sys.executable, "-m", "eyespot.cli.main", "services", *words, "--state", str(host.state)]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def image_of(host: Host, name: str) -> str:
    """Id of the image that the installed service is pinned to."""
    pin = host.installed.check(host.store.get(name)).pin
    assert pin is not None
    return pin.config


def runs(host: Host, name: str, version: str = "") -> bool:
    """Whether the service has beaten, in that version where one is named; it must not have failed."""
    assert host.state_of(name) != "failed", LogFile(host.layout.service_logs_dir, name).lines(20)
    found = host.status().get(name, {})
    return bool(found.get("beat")) and version in ("", found["version"]) and host.state_of(name) == "running"


def stopped(host: Host, name: str) -> None:
    """Stop the service, and wait for it."""
    host.installed.enable(name, enabled=False)
    host.until(lambda: name not in host.status() or None)


def test_images_of_python_run_as_their_packages_would_and_are_held(host: Host, tmp_path: Path) -> None:
    """The service that `app new` makes, and the one that tries to break out, both by `app build --oci`."""
    for folder in (scaffold("fresh", tmp_path), EXAMPLES / "hostile-app"):
        build_images(folder, tmp_path / "out", [own_arch()], tmp_path / "cache", lambda line: None, host_base)
    fresh, hostile = (
        tmp_path / "out" / f"{name}-{own_arch().name}.oci.tar" for name in ("fresh-0.1.0", "hostile-app-1.0.0")
    )
    with pytest.raises(EyespotError, match="'process' cannot run it"):
        host.installed.install(fresh, "front", host="process")
    assert host.store.rows() == []

    host.installed.install(fresh, "front", settings={"dark_below": 254})
    host.until(lambda: {event.label for event in counted(host)} >= {"fresh.dark"} or None)
    status = host.until(lambda: (found := host.status().get("fresh", {})).get("beat") and found)
    assert (status["deaths"], status["bus"]["refused"], status["enforced"]["disk"]) == (0, 0, "file system")

    host.installed.install(hostile)
    host.until(lambda: any(moment.state == "backoff" for moment in host.store.states("hostile-app")) or None)
    host.installed.enable("hostile-app", enabled=False)
    lines = LogFile(host.layout.service_logs_dir, "hostile-app").lines(500)
    answers = [json.loads(line[line.index("{") :]) for line in lines if '"attempt"' in line]
    assert len({answer["attempt"] for answer in answers}) >= 65
    assert [answer for answer in answers if answer["worked"]] == []


def test_one_of_a_vendor_without_python_gets_frames_and_is_loaded_again_where_podman_lost_it(
    host: Host, tmp_path: Path
) -> None:
    said = command(host, "install", str(vendor_image(tmp_path / "first")), "--camera", "front")
    assert "It is the image sha256:" in said
    host.until(lambda: runs(host, "brightness") or None)
    event = host.until(lambda: next((one for one in counted(host) if one.label == "brightness.measured"), None))
    assert event.detail["user"] == 10_001
    assert 0 < event.detail["brightness"] < 255
    (first,) = held(host)
    assert first == image_of(host, "brightness")

    host.installed.install(vendor_image(tmp_path / "second", "1.1.0"))
    host.until(lambda: runs(host, "brightness", "1.1.0") or None)
    assert sorted(held(host)) == sorted([first, image_of(host, "brightness")]), "one is there to go back to"
    assert host.installed.go_back("brightness").version == "1.0.0"
    host.until(lambda: runs(host, "brightness", "1.0.0") or None)

    stopped(host, "brightness")
    subprocess.run(["podman", "image", "rm", "--force", first], check=True, capture_output=True)
    host.installed.enable("brightness", enabled=True)
    host.until(lambda: runs(host, "brightness") or None)
    assert first in held(host), "loaded again, from the archive that is kept"

    stopped(host, "brightness")
    subprocess.run(["podman", "image", "rm", "--force", first], check=True, capture_output=True)
    for archive in host.layout.service_images_dir.iterdir():
        with archive.open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"x")
    host.installed.enable("brightness", enabled=True)
    host.until(lambda: host.state_of("brightness") == "refused" or None)
    assert "gone or was altered" in host.store.states("brightness")[-1].why
    host.installed.remove("brightness")
    host.until(lambda: not list(host.layout.service_images_dir.iterdir()) or None)
    assert held(host) == []
