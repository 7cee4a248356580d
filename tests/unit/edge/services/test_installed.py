"""Installing: what is taken, what is refused, and that a folder which was altered is not run."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from eyespot.edge.apps_dev.package import build
from eyespot.edge.layout import StateLayout
from eyespot.edge.services.digest import copy_folder, digest_of
from eyespot.edge.services.granted import Granted, in_words
from eyespot.edge.services.installed import Checked, Installed
from eyespot.edge.services.present import any_installed
from eyespot.edge.services.store import KEPT_STATES, Row, ServiceStore
from eyespot.kernel.errors import EyespotError, Kind

MANIFEST = """
[service]
name = "counter"
version = "VERSION"
title = "Counter"
command = ["python3", "main.py"]
[[view]]
name = "door"
[permissions]
read = ["tracks"]
emit = [EMIT]
policy = ["workplace"]
[config]
type = "object"
[config.properties.limit]
type = "integer"
minimum = 1
"""


def write(folder: Path, version: str = "1.0.0", emit: str = '"count"') -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "service.toml").write_text(MANIFEST.replace("VERSION", version).replace("EMIT", emit))
    (folder / "main.py").write_text(f"print('{version}')\n")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write(tmp_path / "source")


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    layout = StateLayout.of(tmp_path / "state")
    return Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: 1 << 40)


def test_a_folder_is_copied_read_only_and_found_again(installed: Installed, source: Path, tmp_path: Path) -> None:
    row = installed.install(source, "yard")
    checked = installed.check(installed.store.get("counter"))
    assert checked.row == row
    assert checked.folder == tmp_path / "state" / "services" / "counter" / f"1.0.0-{row.digest[:12]}"
    assert (checked.folder / "main.py").stat().st_mode & 0o777 == 0o444
    assert (row.granted.camera, row.granted.views, row.granted.emit) == ("yard", ("door",), ("count",))
    assert any_installed(tmp_path / "state" / "services")
    installed.remove("counter")
    assert not any_installed(tmp_path / "state" / "services")


@pytest.mark.parametrize("damage", ["changed", "more", "less", "mode", "link", "gone"])
def test_a_folder_that_was_altered_is_not_run(installed: Installed, source: Path, damage: str) -> None:
    row = installed.install(source)
    folder = installed.check(row).folder
    main = folder / "main.py"
    if damage == "changed":
        main.chmod(0o644)
        main.write_text("print('2.0.0')\n")
    elif damage == "more":
        (folder / "extra.py").write_text("")
    elif damage == "less":
        main.unlink()
    elif damage == "mode":
        main.chmod(0o555)
    elif damage == "link":
        main.unlink()
        main.symlink_to(source / "main.py")
    else:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    with pytest.raises(EyespotError) as raised:
        installed.check(row)
    assert raised.value.kind is Kind.CORRUPT


@pytest.mark.parametrize("kind", ["link", "folder link", "fifo", "set-id", "deep", "name", "many"])
def test_what_no_service_may_hold_is_refused(installed: Installed, source: Path, tmp_path: Path, kind: str) -> None:
    if kind == "link":
        (source / "passwd").symlink_to("/etc/passwd")
    elif kind == "folder link":
        (source / "etc").symlink_to("/etc")
    elif kind == "fifo":
        os.mkfifo(source / "pipe")
    elif kind == "set-id":
        (source / "main.py").chmod(0o4755)
    elif kind == "deep":
        (source / "/".join("d" * 20)).mkdir(parents=True)
    elif kind == "name":
        (source / "a\nb").write_text("")
    else:
        for number in range(4200):
            (source / f"{number}").touch()
    with pytest.raises(EyespotError) as raised:
        installed.install(source)
    assert raised.value.kind in (Kind.INVALID, Kind.TOO_LARGE)
    assert installed.store.rows() == []
    assert not any_installed(tmp_path / "state" / "services")
    assert [path.name for path in (tmp_path / "state" / "services").iterdir()] == [".lock"]


def test_the_digest_depends_on_names_contents_and_modes_alone(tmp_path: Path) -> None:
    one = write(tmp_path / "one")
    copy_folder(one, tmp_path / "two")
    assert digest_of(one) == digest_of(tmp_path / "two")
    (one / "__pycache__").mkdir()
    (one / "__pycache__" / "x.pyc").write_text("x")
    assert digest_of(one) == digest_of(tmp_path / "two")
    (one / "main.py").rename(one / "mainn.py")
    assert digest_of(one) != digest_of(tmp_path / "two")


def test_a_class_that_is_forbidden_is_refused_with_the_reason(installed: Installed, source: Path) -> None:
    with pytest.raises(EyespotError, match="class 'workplace', which is forbidden") as raised:
        installed.install(source, forbidden=("workplace", "audio"))
    assert raised.value.kind is Kind.FORBIDDEN


def test_a_full_disk_takes_no_service(tmp_path: Path, source: Path) -> None:
    layout = StateLayout.of(tmp_path / "state")
    installed = Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: 1000)
    with pytest.raises(EyespotError) as raised:
        installed.install(source)
    assert raised.value.kind is Kind.EXHAUSTED


def test_a_new_version_gets_nothing_that_was_not_granted(installed: Installed, source: Path) -> None:
    installed.install(source, "yard", granted=Granted(camera="yard", views=("door",)))
    write(source, "1.1.0", '"count", "alarm"')
    row = installed.install(source)
    assert row.granted == Granted(camera="yard", views=("door",))
    assert (row.version, row.before) == ("1.1.0", ("1.0.0", installed.store.get("counter").before[1]))  # type: ignore[index]  # there is one
    assert installed.store.roll_back("counter", row.digest)
    assert installed.check(installed.store.get("counter")).manifest.service.version == "1.0.0"
    assert not installed.store.roll_back("counter", row.digest), "one way back, once"


def test_more_than_the_manifest_asks_for_cannot_be_granted(installed: Installed, source: Path) -> None:
    with pytest.raises(EyespotError, match="'events' in read is not asked for"):
        installed.install(source, granted=Granted(read=("tracks", "events")))


def test_where_less_would_hold_it_no_owner_lets_it_run(installed: Installed, source: Path) -> None:
    text = (source / "service.toml").read_text()
    assert "host = " not in text
    (source / "service.toml").write_text(text.replace("[service]", '[service]\nhost = "container"', 1))
    granted = installed.install(source).granted
    for host, why in (("process", "confines it less"), ("inline", "is not built-in")):
        with pytest.raises(EyespotError, match=why):
            installed.grant("counter", granted.model_copy(update={"host": host}))
    assert installed.grant("counter", granted.model_copy(update={"host": "container"})).granted.host == "container"


def test_settings_are_checked_before_they_are_kept(installed: Installed, source: Path) -> None:
    installed.install(source, settings={"limit": 3})
    with pytest.raises(EyespotError, match="limit: must be at least 1"):
        installed.configure("counter", {"limit": 0})
    assert installed.store.get("counter").settings == {"limit": 3}
    assert installed.configure("counter", {"limit": 4}).settings == {"limit": 4}


def test_a_roll_back_in_the_middle_of_a_change_is_not_undone(
    installed: Installed, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = installed.install(source, settings={"limit": 3})
    write(source, "1.1.0")
    new = installed.install(source)
    found = installed.check(installed.store.get("counter"))

    def rolled_back(_: Row) -> Checked:
        installed.store.roll_back("counter", new.digest)
        return found

    monkeypatch.setattr(installed, "check", rolled_back)
    with pytest.raises(EyespotError, match="was changed meanwhile"):
        installed.configure("counter", {"limit": 4})
    assert installed.enable("counter", enabled=False).digest == old.digest
    kept = installed.store.get("counter")
    assert (kept.digest, kept.settings, kept.enabled) == (old.digest, {"limit": 3}, False)


def test_the_sweep_takes_what_no_row_names(installed: Installed, source: Path, tmp_path: Path) -> None:
    old = installed.install(source)
    write(source, "1.1.0")
    new = installed.install(source)
    stray = tmp_path / "state" / "services" / ".abc" / "new"
    stray.mkdir(parents=True)
    assert installed.sweep() == [".abc/new"], "the version before stays until the new one is healthy"
    installed.store.settle("counter", new.digest)
    assert installed.sweep() == [], "its owner can go back to it"
    write(source, "1.2.0")
    installed.install(source)
    assert installed.sweep() == [old.folder]
    assert installed.check(installed.store.get("counter")).manifest.service.version == "1.2.0"


def test_its_owner_goes_back_to_the_version_before_and_forth_again(installed: Installed, source: Path) -> None:
    installed.install(source, "yard", granted=Granted(camera="yard", views=("door",)))
    with pytest.raises(EyespotError, match="no version of counter to go back to"):
        installed.go_back("counter")
    write(source, "1.1.0")
    new = installed.install(source)
    installed.store.settle("counter", new.digest)
    back = installed.go_back("counter")
    assert (back.version, back.granted, back.before) == ("1.0.0", Granted(camera="yard", views=("door",)), None)
    assert back.starts > new.starts, "it is started again"
    installed.sweep()
    assert installed.check(installed.store.get("counter")).manifest.service.version == "1.0.0"
    forth = installed.go_back("counter")
    assert (forth.version, forth.digest) == ("1.1.0", new.digest)


def test_stopping_and_starting_again_is_a_change_each_time(installed: Installed, source: Path) -> None:
    rows = [installed.install(source), installed.enable("counter", enabled=False)]
    rows += [installed.enable("counter", enabled=True), installed.enable("counter", enabled=True)]
    assert [row.enabled for row in rows] == [True, False, True, True]
    assert len({row.starts for row in rows}) == 4


def test_the_last_states_are_kept_and_no_more(installed: Installed) -> None:
    for number in range(25):
        installed.store.note("counter", number, "running", str(number))
    installed.store.note("other", 1, "failed")
    assert [moment.why for moment in installed.store.states("counter")] == [str(n) for n in range(25 - KEPT_STATES, 25)]
    assert len(installed.store.states("other")) == 1


def test_what_it_can_see_use_and_send_is_told_in_words(installed: Installed, source: Path) -> None:
    row = installed.install(source, "yard")
    words = in_words(installed.check(row).manifest, row.granted)
    assert words["see"] == [
        "Of camera yard: the whole picture, 640 × 360 pixels, 5 times a second.",
        "The tracks of yard.",
    ]
    assert words["send"] == ["Events 'counter.count', which are kept and shown here."]
    assert in_words(installed.check(row).manifest, Granted())["see"] == ["Nothing."]


def test_a_package_is_installed_as_its_folder_would_be(installed: Installed, source: Path, tmp_path: Path) -> None:
    (source / "tool").write_text("#!/bin/sh\n")
    (source / "tool").chmod(0o755)
    package = build(source, tmp_path / "out")
    with installed.opened(package.path) as candidate:
        assert (candidate.manifest.service.name, candidate.sha256) == ("counter", package.digest)
        assert candidate.folder.is_relative_to(tmp_path / "state" / "incoming")
        installed.sweep()
        assert (candidate.folder / "tool").exists(), "what is held is not swept away"
    row = installed.install(package.path, "yard")
    assert row == replace(installed.install(source, "yard"), starts=row.starts), "the same digest either way"
    assert list((tmp_path / "state" / "incoming").iterdir()) == []


def test_a_package_that_is_refused_leaves_nothing(installed: Installed, source: Path, tmp_path: Path) -> None:
    package = build(source, tmp_path / "out").path
    package.write_bytes(package.read_bytes()[:-9000])
    with pytest.raises(EyespotError, match="ends in the middle"):
        installed.install(package)
    assert installed.store.rows() == []
    assert list((tmp_path / "state" / "incoming").iterdir()) == []


def test_what_a_crash_left_is_swept_away(installed: Installed, tmp_path: Path) -> None:
    left = tmp_path / "state" / "incoming" / "left" / "unpacked"
    left.mkdir(parents=True)
    installed.sweep()
    assert list((tmp_path / "state" / "incoming").iterdir()) == []
