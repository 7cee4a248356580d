"""Killed at every step of a change to the store: afterwards it is as before or as after, and the change can be made.

Each step is one call that changes a file or one statement; the process that makes the change ends there without a
word, as by SIGKILL. What a power cut adds to that is SQLite's and fsync's business.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_archives
import pytest

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.seccomp import MACHINES
from eyespot.edge.services.granted import Granted
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.oci import kept_images
from eyespot.edge.services.store import Row, ServiceStore
from eyespot.kernel.sqlite import Database

KILLED = 9
STEPS = {"open", "os.rename", "os.mkdir", "os.rmdir", "os.remove", "os.chmod", "shutil.rmtree", "sqlite3.connect"}
Change = Callable[[Installed, Path], Any]
CHANGES: dict[str, Change] = {
    "install": lambda installed, source: installed.install(write(source, "first", "1.0.0")),
    "update": lambda installed, source: installed.install(write(source, "counter", "1.1.0")),
    "update to an image": lambda installed, source: installed.install(image(source.with_suffix(".tar"), "counter")),
    "configure": lambda installed, _: installed.configure("counter", {"limit": 9}),
    "grant": lambda installed, _: installed.grant("counter", Granted(camera="yard")),
    "disable": lambda installed, _: installed.enable("counter", enabled=False),
    "remove": lambda installed, _: installed.remove("counter") if installed.store.rows() else None,
    "sweep": lambda installed, _: installed.sweep(),
}


def write(folder: Path, name: str, version: str) -> Path:
    (folder / "more").mkdir(parents=True, exist_ok=True)
    (folder / "service.toml").write_text(
        f'[service]\nname = "{name}"\nversion = "{version}"\ntitle = "T"\ncommand = ["true"]\n[permissions]\n'
        'read = ["tracks"]\n[config]\ntype = "object"\n[config.properties.limit]\ntype = "integer"\n'
    )
    (folder / "more" / "data").write_text(version)
    return folder


def image(path: Path, name: str) -> Path:
    """An image archive of the service ``name``."""
    label = made_archives.SERVICE.replace('"counter"', f'"{name}"').replace("1.0.0", "1.2.0")
    path.write_bytes(made_archives.archive(arch=MACHINES[os.uname().machine][1], label=label))
    return path


def opened(state: Path) -> Installed:
    layout = StateLayout.of(state)
    return Installed(layout, ServiceStore(layout.services_db), free_bytes=lambda _: 1 << 40)


def killed_at(step: int, state: Path, source: Path, change: Change) -> bool:
    """Make ``change`` in a process that ends at its ``step``-th step; False when it has fewer."""
    child = os.fork()
    if child == 0:
        try:
            _end_at(step)
            change(opened(state), source)
        except BaseException:  # noqa: BLE001 - a forked child must not go on with the parent's tests
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, KILLED), "the change itself failed"
    return status == KILLED


def _end_at(step: int) -> None:
    left = step

    def count(event: str, _: Any) -> None:
        nonlocal left
        if event in STEPS:
            left -= 1
            if left <= 0:
                os._exit(KILLED)

    change = Database.change

    def counted(self: Database, statement: str, values: Any = ()) -> Any:
        count("open", None)
        done = change(self, statement, values)
        count("open", None)
        return done

    Database.change = counted  # type: ignore[method-assign]  # in the child alone, which ends
    sys.addaudithook(count)


def rows(state: Path) -> list[Row]:
    installed = opened(state)
    found = installed.store.rows()
    for row in found:
        installed.check(row)
    installed.store.close()
    return found


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_killed_at_any_step_it_is_as_before_or_as_after(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_images, "let_go", lambda configs, owner: set(configs))  # podman was never asked to load
    change, source = CHANGES[name], tmp_path / "source"
    step, seen = 1, set()
    while True:
        state = tmp_path / f"state{step}"
        installed = opened(state)
        installed.install(write(tmp_path / "old", "counter", "1.0.0"), "yard")
        installed.store.close()
        before = rows(state)
        if not killed_at(step, state, source, change):
            break
        after_kill = rows(state)
        installed = opened(state)
        installed.sweep()
        named = {row.folder for row in after_kill}
        named |= {f"{row.name}/{row.before[0]}-{row.before[1][:12]}" for row in after_kill if row.before}
        home = state / "services"
        assert {f"{path.parent.name}/{path.name}" for path in home.glob("*/*")} == named, "nothing is left over"
        pins = [pin for row in after_kill if (pin := installed.check(row).pin)]
        assert {path.name for path in (state / "service-images").glob("*")} == {pin.archive_name for pin in pins}
        assert not list((state / "incoming").glob("*"))
        seen.add("before" if after_kill == before else "after")
        change(installed, source)
        after = installed.store.rows()
        installed.store.close()
        if after_kill != before and name != "disable":
            assert [(row.name, row.version, row.granted, row.settings) for row in after_kill] == [
                (row.name, row.version, row.granted, row.settings) for row in after
            ]
        step += 1
    assert step > 3, "it was killed inside"
    assert "before" in seen
