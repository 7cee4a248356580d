"""An image from the archive to the row and back: what is kept, what is let go, and where it may run. podman is asked
by tests/e2e/test_service_images.py."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from made_archives import SERVICE, archive, tar_of

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.seccomp import MACHINES
from eyespot.edge.services.hosting import host_of
from eyespot.edge.services.installed import LEAST_FREE_BYTES, Installed
from eyespot.edge.services.launching import prepare
from eyespot.edge.services.oci import kept_images
from eyespot.edge.services.store import ServiceStore
from eyespot.kernel.errors import EyespotError, Kind

ARCH = MACHINES[os.uname().machine][1]
FREE_BYTES = LEAST_FREE_BYTES + (1 << 20)


class Podman:
    """What the sweep asks podman to let go; ``used`` are in use and stay."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.used: set[str] = set()

    def let_go(self, configs: Iterable[str], owner: str) -> set[str]:
        wanted = set(configs)
        self.asked += sorted(wanted)
        return wanted - self.used


@pytest.fixture
def podman(monkeypatch: pytest.MonkeyPatch) -> Podman:
    made = Podman()
    monkeypatch.setattr(kept_images, "let_go", made.let_go)
    return made


@pytest.fixture
def layout(tmp_path: Path) -> StateLayout:
    return StateLayout.of(tmp_path / "state")


@pytest.fixture
def installed(layout: StateLayout, podman: Podman) -> Installed:
    return Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: FREE_BYTES)


def image(folder: Path, version: str = "1.0.0", content: bytes = b"") -> Path:
    """An archive of a service, in ``folder``."""
    path = folder / f"counter-{version}.oci.tar"
    label = SERVICE.replace("1.0.0", version)
    path.write_bytes(archive(tar_of({"counter": content or version.encode()}), arch=ARCH, label=label))
    return path


def kept(layout: StateLayout) -> list[str]:
    return sorted(path.name for path in layout.service_images_dir.iterdir())


def config(archive_name: str) -> str:
    return f"sha256:{archive_name.partition('-')[0]}"


