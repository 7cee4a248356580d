"""Built-in services: found, told by their code from what only looks like them, renewed with the platform."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from eyespot.contracts.service import read_manifest
from eyespot.edge.layout import StateLayout
from eyespot.edge.services import builtin
from eyespot.edge.services.builtin import built_in, find_source
from eyespot.edge.services.granted import in_words
from eyespot.edge.services.hosting import host_of
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.launching import prepare
from eyespot.edge.services.renewal import renew
from eyespot.edge.services.store import ServiceStore
from eyespot.edge.services.time_zone import posix_time_zone
from eyespot.kernel.errors import EyespotError

OTHER = """
[service]
name = "occupancy"
version = "1.0.0"
title = "Not ours"
host = "inline"
python = "app.service:Occupancy"
"""


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Installed]:
    layout = StateLayout.of(tmp_path / "state")
    layout.run_dir.mkdir()
    store = ServiceStore(layout.services_db)
    yield Installed(layout, store)
    store.close()


def look_alike(tmp_path: Path) -> Path:
    folder = tmp_path / "occupancy"
    shutil.copytree(built_in()["occupancy"], folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    (folder / "app" / "more.py").write_text("")
    return folder


def test_each_has_the_name_of_its_folder_and_our_vendor() -> None:
    for name, folder in built_in().items():
        about = read_manifest(folder).service
        assert (about.name, about.vendor, about.host) == (name, "Eyespot", "process")


def test_they_are_named_by_a_word() -> None:
    assert find_source(Path("builtin:occupancy")) == built_in()["occupancy"]
    assert find_source(Path("some/folder")) == Path("some/folder")
    with pytest.raises(EyespotError, match=r"There are: .*occupancy"):
        find_source(Path("builtin:nothing"))


def test_only_code_that_came_with_the_platform_runs_inside_of_it(installed: Installed, tmp_path: Path) -> None:
    row = installed.install(built_in()["occupancy"], "front", host="inline")
    checked = installed.check(row)
    assert host_of(checked.manifest, row.granted, row.digest) == "inline"
    launch = prepare(StateLayout.of(tmp_path / "state"), checked, "one")
    assert launch.entry is not None
    assert launch.env == {"TZ": posix_time_zone()}
    assert "nothing confines it" in in_words(checked.manifest, row.granted)["use"][0]
    with pytest.raises(EyespotError, match="not built-in"):
        installed.install(look_alike(tmp_path))
    assert installed.store.get("occupancy") == row
    installed.remove("occupancy")
    with pytest.raises(EyespotError, match="not built-in"):
        installed.install(look_alike(tmp_path), "front", host="inline")


def test_one_made_for_inline_by_others_is_confined(installed: Installed, tmp_path: Path) -> None:
    folder = look_alike(tmp_path)
    (folder / "service.toml").write_text(OTHER)
    row = installed.install(folder, "front")
    checked = installed.check(row)
    assert (row.origin, host_of(checked.manifest, row.granted, row.digest)) == ("", "process")
    assert prepare(StateLayout.of(tmp_path / "state"), checked, "one").entry is None
    stricter = installed.install(folder, "front", host="container")
    assert host_of(checked.manifest, stricter.granted, row.digest) == "container"


def test_a_choice_that_confines_less_is_refused(installed: Installed, tmp_path: Path) -> None:
    folder = look_alike(tmp_path)
    (folder / "service.toml").write_text(OTHER.replace('host = "inline"', 'host = "container"'))
    with pytest.raises(EyespotError, match="confines it less"):
        installed.install(folder, "front", host="process")


def test_a_new_platform_renews_them_as_they_were_granted(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = installed.install(built_in()["occupancy"], "front", settings={"keep_days": 3}, host="inline")
    installed.enable("occupancy", enabled=False)
    folder = look_alike(tmp_path)
    manifest = (folder / "service.toml").read_text().replace('version = "1.1.0"', 'version = "1.2.0"')
    (folder / "service.toml").write_text(manifest.replace('read = ["tracks", "zones"]', 'read = ["tracks", "events"]'))
    monkeypatch.setattr("eyespot.edge.services.renewal.built_in", lambda: {"occupancy": folder})
    monkeypatch.setattr(builtin, "built_in", lambda: {"occupancy": folder})
    renew(installed)
    now = installed.store.get("occupancy")
    kept = row.granted.model_copy(update={"read": ("tracks",)})  # not the events, which nobody granted
    assert (now.version, now.enabled, now.granted, now.settings) == ("1.2.0", False, kept, {"keep_days": 3})
    renew(installed)
    assert installed.store.get("occupancy") == now


def test_one_of_the_same_name_that_somebody_brought_is_left_alone(installed: Installed, tmp_path: Path) -> None:
    row = installed.install(look_alike(tmp_path), "front")
    renew(installed)
    assert installed.store.get("occupancy") == row
