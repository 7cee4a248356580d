"""What a killed services process leaves is cleared before services run again."""

import os
import shutil
from pathlib import Path

import pytest

from eyespot.edge.layout import StateLayout
from eyespot.edge.services.engines.scratch import open_scratch
from eyespot.edge.services.installed import Installed
from eyespot.edge.services.launching import run_folder
from eyespot.edge.services.leftovers import clear_leftovers
from eyespot.edge.services.store import ServiceStore


def test_sockets_of_an_earlier_life_go(tmp_path: Path) -> None:
    layout = StateLayout.of(tmp_path / "state")
    run_folder(layout, "counter").mkdir(parents=True)
    (run_folder(layout, "counter") / "bus.sock").touch()
    clear_leftovers(layout)
    assert list(run_folder(layout, "counter").parent.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mkfs.ext4") is None, reason="storage is mounted by root alone")
def test_storage_that_is_still_mounted_is_put_away_and_goes_with_its_service(tmp_path: Path) -> None:
    layout = StateLayout.of(tmp_path / "state")
    layout.scratch_dir.mkdir()
    home = layout.scratch_dir / "counter"
    try:
        scratch = open_scratch(home, 4, os.geteuid())
    except OSError as error:
        pytest.skip(f"nothing can be mounted here: {error}")
    if not scratch.mounted:
        pytest.skip("nothing can be mounted here")
    (scratch.where / "kept").write_text("yes")
    clear_leftovers(layout)
    assert not os.path.ismount(scratch.where)
    assert home.exists(), "what it kept is for its next start"
    open_scratch(home, 4, os.geteuid())
    Installed(layout, ServiceStore(layout.services_db)).sweep()
    assert not home.exists(), "nobody of that name is installed"