def test_an_image_is_installed_pinned_and_started_as_a_container(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    row = installed.install(image(tmp_path))
    checked = installed.check(installed.store.get("counter"))
    assert checked.pin is not None
    assert (row.granted.host, host_of(checked.manifest, row.granted, row.digest)) == (None, "container")
    assert kept(layout) == [checked.pin.archive_name]
    launch = prepare(layout, checked, "life")
    assert launch.image is not None
    assert (launch.image.config, launch.image.layers) == (checked.pin.config, checked.pin.layers)
    assert launch.image.archive.is_file()
    assert list(layout.incoming_dir.iterdir()) == []
    assert installed.install(image(tmp_path)).digest == row.digest, "the same image is the same service"


def test_it_runs_nowhere_but_in_containers(installed: Installed, tmp_path: Path) -> None:
    for host in ("process", "inline"):
        with pytest.raises(EyespotError, match=f"is an image, which runs in containers alone; '{host}' cannot run it"):
            installed.install(image(tmp_path), host=host)  # type: ignore[arg-type]
    assert installed.store.rows() == []
    row = installed.install(image(tmp_path))
    with pytest.raises(EyespotError, match="containers alone"):
        installed.grant("counter", row.granted.model_copy(update={"host": "process"}))


def test_a_host_chosen_for_a_package_does_not_hold_for_the_image_after_it(installed: Installed, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "service.toml").write_text(SERVICE)
    installed.install(folder, host="process")
    row = installed.install(image(tmp_path, "1.1.0"))
    assert row.granted.host is None
    before = installed.install(folder, host="process")
    assert installed.store.roll_back("counter", before.digest), "by itself, with what is granted now"
    back = installed.check(installed.store.get("counter"))
    assert back.row.granted.host == "process"
    assert host_of(back.manifest, back.row.granted, back.row.digest) == "container"


def test_the_pin_is_part_of_what_is_checked_and_nobody_else_brings_one(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    row = installed.install(image(tmp_path))
    folder = installed.check(row).folder
    stolen = tmp_path / "stolen"
    stolen.mkdir()
    for file in folder.iterdir():
        (stolen / file.name).write_bytes(file.read_bytes())
    with pytest.raises(EyespotError, match=r"no image has no eyespot-image\.json"):
        installed.install(stolen)
    pin = folder / "eyespot-image.json"
    pin.chmod(0o644)
    pin.write_text(pin.read_text().replace("sha256:", "sha256:0", 1))
    with pytest.raises(EyespotError) as raised:
        installed.check(row)
    assert raised.value.kind is Kind.CORRUPT


def test_images_stay_while_a_version_needs_them_and_go_after_it(
    installed: Installed, layout: StateLayout, podman: Podman, tmp_path: Path
) -> None:
    installed.install(image(tmp_path))
    (first,) = kept(layout)
    installed.install(image(tmp_path, "1.1.0"))
    installed.sweep()
    assert len(kept(layout)) == 2, "its owner can go back"
    assert installed.go_back("counter").version == "1.0.0"
    installed.install(image(tmp_path, "1.2.0"))
    installed.sweep()
    assert len(kept(layout)) == 2
    assert first in kept(layout)
    assert len(podman.asked) == 1
    podman.used = {config(name) for name in kept(layout)}
    installed.remove("counter")
    assert len(kept(layout)) == 2, "containers still use them"
    podman.used = {config(first)}
    installed.sweep()
    assert kept(layout) == [first]
    podman.used = set()
    installed.sweep()
    assert kept(layout) == []


def test_an_archive_that_a_crash_left_goes_with_what_podman_may_hold_of_it(
    installed: Installed, layout: StateLayout, podman: Podman, tmp_path: Path
) -> None:
    installed.install(image(tmp_path))
    (wanted,) = kept(layout)
    left = layout.service_images_dir / f"{'a' * 64}-{'b' * 16}.oci.tar"
    left.write_bytes(b"")
    same = layout.service_images_dir / f"{wanted.partition('-')[0]}-{'b' * 16}.oci.tar"
    same.write_bytes(b"")
    installed.sweep()
    assert kept(layout) == [wanted]
    assert podman.asked == [f"sha256:{'a' * 64}"], "the other has the id of one that is needed"


def test_no_archive_goes_while_the_disk_does_not_tell_which_are_needed(
    installed: Installed, layout: StateLayout, podman: Podman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(folder: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    installed.install(image(tmp_path))
    before = kept(layout)
    monkeypatch.setattr(kept_images, "read_service", read)
    installed.sweep()
    assert (kept(layout), podman.asked) == (before, [])


def test_podman_is_not_asked_where_there_is_no_image(installed: Installed, podman: Podman, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "service.toml").write_text(SERVICE)
    installed.install(folder)
    installed.sweep()
    installed.remove("counter")
    assert podman.asked == []


def test_an_image_that_leaves_too_little_room_is_not_taken(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    with pytest.raises(EyespotError) as raised:
        installed.install(image(tmp_path, content=bytes(2 << 20)))
    assert raised.value.kind is Kind.EXHAUSTED
    assert not layout.service_images_dir.exists()


def test_one_for_another_machine_or_refused_leaves_nothing(
    installed: Installed, layout: StateLayout, tmp_path: Path
) -> None:
    other = tmp_path / "other.oci.tar"
    other.write_bytes(archive(arch="s390x"))
    with pytest.raises(EyespotError, match=r"it has: linux/s390x"):
        installed.install(other)
    other.write_bytes(archive(arch=ARCH, label="[service]\nname = 'counter'"))
    with pytest.raises(EyespotError, match=r"service\.version"):
        installed.install(other)
    assert list(layout.incoming_dir.iterdir()) == []
    assert not layout.service_images_dir.exists()
